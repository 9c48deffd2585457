"""Webhooks: tell other programs by HTTP what happens to keys and clients."""
