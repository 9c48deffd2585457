"""The assertion debugger."""
