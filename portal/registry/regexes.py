"""Regular expressions for identifiers in the tables."""

from typing import Final

SHA256_HEX: Final = r"^[0-9a-f]{64}$"
CLIENT_ID: Final = r"[A-Za-z0-9._~-]{1,64}"
"""RFC 6749 §2.2 leaves the format to the server. These characters are safe in URL paths."""

KID: Final = r"[A-Za-z0-9_-]{43}"
"""32 bytes in unpadded base64url (RFC 7638 §3.1 with SHA-256)."""
