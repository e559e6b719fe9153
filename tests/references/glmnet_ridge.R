# Ridge solutions of glmnet, for tests/test_wide_logistic.py.
#
#   Rscript tests/references/glmnet_ridge.R > tests/references/glmnet_ridge.json
#
# Made with R 4.2.2, glmnet 4.1-6 and jsonlite 1.8.4 (Debian 12: r-base-core, r-cran-glmnet, r-cran-jsonlite).
# The expression is rounded so that the numbers in the file are the numbers that were fitted.

suppressPackageStartupMessages({
  library(glmnet)
  library(jsonlite)
})
glmnet.control(fdev = 0, devmax = 1)
set.seed(9476)

fit <- function(n, p, n_classes) {
  labels <- rep_len(seq_len(n_classes), n)
  x <- matrix(rnorm(n * p), n, p)
  for (k in seq_len(n_classes)) {
    x[labels == k, k] <- x[labels == k, k] + 1.5
  }
  x <- round(7 + sweep(x, 2, runif(p, 0.3, 2), `*`), 3)
  family <- if (n_classes == 2) "binomial" else "multinomial"
  # glmnet minimises mean loss + lambda / 2 * |b|^2 on columns standardised with divisor n: C = 1 / (n lambda).
  strength <- c(1e-3, 1e-2, 1e-1, 1)
  lambda <- 1 / (n * strength)
  model <- glmnet(x, factor(labels), family, alpha = 0, lambda = lambda, thresh = 1e-22, maxit = 1e8)
  probability <- predict(model, x, type = "response")
  if (n_classes == 2) {
    probability <- array(c(1 - probability, probability), c(n, length(lambda), 2))
  } else {
    probability <- aperm(probability, c(1, 3, 2))
  }
  list(x = x, labels = labels - 1, C = strength, probability = aperm(probability, c(2, 1, 3)))
}

cat(toJSON(
  list(
    R = R.version.string, glmnet = as.character(packageVersion("glmnet")),
    cases = list(two_classes = fit(20, 60, 2), three_classes = fit(24, 60, 3), fewer_probes = fit(40, 12, 3))
  ),
  digits = 9, auto_unbox = TRUE
))
