"""classifier: a model fitted on a whole cohort, with all it takes to call one new sample alone."""

from __future__ import annotations

from leukotype.classifier.abstention import Target
from leukotype.classifier.calls import Calls, Driver, Evidence
from leukotype.classifier.classifier import Classifier
from leukotype.classifier.storing import read as load

# `train` is not among them: it loads what only learns, and whoever calls samples has no use for that.
__all__ = ["Calls", "Classifier", "Driver", "Evidence", "Target", "load"]
