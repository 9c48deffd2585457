"""One file a subject; each view finds, permits, acts and renders."""
