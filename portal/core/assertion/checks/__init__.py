"""The checks of an assertion, one file per subject."""
