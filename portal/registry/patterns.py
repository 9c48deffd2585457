"""What texts in the tables look like."""

from typing import Final

SHA256_HEX: Final = r"^[0-9a-f]{64}$"
