"""Keys of a client: add, inspect, confirm, retire, revoke, and sign in with one."""
