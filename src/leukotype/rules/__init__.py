"""Portable rules: fitted models as plain arrays, which a classifier's file holds and which classify samples.

A fitted candidate builds its rule in `rule(fold)`; `assemble` builds the same rule from the entries of a file.
Importing this package loads NumPy and no learning library.

A plug-in can return a rule of any kind in `KINDS`. For the trees of another library:

    trees = Trees.join([Tree(feature, threshold, left, right, value) for ...])
    rule = TreeSums.of(trees, fold.x_train, link="softmax", group=group, base=base)
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from numpy.typing import NDArray

from leukotype.rules.fields import Fields
from leukotype.rules.gaussian import Constant, Gaussian
from leukotype.rules.linear import Linear, Perceptron
from leukotype.rules.neighbours import Neighbours
from leukotype.rules.pairs import Pairs
from leukotype.rules.rule import Contributions, Rule
from leukotype.rules.trees import Tree, Trees, TreeSums

__all__ = [
    "KINDS",
    "Constant",
    "Contributions",
    "Gaussian",
    "Linear",
    "Neighbours",
    "Pairs",
    "Perceptron",
    "Rule",
    "Tree",
    "TreeSums",
    "Trees",
    "assemble",
]

KINDS: tuple[type[Rule], ...] = (Linear, TreeSums, Neighbours, Pairs, Gaussian, Perceptron, Constant)


def assemble(spec: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> Rule:
    """Return the rule that `Rule.parts` described, after checking every entry.

    spec   : JSON values
    arrays : by name

    No entry is executed. Raises BadBundle with a one-line message if an entry is missing or invalid.
    """
    fields = Fields(spec, arrays)
    kind = fields.choice("kind", [known.kind for known in KINDS])
    known = next(known for known in KINDS if known.kind == kind)
    return known.from_fields(fields)
