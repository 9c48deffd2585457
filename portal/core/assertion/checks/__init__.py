"""The checks of an assertion, one file a subject."""
