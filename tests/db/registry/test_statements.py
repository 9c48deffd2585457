"""Statements without the ORM: what they do about a connection that the server has given up."""

from __future__ import annotations

import psycopg
import pytest
from django.db import DataError, connection

from portal.registry.statements import fetch

pytestmark = [pytest.mark.postgresql, pytest.mark.django_db(transaction=True)]

STATEMENT = "SELECT %(number)s::int"


def test_statement_is_prepared_once() -> None:
    for number in range(3):
        assert fetch(STATEMENT, {"number": number}) == [(number,)]
    prepared = "SELECT generic_plans + custom_plans FROM pg_prepared_statements"
    assert fetch(f"{prepared} WHERE statement = 'SELECT $1::int'", {}) == [(3,)]


def test_connection_that_the_server_has_ended_is_replaced() -> None:
    fetch(STATEMENT, {"number": 1})
    ended = connection.connection.info.backend_pid
    with psycopg.connect(connection.connection.info.dsn, autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s, 10000)", [ended])
    assert fetch(STATEMENT, {"number": 2}) == [(2,)]
    assert connection.connection.info.backend_pid != ended


def test_statement_that_the_server_has_forgotten_is_prepared_again() -> None:
    fetch(STATEMENT, {"number": 1})
    connection.connection.execute("DEALLOCATE ALL")
    assert fetch(STATEMENT, {"number": 2}) == [(2,)]


def test_other_failures_are_raised() -> None:
    fetch(STATEMENT, {"number": 1})
    with pytest.raises(DataError):
        fetch("SELECT 1 / %(number)s::int", {"number": 0})
