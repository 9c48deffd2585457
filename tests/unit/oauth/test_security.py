"""GET /.well-known/security.txt: whom weaknesses of the portal are reported to (RFC 9116)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from django.test import Client as Browser
from pytest_django import Settings

PATH = "/.well-known/security.txt"


def test_it_names_whom_to_write_to_until_when_and_its_own_address(settings: Settings) -> None:
    settings.SECURITY_CONTACT = ["mailto:a@example.com", "https://example.com/report"]
    answer = Browser().get(PATH)
    assert (answer.status_code, answer["Content-Type"]) == (200, "text/plain; charset=utf-8")
    lines = answer.content.decode().splitlines()
    assert lines[:2] == ["Contact: mailto:a@example.com", "Contact: https://example.com/report"]
    assert lines[2].startswith("Expires: ")
    left = datetime.fromisoformat(lines[2].removeprefix("Expires: ")) - datetime.now(UTC)
    assert timedelta(days=30) < left < timedelta(days=365)
    assert lines[3:] == [f"Canonical: {settings.PUBLIC_URL}{PATH}"]


def test_without_a_contact_there_is_none(settings: Settings) -> None:
    settings.SECURITY_CONTACT = []
    assert Browser().get(PATH).status_code == 404
