"""Database router: everything uses the primary, except code that names the replica (ADR 0020)."""

from __future__ import annotations

from typing import Any, Final

from django.db import DEFAULT_DB_ALIAS

REPLICA: Final = "replica"


class Router:
    """Routes to the primary. Installed only if there is a replica.

    So code reads back what it has written, and each process sees every consumed `jti`.
    """

    def db_for_read(self, _model: object, **_hints: Any) -> str:
        """Return the primary, whichever database an instance came from."""
        return DEFAULT_DB_ALIAS

    def db_for_write(self, _model: object, **_hints: Any) -> str:
        """Return the primary."""
        return DEFAULT_DB_ALIAS

    def allow_relation(self, _one: object, _other: object, **_hints: Any) -> bool:
        """Allow every relation: both databases hold the same rows."""
        return True

    def allow_migrate(self, alias: str, _app_label: str, **_hints: Any) -> bool:
        """Allow migrations on the primary only. The replica receives them by replication."""
        return alias == DEFAULT_DB_ALIAS
