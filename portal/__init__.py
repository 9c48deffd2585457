"""The portal: where OAuth clients keep the public keys that they sign in with."""
