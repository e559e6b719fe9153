# Elastic-net solutions of glmnet, for tests/test_wide_elasticnet.py.
#
#   Rscript tests/references/glmnet.R > tests/references/glmnet.json
#
# Made with R 4.2.2, glmnet 4.1-6 and jsonlite 1.8.4 (Debian 12: r-base-core, r-cran-glmnet, r-cran-jsonlite).
# The expression is rounded so that the numbers in the file are the numbers that were fitted.

suppressPackageStartupMessages({
  library(glmnet)
  library(jsonlite)
})
glmnet.control(fdev = 0, devmax = 1)
set.seed(9476)

fit <- function(n, p, n_classes, alpha) {
  labels <- rep_len(seq_len(n_classes), n)
  x <- matrix(rnorm(n * p), n, p)
  for (k in seq_len(n_classes)) {
    x[labels == k, k] <- x[labels == k, k] + 1.5
  }
  x <- round(7 + sweep(x, 2, runif(p, 0.3, 2), `*`), 3)
  family <- if (n_classes == 2) "binomial" else "multinomial"
  y <- factor(labels)
  # The path starts at the smallest penalty that leaves every coefficient 0.
  largest <- max(glmnet(x, y, family, alpha = alpha, nlambda = 5)$lambda)
  strength <- c(1, 0.7, 0.4, 0.2, 0.1, 0.05)
  model <- glmnet(x, y, family, alpha = alpha, lambda = largest * strength, thresh = 1e-20, maxit = 1e7)
  probability <- predict(model, x, type = "response")
  if (n_classes == 2) {
    coefficients <- list(as.matrix(model$beta))
    probability <- lapply(seq_along(strength), function(i) cbind(1 - probability[, i], probability[, i]))
  } else {
    coefficients <- lapply(model$beta, as.matrix)
    probability <- lapply(seq_along(strength), function(i) probability[, , i])
  }
  list(
    n_classes = n_classes, l1_ratio = alpha, labels = labels - 1, expression = x,
    strength = strength, penalty = model$lambda,
    # [strength][probe][margin], per unit of raw expression
    coefficients = lapply(seq_along(strength), function(i) sapply(coefficients, function(b) unname(b[, i]))),
    probabilities = lapply(probability, unname)
  )
}

cases <- list(
  fit(30, 12, 2, 0.5), fit(24, 40, 2, 0.9), fit(24, 40, 2, 1), fit(30, 12, 3, 0.5), fit(24, 40, 3, 0.2), fit(28, 36, 4, 0.9)
)
cat(toJSON(
  list(R = R.version.string, glmnet = as.character(packageVersion("glmnet")), cases = cases),
  digits = 9, auto_unbox = TRUE
))
