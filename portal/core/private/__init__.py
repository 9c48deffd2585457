"""Private keys: how to recognise one, and which public key it belongs to."""
