"""What a result is worth: how uncertain, against which null, after how many tries."""

from leukotype.inference.paired import compare, corrected_t, correlated_t, mcnemar

__all__ = ["compare", "corrected_t", "correlated_t", "mcnemar"]
