"""External validation: a locked classifier on labelled samples that had no part in making it."""
