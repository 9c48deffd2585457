"""The Settings page of a client and its keys: add, confirm, retire, revoke, and use one."""
