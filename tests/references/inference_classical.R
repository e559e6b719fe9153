# Classical tests of base R, for tests/test_inference_paired.py and tests/test_inference_ranks.py.
#
#   Rscript tests/references/inference_classical.R > tests/references/inference_classical.json
#
# Made with R 4.2.2 and jsonlite 1.8.4.  The corrected t is Nadeau & Bengio's formula on R's own t distribution.

suppressPackageStartupMessages(library(jsonlite))
set.seed(9476)

corrected <- function(n_folds, runs, shift, n_test, n_train) {
  d <- round(rnorm(n_folds * runs, shift, 0.04), 4)
  j <- length(d)
  spread <- sqrt(var(d) * (1 / j + n_test / n_train))
  t <- mean(d) / spread
  list(differences = d, n_test = n_test, n_train = n_train, t = t, p = 2 * pt(-abs(t), j - 1),
       low = mean(d) - qt(0.975, j - 1) * spread, high = mean(d) + qt(0.975, j - 1) * spread)
}

many <- function(n, k, decimals) {
  scores <- round(matrix(runif(n * k, 0.6, 0.95), n) + rep(0.08 * seq_len(k), each = n), decimals)
  test <- friedman.test(scores)
  pairs <- combn(k, 2)
  wilcoxon <- apply(pairs, 2, function(ij) {
    d <- round(scores[, ij[1]] - scores[, ij[2]], 12)
    plain <- !any(d == 0) && !anyDuplicated(abs(d))
    suppressWarnings(wilcox.test(d, exact = plain, correct = FALSE)$p.value)
  })
  list(scores = scores, friedman = unname(test$statistic), friedman_p = test$p.value,
       wilcoxon = wilcoxon, wilcoxon_holm = p.adjust(wilcoxon, "holm"),
       cd = qtukey(0.95, k, Inf) / sqrt(2) * sqrt(k * (k + 1) / (6 * n)))
}

cat(toJSON(list(
  corrected = list(corrected(5, 1, 0.03, 13, 51), corrected(5, 10, 0.01, 12.8, 51.2), corrected(10, 3, -0.02, 10, 94)),
  mcnemar = lapply(list(c(0, 0), c(5, 0), c(3, 9), c(12, 11)), function(bc) {
    list(b = bc[1], c = bc[2], p = if (sum(bc)) binom.test(bc[1], sum(bc))$p.value else 1)
  }),
  holm = list(p = c(0.01, 0.04, 0.03, 0.005, 0.5), adjusted = p.adjust(c(0.01, 0.04, 0.03, 0.005, 0.5), "holm")),
  many = list(many(12, 4, 5), many(8, 6, 2), many(30, 3, 6))
), digits = NA, auto_unbox = TRUE, pretty = TRUE))
