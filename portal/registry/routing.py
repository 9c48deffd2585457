"""Which database is asked: the primary, and a replica only by those who say so (ADR 0020)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final

from django.db import DEFAULT_DB_ALIAS

REPLICA: Final = "replica"

_read_from: ContextVar[str] = ContextVar("read_from", default=DEFAULT_DB_ALIAS)


@contextmanager
def reading_replica() -> Iterator[None]:
    """Read from the replica in this block, which knows that it may."""
    before = _read_from.set(REPLICA)
    try:
        yield
    finally:
        _read_from.reset(before)


class Router:
    """Django's router, which is there only when a replica is: all is the primary's but such blocks.

    So whoever has written reads it back, and a redeemed assertion is seen by all.
    """

    def db_for_read(self, _model: object, **_hints: Any) -> str:
        """Return the database of the block, whichever one an object at hand came from."""
        return _read_from.get()

    def db_for_write(self, _model: object, **_hints: Any) -> str:
        """Return the primary."""
        return DEFAULT_DB_ALIAS

    def allow_relation(self, _one: object, _other: object, **_hints: Any) -> bool:
        """Let all rows be related: both databases hold the same ones."""
        return True

    def allow_migrate(self, alias: str, _app_label: str, **_hints: Any) -> bool:
        """Let only the primary be migrated; the replica follows."""
        return alias == DEFAULT_DB_ALIAS
