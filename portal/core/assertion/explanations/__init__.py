"""The meaning of each reason and its fix, one file per subject."""
