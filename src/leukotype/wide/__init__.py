"""The numerical core for many more probes than samples: arrays in, arrays out."""

from leukotype.wide.fold import Fold
from leukotype.wide.path import Candidate, Path, Setting

__all__ = ["Candidate", "Fold", "Path", "Setting"]
