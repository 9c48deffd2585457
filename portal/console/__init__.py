"""The console: what admins of the portal see of all clients and do with them."""
