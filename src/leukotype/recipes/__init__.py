"""recipes: a model and every step applied to a training set before it; one function fits it on one split."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from leukotype.errors import InfeasibleDesign, UnknownName
from leukotype.recipes.alignment import HOWS, How

if TYPE_CHECKING:
    from leukotype.models import Model
    from leukotype.models.tuning import Criterion

__all__ = ["HOWS", "How", "Recipe"]


@dataclass(frozen=True)
class Recipe:
    """The unit that is evaluated, permuted, benchmarked and trained.

    align      : how each sample is aligned to the training samples: "none", "quantile" or "rank"
    max_probes : size of the panel chosen by F statistic in each training set; None for all probes
    tune_by    : criterion of the inner folds

    Raises UnknownName for an unknown alignment, InfeasibleDesign for a panel without probes.
    """

    model: Model
    align: How = "none"
    max_probes: int | None = None
    tune_by: Criterion = "log_loss"

    def __post_init__(self) -> None:
        if self.align not in HOWS:
            raise UnknownName(f"unknown alignment {self.align!r}. Choose from {', '.join(HOWS)}.")
        if self.max_probes is not None and self.max_probes < 1:
            raise InfeasibleDesign(f"--max-probes is {self.max_probes}. Use at least 1.")

    def without_options(self) -> list[Recipe]:
        """Return this recipe without alignment and without a panel, if it has them, to measure what they cost."""
        found = []
        if self.align != "none":
            found.append(replace(self, align="none"))
        if self.max_probes is not None:
            found.append(replace(self, max_probes=None))
        return found
