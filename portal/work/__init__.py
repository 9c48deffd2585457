"""Work that is done after the request: one table of due rows, and the process that does them."""
