"""Register a key in one call, as the page does in two."""

from __future__ import annotations

from typing import Any

from portal.accounts.models import User
from portal.registry.actions import inspect_key, register_key
from portal.registry.models import Client, ClientKey


def register_pem(client: Client, *, material: bytes | str, by: User, **given: Any) -> ClientKey:
    """Register the public key in `material`. Other arguments go to `register_key`."""
    accepted = inspect_key(material, by=by, client=client, registering=True)
    return register_key(client, accepted, by=by, **given)
