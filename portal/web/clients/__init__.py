"""The list of clients, and the forms that create and change one."""
