"""Fitted models as plain arrays: what a classifier's file holds, and what calls a sample.

A rule is made of a fitted candidate by `freeze`, or of a file's entries by `assemble`; the two give equal bytes.
Reading and calling load numpy alone: no learning library, and none of the training data but what a rule is made of.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from leukotype.rules.constant import Constant
from leukotype.rules.fields import Fields
from leukotype.rules.gaussian import Gaussian
from leukotype.rules.linear import Linear
from leukotype.rules.neighbours import Neighbours
from leukotype.rules.pairs import Pairs
from leukotype.rules.perceptron import Perceptron
from leukotype.rules.rule import Contributions, Rule
from leukotype.rules.trees import TreeSums

if TYPE_CHECKING:
    from leukotype.wide import Candidate, Fold

__all__ = ["KINDS", "Contributions", "Rule", "assemble", "freeze"]

KINDS: tuple[type[Rule], ...] = (Linear, TreeSums, Neighbours, Pairs, Gaussian, Perceptron, Constant)


def freeze(candidate: Candidate, fold: Fold) -> Rule:
    """Return the rule of a candidate of any entry in MODELS.

    fold : the fold it was fitted on

    Its output agrees with candidate.predict_proba to 1e-12.  Raises NotPortable for a model that has no form
    among KINDS.
    """
    # What grew the model is large to load, and whoever only calls samples has no use for it.
    from leukotype.rules.freezing import frozen

    return assemble(*frozen(candidate, fold).parts())


def assemble(spec: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> Rule:
    """Return the rule that `Rule.parts` was taken of, once everything in it is proven to be in order.

    spec   : JSON values
    arrays : by name

    Nothing of it is executed.  Raises BadBundle, in one line, for anything that is no rule.
    """
    fields = Fields(spec, arrays)
    kind = fields.choice("kind", [known.kind for known in KINDS])
    known = next(known for known in KINDS if known.kind == kind)
    return known.from_fields(fields)
