# A reader of docs/bundle.md in base R: the outputs of a linear rule with link "softmax".
# Rscript read_leuko.R FILE.leuko prints the largest difference from the outputs kept in the file (tests/kept).

array_of <- function(file, name) {
  connection <- unz(file, paste0("arrays/", name, ".npy"), "rb")
  on.exit(close(connection))
  start <- readBin(connection, "raw", 10)
  header <- rawToChar(readBin(connection, "raw", sum(as.integer(start[9:10]) * c(1, 256))))
  type <- sub(".*'descr': '.(..)'.*", "\\1", header)
  shape <- as.integer(strsplit(gsub(" |,$", "", sub(".*\\((.*)\\).*", "\\1", header)), ",")[[1]])
  what <- if (substr(type, 1, 1) == "f") "double" else "integer"
  size <- as.integer(substr(type, 2, 2))
  aperm(array(readBin(connection, what, prod(shape), size, endian = "little"), rev(shape)))
}

file <- commandArgs(trailingOnly = TRUE)[1]
x <- array_of(file, "check.samples")[, array_of(file, "rule.reads") + 1]
centred <- sweep(x, 2, array_of(file, "rule.centre"))
margins <- sweep(centred %*% t(array_of(file, "rule.weights")), 2, array_of(file, "rule.intercept"), "+")
powers <- exp(margins - apply(margins, 1, max))
cat(max(abs(powers / rowSums(powers) - array_of(file, "check.outputs"))), "\n")
