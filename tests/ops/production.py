"""The environment that production needs at least."""

from __future__ import annotations

from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]

PRODUCTION: Final[dict[str, str]] = {
    "SECRET_KEY": "for-the-tests-of-production-settings-only-" * 2,
    "PUBLIC_URL": "https://keys.example.com",
    "ALLOWED_HOSTS": "keys.example.com",
    "DATABASE_URL": "postgresql://portal@localhost/portal",
    "EMAIL_URL": "smtp+tls://portal:password@mail.example.com:587",
}
