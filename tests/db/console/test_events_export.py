"""Taking events away as CSV and JSON Lines."""

from __future__ import annotations

import csv
import io
import json
import re
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from django.core.management import CommandError, call_command
from django.http.response import StreamingHttpResponse
from django.test import Client as Browser
from django.utils import timezone
from pytest_django import Settings

from portal.accounts.models import User
from portal.console.event_text import event_text
from portal.console.export import EVENTS
from portal.console.export.formats import FORMATS
from portal.console.export.process import run_export
from portal.console.export.table import BATCH
from portal.registry.actions import block_key, change_client, confirm_key, create_client
from portal.registry.choices import Verb
from portal.registry.models import PORTAL, Client, ClientKey, Event

URL = "/console/events/export"


def body(answer: object) -> str:
    """Return the whole of a streamed answer."""
    assert isinstance(answer, StreamingHttpResponse)
    return b"".join(answer.streaming_content).decode()  # type: ignore[arg-type]  # made by WSGI


def as_csv(admin: Browser, **asked: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(body(admin.get(URL, asked)), newline="")))


def as_json(admin: Browser, **asked: str) -> list[dict[str, object]]:
    lines = body(admin.get(URL, {"format": "jsonl", **asked})).splitlines()
    return [json.loads(line) for line in lines]


def test_both_formats_hold_the_same_events_newest_first(
    admin: Browser, key: ClientKey, payments: Client
) -> None:
    rows, objects = as_csv(admin), as_json(admin)
    assert list(rows[0]) == list(objects[0]) == list(EVENTS.columns)
    assert [row["id"] for row in rows] == [str(each["id"]) for each in objects]
    assert [int(row["id"]) for row in rows] == list(
        Event.objects.order_by("-pk").values_list("pk", flat=True)
    )
    newest = objects[0]
    assert newest["verb"] == "register_key"
    assert newest["person"] == "dev@example.com"
    assert newest["client_id"] == payments.client_id
    assert newest["kid"] == key.kid
    assert newest["detail"] == Event.objects.latest("pk").detail
    assert json.loads(rows[0]["detail"]) == newest["detail"]
    assert str(newest["at"]).endswith("Z")


def line_of(event: Event) -> dict[str, object]:
    """The columns of an event, read from objects: the export makes none, as they cost most."""
    actor = event.actor
    client = event.client
    by_client = isinstance(actor, ClientKey)
    return {
        "id": event.pk,
        "at": event.at.astimezone(UTC).isoformat().replace("+00:00", "Z"),
        "person": actor.email if isinstance(actor, User) else "",
        "verb": event.verb,
        "client_id": client.client_id if client else "",
        "client_name": client.name if client else "",
        "kid": event.key.kid if event.key else "",
        "key_label": event.key.label if event.key else "",
        "sentence": event_text(event),
        "detail": event.detail,
        "actor": "client" if by_client else "person" if isinstance(actor, User) else "portal",
        "actor_client_id": actor.client.client_id if isinstance(actor, ClientKey) else "",
        "actor_kid": actor.kid if isinstance(actor, ClientKey) else "",
        "number": event.number,
        "leaf_hash": event.leaf,
        "ledger_version": event.version,
        "salts": event.salts,
        "person_id": actor.pk if isinstance(actor, User) else None,
    }


def test_each_line_is_what_the_event_says(
    admin: Browser, key: ClientKey, payments: Client, cast: SimpleNamespace
) -> None:
    confirm_key(key, by=key)
    block_key("ab" * 32, by=PORTAL)
    change_client(payments, name="=Zählung “2”; =1", contacts=[], redirect_uris=[], by=cast.alice)
    details = [{}, {"z": 1, "a": [1.5, None, "é\n\x1f"], "note": {"sha256": "x"}}]
    moments = [timezone.now().replace(microsecond=each) for each in (0, 120_000, 7)]
    Event.objects.bulk_create(
        Event(**Event.actor.values(by), verb=verb, client=client, key=of, detail=detail, at=at)
        for by in (cast.dev, key, PORTAL)
        for verb in Verb
        for client, of in ((None, None), (payments, key))
        for detail, at in zip(details, moments, strict=False)
    )
    Event.objects.bulk_create(
        Event(actor_user=cast.dev, verb=Verb.BLOCK_KEY, at=at) for at in moments
    )
    lines = [line_of(event) for event in Event.objects.order_by("-pk")]
    as_text = [json.dumps(line, ensure_ascii=False) + "\n" for line in lines]
    assert body(admin.get(URL, {"format": "jsonl"})).splitlines(keepends=True) == as_text
    cells = [
        {
            name: ""
            if value is None
            else value
            if isinstance(value, str)
            else json.dumps(value, ensure_ascii=False)
            for name, value in line.items()
        }
        for line in lines
    ]
    plain = [{name: value.replace("'", "") for name, value in row.items()} for row in as_csv(admin)]
    assert plain == cells


