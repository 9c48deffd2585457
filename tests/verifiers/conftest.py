"""The portal as the interop tests serve it."""

from __future__ import annotations

from tests.interop.conftest import (
    _real_transactions,
    client,
    person,
    published,
    register,
    served,
)

__all__ = ["_real_transactions", "client", "person", "published", "register", "served"]
