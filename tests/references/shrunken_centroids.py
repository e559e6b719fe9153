"""Nearest shrunken centroids of a small example, by the formulas of the paper, for tests/test_wide_centroids.py.

    python tests/references/shrunken_centroids.py > tests/references/shrunken_centroids.json

Made with Python 3.11.  Only the standard library is used, with exact fractions up to the first square root and
50 digits from there: nothing is shared with what is tested.

Tibshirani, Hastie, Narasimhan & Chu (2002), PNAS 99, 6567-6572, equations 1 to 8, with
m_k = sqrt(1 / n_k - 1 / n), as the authors' software has it.
"""

from __future__ import annotations

import json
from decimal import Decimal, getcontext
from fractions import Fraction

getcontext().prec = 50

# Seven samples of three classes, five probes; the last probe is constant.
EXPRESSION = [
    ["4.0", "7.5", "3.0", "9.0", "6.5"],
    ["4.5", "7.0", "3.5", "9.5", "6.5"],
    ["5.5", "6.5", "2.5", "9.0", "6.5"],
    ["8.0", "7.25", "3.25", "9.75", "6.5"],
    ["9.0", "6.25", "3.0", "8.5", "6.5"],
    ["5.0", "7.0", "8.0", "9.25", "6.5"],
    ["4.25", "6.0", "9.5", "9.5", "6.5"],
]
LABELS = [0, 0, 0, 1, 1, 2, 2]
NEW = [["6.0", "7.0", "4.0", "9.0", "6.0"], ["4.5", "6.5", "6.0", "9.5", "7.0"]]
SHRINKAGE = ["0", "0.25", "0.6", "1"]


def decimal(value: Fraction) -> Decimal:
    return Decimal(value.numerator) / Decimal(value.denominator)


def main() -> None:
    x = [[Fraction(value) for value in row] for row in EXPRESSION]
    n, n_probes, n_classes = len(x), len(x[0]), max(LABELS) + 1
    members = [[row for row, label in zip(x, LABELS, strict=True) if label == k] for k in range(n_classes)]
    overall = [sum(row[i] for row in x) / n for i in range(n_probes)]
    centroids = [[sum(row[i] for row in own) / len(own) for i in range(n_probes)] for own in members]

    deviations = []
    for i in range(n_probes):
        squares = sum((row[i] - centroids[label][i]) ** 2 for row, label in zip(x, LABELS, strict=True))
        deviations.append(decimal(squares / (n - n_classes)).sqrt())
    offset = sorted(deviations)[n_probes // 2]

    sizes = [decimal(Fraction(1, len(own)) - Fraction(1, n)).sqrt() for own in members]
    differences = [
        [
            decimal(centroids[k][i] - overall[i]) / (sizes[k] * (deviations[i] + offset))
            for i in range(n_probes)
        ]
        for k in range(n_classes)
    ]
    largest = max(abs(value) for row in differences for value in row)

    results = []
    for share in SHRINKAGE:
        threshold = Decimal(share) * largest
        shrunken = [
            [max(abs(d) - threshold, Decimal(0)) * (1 if d > 0 else -1) for d in row] for row in differences
        ]
        moved = [
            [
                decimal(overall[i]) + sizes[k] * (deviations[i] + offset) * shrunken[k][i]
                for i in range(n_probes)
            ]
            for k in range(n_classes)
        ]
        probabilities = []
        for new in NEW:
            scores = [
                sum(
                    ((Decimal(value) - moved[k][i]) / (deviations[i] + offset)) ** 2
                    for i, value in enumerate(new)
                )
                - 2 * (Decimal(len(members[k])) / n).ln()
                for k in range(n_classes)
            ]
            likelihoods = [(-score / 2).exp() for score in scores]
            probabilities.append([float(value / sum(likelihoods)) for value in likelihoods])
        results.append(
            {
                "shrinkage": float(share),
                "threshold": float(threshold),
                "differences": [[float(value) for value in row] for row in shrunken],
                "centroids": [[float(value) for value in row] for row in moved],
                "probabilities": probabilities,
            }
        )
    print(
        json.dumps(
            {
                "expression": [[float(value) for value in row] for row in EXPRESSION],
                "labels": LABELS,
                "new": [[float(value) for value in row] for row in NEW],
                "results": results,
            },
            indent=1,
        )
    )


if __name__ == "__main__":
    main()
