"""One file a subject; each view finds, acts and renders. Only `admin_view`s are here."""