@pytest.mark.parametrize(
    ("kind", "media_type"),
    [("csv", "text/csv; charset=utf-8"), ("jsonl", "application/jsonl; charset=utf-8")],
)
def test_is_a_file_with_the_date_in_its_name(kind: str, media_type: str, admin: Browser) -> None:
    answer = admin.get(URL, {"format": kind})
    today = timezone.now().date()
    assert answer["Content-Type"] == media_type
    assert answer["Content-Disposition"] == f'attachment; filename="events-{today}.{kind}"'


def test_obeys_the_filters_of_the_list(admin: Browser, key: ClientKey, other: Client) -> None:
    assert {row["client_name"] for row in as_csv(admin, client="Other")} == {"Other"}
    assert [each["verb"] for each in as_json(admin, verb="register_key")] == ["register_key"]
    assert as_csv(admin, until="2020-01-01") == []


def of_client_named(name: str, cast: SimpleNamespace) -> None:
    """Record an event of a client with a name that only a table can hold."""
    (client,) = Client.objects.bulk_create([Client(name=name, created_by=cast.alice)])
    Event.objects.record(Verb.CREATE_CLIENT, by=cast.alice, client=client)


@pytest.mark.parametrize(
    "start", ["=", "+", "-", "@", "\t", "\r", "\uff1d", "\uff0b", "\uff0d", "\uff20", " =", '"=']
)
def test_no_cell_is_a_formula(start: str, admin: Browser, cast: SimpleNamespace) -> None:
    name = f"{start}HYPERLINK(1)"
    of_client_named(name, cast)
    (row,) = as_csv(admin)
    assert row["client_name"] == f"'{name}"
    assert as_json(admin)[0]["client_name"] == name


@pytest.mark.parametrize("end", [";", "; ", ';"', ";;", "\t", ";\t", "\n"])
@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\uff1d"])
def test_no_part_of_a_cell_is_a_formula(
    end: str, start: str, admin: Browser, cast: SimpleNamespace
) -> None:
    """A spreadsheet may end a cell at a semicolon or a tab, whatever quotes are around it."""
    of_client_named(f"Payments{end}{start}HYPERLINK(1)", cast)
    text = body(admin.get(URL, {"format": "csv"}))
    for part in re.split(r"[;\t\n]", text):
        assert not part.lstrip(' "').startswith(("=", "+", "-", "@", "\uff1d"))


def test_commas_quotes_and_newlines_stay_in_their_cell(
    admin: Browser, cast: SimpleNamespace
) -> None:
    client = create_client(name='A "b", c', by=cast.alice)
    change_client(
        client, name='A "b", d', contacts=["x@example.com"], redirect_uris=[], by=cast.alice
    )
    rows = as_csv(admin)
    assert [row["client_name"] for row in rows] == ['A "b", d'] * 2
    assert json.loads(rows[0]["detail"]) == Event.objects.latest("pk").detail


@pytest.mark.parametrize("kind", ["xls", "", "\0"])
def test_an_unknown_format_is_refused(kind: str, admin: Browser) -> None:
    assert admin.get(URL, {"format": kind}).status_code == 400


def test_is_made_batch_by_batch_while_it_is_sent(
    admin: Browser,
    cast: SimpleNamespace,
    django_assert_num_queries: Callable[[int], AbstractContextManager[object]],
) -> None:
    Event.objects.bulk_create(
        Event(actor_user=cast.admin, verb=Verb.BLOCK_KEY, detail={}) for _ in range(2 * BATCH + 1)
    )
    answer = admin.get(URL, {"format": "jsonl"})
    assert isinstance(answer, StreamingHttpResponse)
    # The events, and who they are of.
    with django_assert_num_queries(2):
        first = next(iter(answer.streaming_content))
    assert bytes(first).count(b"\n") == BATCH <= 2000
    with django_assert_num_queries(5):
        assert body(answer).count("\n") == BATCH + 1


