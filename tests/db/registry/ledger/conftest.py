"""Fixtures for the ledger: a key with some events."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace

import pytest

from portal.registry.actions import (
    block_key,
    confirm_key,
    keep_key,
    resume_client,
    retire_key,
    suspend_client,
)
from portal.registry.models import PORTAL, ClientKey


@pytest.fixture
def history(key: ClientKey, cast: SimpleNamespace) -> ClientKey:
    """A key after some events of each kind of actor."""
    confirm_key(key, by=key)
    retire_key(key, grace=timedelta(days=1), by=cast.dev)
    keep_key(key, by=PORTAL)
    suspend_client(key.client, note="Asked by Ann", by=cast.admin)
    resume_client(key.client, by=cast.admin)
    retire_key(key, grace=timedelta(days=2), by=cast.dev)
    block_key("ab" * 32, by=cast.admin, note="Ann sent it")
    return key
