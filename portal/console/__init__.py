"""The console, where admins of the portal see and manage all clients."""
