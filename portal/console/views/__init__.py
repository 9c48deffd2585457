"""The views, one file per subject. Each is an `admin_view`."""
