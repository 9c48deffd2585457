"""Management commands of the registry, for operators without a browser."""
