"""Taking keys away as CSV and JSON Lines."""

from __future__ import annotations

import csv
import io
import json
from datetime import timedelta
from types import SimpleNamespace

from django.core.management import call_command
from django.test import Client as Browser
from django.utils import timezone

from portal.console.export import KEYS
from portal.registry.actions import revoke_key
from portal.registry.choices import RevocationReason
from portal.registry.models import Client, ClientKey
from tests.db.recorded_requests import accept

from .conftest import KeyMaker
from .test_events_export import body

URL = "/console/keys/export"


def as_json(admin: Browser, **asked: str) -> list[dict[str, str]]:
    lines = body(admin.get(URL, {"format": "jsonl", **asked})).splitlines()
    return [json.loads(line) for line in lines]


def test_both_formats_hold_the_same_keys(
    admin: Browser, key: ClientKey, other: Client, make_keys: KeyMaker, cast: SimpleNamespace
) -> None:
    accept(key, 1)
    make_keys(other, 1, label="=1+1", expires_at=timezone.now() + timedelta(days=3))
    revoke_key(key, reason=RevocationReason.COMPROMISED, by=cast.admin, note="Forum")
    objects = as_json(admin)
    text = body(admin.get(URL))
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    # A kid may begin with "-", which a spreadsheet takes for a formula.
    assert [row["kid"].lstrip("'") for row in rows] == [each["kid"] for each in objects]
    assert list(rows[0]) == list(objects[0]) == list(KEYS.columns)
    assert [row["label"] for row in rows] == ["'=1+1", "First"]
    new, old = objects
    assert (new["label"], new["status"], new["last_used_at"]) == ("=1+1", "active", "")
    assert (old["client_name"], old["registered_by"]) == ("Payments", "dev@example.com")
    assert (old["status"], old["revocation_reason"]) == ("revoked", "compromised")
    assert old["last_used_at"].endswith("Z")
    assert "BEGIN PUBLIC KEY" not in text


def test_the_export_has_the_filters_and_the_order_of_the_list(
    admin: Browser, payments: Client, other: Client, make_keys: KeyMaker
) -> None:
    now = timezone.now()
    for days in (3, 1, 2):
        make_keys(payments, 1, label=f"{days}", expires_at=now + timedelta(days=days))
    make_keys(other, 150, alg="ES256")
    make_keys(payments, 150, alg="ES256")
    assert [each["label"] for each in as_json(admin, sort="expiry")] == ["1", "2", "3"]
    assert len(as_json(admin, alg="ES256")) == 300
    assert {each["client_name"] for each in as_json(admin, q="Other")} == {"Other"}
    assert len(as_json(admin, never_used="on", q="Payments")) == 153
    assert admin.get(URL, {"status": "odd"}).status_code == 422
    assert admin.get(URL, {"format": "xls"}).status_code == 400


def test_the_command_writes_what_the_console_exports(admin: Browser, key: ClientKey) -> None:
    output = io.StringIO()
    call_command("export_keys", "--filter", "q=Payments", stdout=output)
    assert output.getvalue() == body(admin.get(URL, {"format": "jsonl", "q": "Payments"}))
    assert key.kid in output.getvalue()
