"""HTML for people: what they see and the forms they send."""
