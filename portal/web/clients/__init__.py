"""The list of clients, the Settings page, and the forms that change a client."""
