"""Commands that tell what the pages tell."""
