"""One file a subject; each view finds, acts and renders. Who may come in: `access.for_admins`."""
