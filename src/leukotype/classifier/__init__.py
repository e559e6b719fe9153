"""classifier: a model fitted on a whole cohort, with all it takes to call one new sample alone."""
