"""The numerical core for many more probes than samples: arrays in, arrays out.

The scikit-learn classifiers on top of it are in `leukotype.wide.estimators`.
"""

from leukotype.wide.fold import Fold, Span
from leukotype.wide.path import Candidate, Path, RuleCandidate, Setting, rule_of

__all__ = ["Candidate", "Fold", "Path", "RuleCandidate", "Setting", "Span", "rule_of"]
