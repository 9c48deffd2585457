"""Count the pages that PostgreSQL reads for each query, which no busy machine changes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection


@contextmanager
def counting() -> Iterator[dict[str, int]]:
    """Give the pages that each query in here reads, by its SQL: the most of equal queries."""
    read: dict[str, int] = {}

    def explain(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if sql.startswith("SELECT"):
            cursor = context["cursor"].cursor
            cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {sql}", params)
            plan = cursor.fetchone()[0][0]["Plan"]
            pages = plan["Shared Hit Blocks"] + plan["Shared Read Blocks"]
            read[sql] = max(pages, read.get(sql, 0))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(explain):
        yield read
