"""What each reason means and how to mend it, one file a subject."""
