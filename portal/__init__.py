"""The portal: a registry of the public keys that OAuth clients authenticate with."""