def test_a_process_that_serves_hands_the_interpreter_over_soon() -> None:
    """Before anything is asked: otherwise a key set waits ten times as long beside a page."""
    serving = "import sys, portal.wsgi; print(sys.getswitchinterval())"
    asked = subprocess.run([sys.executable, "-c", serving], check=True, capture_output=True)
    assert float(asked.stdout) <= 0.0005


def test_a_head_request_reads_no_events(
    admin: Browser,
    key: ClientKey,
    django_assert_max_num_queries: Callable[[int], AbstractContextManager[object]],
) -> None:
    with django_assert_max_num_queries(2):
        assert admin.head(URL).status_code == 200


def test_who_did_it_has_the_same_columns_for_a_person_a_client_and_the_portal(
    admin: Browser, key: ClientKey, payments: Client
) -> None:
    confirm_key(key, by=key)
    block_key("ab" * 32, by=PORTAL)
    columns = ("person", "actor", "actor_client_id", "actor_kid")
    expected = [
        ("", "portal", "", ""),
        ("", "client", payments.client_id, key.kid),
        ("dev@example.com", "person", "", ""),
    ]
    for rows in (as_csv(admin), as_json(admin)):
        assert [tuple(row[name] for name in columns) for row in rows[:3]] == expected


# --- The command ----------------------------------------------------------------------------------


def said(*arguments: str) -> str:
    """Return what the command writes."""
    output = io.StringIO()
    call_command("export_events", *arguments, stdout=output)
    return output.getvalue()


def ids(lines: str) -> list[int]:
    return [json.loads(line)["id"] for line in lines.splitlines()]


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_the_command_writes_what_the_console_exports(
    kind: str, admin: Browser, key: ClientKey
) -> None:
    assert said("--format", kind) == body(admin.get(URL, {"format": kind}))


def test_the_command_begins_after_a_number(key: ClientKey) -> None:
    everything = ids(said())
    assert ids(said("--since", str(everything[2]))) == everything[:2]
    assert said("--since", str(everything[0])) == ""


def test_the_command_begins_at_a_moment(cast: SimpleNamespace) -> None:
    first = timezone.now().replace(microsecond=0) - timedelta(days=2)
    moments = [first, first + timedelta(seconds=1), first + timedelta(days=2)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Event._meta.get_field("at"), "auto_now_add", False)
        old, middle, new = Event.objects.bulk_create(
            Event(actor_user=cast.admin, verb=Verb.BLOCK_KEY, at=at) for at in moments
        )
    east = timezone.get_fixed_timezone(120)
    for text in (f"{moments[1]:%Y-%m-%dT%H:%M:%S}", moments[1].astimezone(east).isoformat()):
        assert ids(said("--since", text)) == [new.pk, middle.pk]
    assert ids(said("--since", str(first.date()))) == [new.pk, middle.pk, old.pk]
    assert said("--since", "2999-01-01") == ""


def test_the_command_obeys_the_filters_of_the_page(
    admin: Browser, key: ClientKey, other: Client
) -> None:
    query = "verb=create_client&client=Other"
    assert said("--filter", query) == body(admin.get(f"{URL}?format=jsonl&{query}"))
    registered = Event.objects.get(verb=Verb.REGISTER_KEY)
    assert ids(said("--filter", "verb=register_key")) == [registered.pk]
    with pytest.raises(CommandError, match="No clients match this"):
        said("--filter", "client=nowhere")


@pytest.mark.parametrize(
    "text", ["", "yesterday", "2026-02-30", "2026-02-30T10:00:00Z", "0001-01-01", "-1", "9" * 19]
)
def test_the_command_says_where_it_can_begin(text: str, db: None) -> None:
    with pytest.raises(CommandError, match=r"neither a date .* nor an event number"):
        said(f"--since={text}")


def test_an_export_that_fails_is_whole_lines(tmp_path: Path, settings: Settings) -> None:
    """A process that is killed leaves half a line, or half a character."""
    settings.BASE_DIR = tmp_path
    half = r"""import os; os.write(1, b'{"n": 1}\n{"n": "\xc3'); os._exit(1)"""
    (tmp_path / "manage.py").write_text(half)
    lines = b"".join(run_export("events", FORMATS["jsonl"], "")).decode().splitlines()
    assert [list(json.loads(each)) for each in lines] == [["n"], ["error"]]
