"""classifier: a recipe fitted on a whole cohort, with everything needed to call one new sample alone."""

from __future__ import annotations

from leukotype.classifier.abstention import Target
from leukotype.classifier.calls import Calls, Driver, Evidence
from leukotype.classifier.classifier import Classifier
from leukotype.classifier.storing import read as load

# Without `train`, which imports scikit-learn; calling samples does not need it.
__all__ = ["Calls", "Classifier", "Driver", "Evidence", "Target", "load"]
