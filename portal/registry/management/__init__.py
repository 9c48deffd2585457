"""The registry on the command line, for operators without a browser."""
