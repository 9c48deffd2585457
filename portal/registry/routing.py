"""Database router: everything uses the primary, except code that asks for a replica (ADR 0020)."""

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
    """Read from the replica inside this block. The caller must tolerate an older state."""
    before = _read_from.set(REPLICA)
    try:
        yield
    finally:
        _read_from.reset(before)


class Router:
    """Routes to the primary outside `reading_replica`. Installed only if there is a replica.

    So code reads back what it has written, and each process sees every consumed `jti`.
    """

    def db_for_read(self, _model: object, **_hints: Any) -> str:
        """Return the database of the current block, whichever database an instance came from."""
        return _read_from.get()

    def db_for_write(self, _model: object, **_hints: Any) -> str:
        """Return the primary."""
        return DEFAULT_DB_ALIAS

    def allow_relation(self, _one: object, _other: object, **_hints: Any) -> bool:
        """Allow every relation: both databases hold the same rows."""
        return True

    def allow_migrate(self, alias: str, _app_label: str, **_hints: Any) -> bool:
        """Allow migrations on the primary only. The replica receives them by replication."""
        return alias == DEFAULT_DB_ALIAS
