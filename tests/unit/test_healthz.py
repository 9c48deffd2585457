"""GET /healthz: the process is up."""

from __future__ import annotations

from django.test import Client as Browser


def test_it_answers_without_a_database() -> None:
    """No fixture lets this test near the database, so that asking it would fail."""
    response = Browser().get("/healthz")
    assert (response.status_code, response.json()) == (200, {"status": "ok"})
