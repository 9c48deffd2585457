"""Signed checkpoints of the ledger, read as strangers read them, and keys that are replaced."""

from __future__ import annotations

import hashlib
import io
from base64 import b64decode, urlsafe_b64decode
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from django.core.management import CommandError, call_command
from django.test import Client as Browser
from pytest_django import DjangoAssertNumQueries, Settings

from portal.own_keys import OwnKey
from portal.registry.actions import suspend_client
from portal.registry.models import Client, Event, Ledger
from portal.registry.models.appending import number_older
from tests.own_keys import new_own_key, public_half
from tests.triggers import triggers_off

ORIGIN = "testserver/ledger"
NO_KEYS = b'{"keys":[]}'

pytestmark = pytest.mark.usefixtures("nobody_is_admin")


@pytest.fixture
def signing(settings: Settings) -> OwnKey:
    """The key that signs checkpoints."""
    key = new_own_key()
    settings.OWN_KEYS = {"checkpoint": (key,)}
    return key


def read(path: str) -> bytes:
    answer = Browser().get(path)
    assert answer.status_code == 200
    return answer.content


def published() -> dict[str, Any]:
    answer = Browser().get("/portal/jwks.json")
    assert answer["Content-Type"] == "application/jwk-set+json"
    jwks: dict[str, Any] = answer.json()
    return jwks


def check(note: bytes, jwks: dict[str, Any]) -> tuple[str, int, bytes]:
    """Verify a note with a JWKS, from the specification and with nothing of the portal's.

    Return origin, size and root; raise for a signature that no key of the set has made.
    """
    text, line = note.decode().split("\n\n")
    text += "\n"
    dash, name, encoded = line.removesuffix("\n").split(" ")
    assert dash == "\u2014"
    signature = b64decode(encoded, validate=True)
    keys = [
        urlsafe_b64decode(each["x"] + "=")
        for each in jwks["keys"]
        if each["purpose"] == "checkpoint"
    ]
    [key] = [
        key
        for key in keys
        if hashlib.sha256(name.encode() + b"\n\x01" + key).digest()[:4] == signature[:4]
    ]
    Ed25519PublicKey.from_public_bytes(key).verify(signature[4:], text.encode())
    origin, size, root = text.removesuffix("\n").split("\n")
    assert name == origin
    return origin, int(size), b64decode(root, validate=True)


def test_a_checkpoint_has_size_and_root_and_a_published_key_has_signed_it(
    payments: Client, signing: OwnKey
) -> None:
    head = Ledger.head()
    assert head.size > 0
    note = read("/ledger/checkpoint")
    assert check(note, published()) == (ORIGIN, head.size, bytes.fromhex(head.root))
    answer = Browser().get("/ledger/checkpoint")
    assert answer["Content-Type"] == "text/plain; charset=utf-8"
    assert answer["Cache-Control"] == "public, max-age=10"


def test_the_checkpoint_of_an_empty_ledger_has_the_hash_of_nothing(
    db: None, signing: OwnKey
) -> None:
    empty = hashlib.sha256().digest()
    assert check(read("/ledger/checkpoint"), published()) == (ORIGIN, 0, empty)


def test_a_checkpoint_takes_one_query(
    payments: Client, signing: OwnKey, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(1):
        read("/ledger/checkpoint")
    with django_assert_num_queries(0):
        read("/portal/jwks.json")


def test_without_a_key_there_is_no_checkpoint_and_no_published_key(payments: Client) -> None:
    answer = Browser().get("/ledger/checkpoint")
    assert (answer.status_code, answer["Cache-Control"]) == (404, "no-store")
    assert "CHECKPOINT_KEYS" in answer.json()["error_description"]
    assert published() == {"keys": []}


def test_a_key_is_replaced_and_no_receiver_sees_a_gap(payments: Client, settings: Settings) -> None:
    """Each step of docs/operations.md is on one portal first, and on the other one after it."""
    old, new = new_own_key(), new_own_key()
    steps = [(old,), (old, new), (new, public_half(old)), (new,)]
    known: list[dict[str, Any]] = []
    first_note = b""
    for before, after in zip([steps[0], *steps], steps, strict=False):
        for portals in ((before, before), (after, before), (after, after)):
            for keys in portals:
                settings.OWN_KEYS = {"checkpoint": keys}
                note = read("/ledger/checkpoint")
                first_note = first_note or note
                # A receiver has the set of either portal, or one from before this step.
                for jwks in [*known, published()]:
                    assert check(note, jwks)[0] == ORIGIN
        known = [published()]
    assert check(first_note, {"keys": [old.jwk | {"purpose": "checkpoint"}]})[0] == ORIGIN
    with pytest.raises(ValueError, match="not enough values"):
        check(first_note, published())


def test_the_command_lists_the_keys_and_what_each_does(settings: Settings) -> None:
    old, new = new_own_key(), new_own_key()
    settings.OWN_KEYS = {"checkpoint": (new, old)}
    output = io.StringIO()
    call_command("own_keys", stdout=output)
    title, signs, other = output.getvalue().splitlines()
    assert title == "checkpoint:"
    assert f"signs      kid {new.jwk['kid']}  {ORIGIN}+" in signs
    assert f"published  kid {old.jwk['kid']}  {ORIGIN}+" in other
    settings.OWN_KEYS = {"checkpoint": ()}
    call_command("own_keys", stdout=output)
    assert output.getvalue().endswith("checkpoint: no key, so the portal signs nothing\n")


# --- Compared with the database -------------------------------------------------------------------


@pytest.fixture
def kept(payments: Client, signing: OwnKey, tmp_path: Path) -> Path:
    """A folder with a checkpoint and the JWKS of its time; more events came after it."""
    (tmp_path / "checkpoint").write_bytes(read("/ledger/checkpoint"))
    (tmp_path / "keys").write_bytes(read("/portal/jwks.json"))
    suspend_client(payments, note="", by=payments.created_by)
    return tmp_path


def verify(*arguments: object) -> tuple[str, list[str]]:
    """Return what the command says, and the differences that it names."""
    output, errors = io.StringIO(), io.StringIO()
    words = ["verify_ledger", *map(str, arguments)]
    try:
        call_command(*words, stdout=output, stderr=errors)
    except CommandError as failed:
        if not errors.getvalue():
            return output.getvalue(), [str(failed)]
    return output.getvalue(), errors.getvalue().splitlines()


def rewrite() -> None:
    """Hash all events that are there again, as somebody who owns the tables can."""
    with triggers_off():
        Event.objects.update(number=None, leaf=None, version=None, salts=None)
        Ledger.objects.all().delete()
        number_older(Event, Ledger, limit=1000)


def test_a_database_that_goes_on_from_the_checkpoint_is_as_it_says(kept: Path) -> None:
    size = int((kept / "checkpoint").read_bytes().split()[1])
    expected = f"The first {size} match the checkpoint of {ORIGIN}, and its signature is valid."
    said, differences = verify("--checkpoint", kept / "checkpoint")
    assert said.splitlines()[1:] == [expected]
    assert said.startswith(f"{size + 1} events are as they were recorded.")
    assert not differences


def test_a_history_that_was_rewritten_with_all_its_hashes_is_found(kept: Path) -> None:
    with triggers_off():
        Event.objects.filter(number=2).update(at=datetime(2026, 1, 1, tzinfo=UTC))
    rewrite()
    assert verify()[1] == []
    size = int((kept / "checkpoint").read_bytes().split()[1])
    root = b64decode((kept / "checkpoint").read_bytes().split()[2]).hex()
    _, differences = verify("--checkpoint", kept / "checkpoint")
    assert differences[0].startswith(f"The root of events 1 to {size} is ")
    assert f"and the checkpoint was signed for {root}: one of them was changed" in differences[0]


def test_a_history_that_was_cut_off_is_found(kept: Path) -> None:
    with triggers_off():
        Event.objects.filter(number__gte=2).delete()
    rewrite()
    _, differences = verify("--checkpoint", kept / "checkpoint")
    size = int((kept / "checkpoint").read_bytes().split()[1])
    assert differences[0].startswith(
        f"The checkpoint was signed for {size} events, and there are 1: the newest were removed"
    )


def test_an_export_is_compared_too(kept: Path) -> None:
    with (kept / "events.jsonl").open("w", encoding="utf-8") as file:
        call_command("export_events", stdout=file)
    export = ("--export", kept / "events.jsonl")
    said, differences = verify(*export, "--checkpoint", kept / "checkpoint")
    assert "match the checkpoint" in said
    assert not differences
    lines = (kept / "events.jsonl").read_text("utf-8").splitlines(keepends=True)
    (kept / "events.jsonl").write_text("".join(lines[-2:]), "utf-8")
    _, [difference] = verify(*export, "--checkpoint", kept / "checkpoint")
    assert "and there are 2: the newest were removed" in difference


def test_an_older_checkpoint_is_verified_with_the_keys_of_its_time(
    kept: Path, settings: Settings
) -> None:
    settings.OWN_KEYS = {"checkpoint": (new_own_key(),)}
    _, [refused] = verify("--checkpoint", kept / "checkpoint")
    assert refused.startswith(f"No known key signed this checkpoint of {ORIGIN}.")
    settings.PUBLIC_URL = "https://another.example"
    _, differences = verify("--checkpoint", kept / "checkpoint", "--keys", kept / "keys")
    assert not differences


@pytest.mark.parametrize(
    ("name", "content", "found"),
    [
        ("checkpoint", b"nothing", "is not a checkpoint. It is not a text, an empty line and"),
        ("checkpoint", b"a\n\n\xe2\x80\x94 a AAAAAAAA\n", "A checkpoint has three lines"),
        ("keys", NO_KEYS, "the known keys are: none"),
        ("keys", b"[]", "is not a portal's JWKS"),
        ("keys", b"[" * 100_000, "is not a portal's JWKS"),
        ("keys", b'{"keys":[{"purpose":"checkpoint","crv":"Ed25519","x":"AA"}]}',
         "is not a portal's JWKS"),
        ("keys", b'{"keys":[{"kty":"OKP"}]}', "is not a portal's JWKS"),
    ],
)  # fmt: skip
def test_a_file_of_another_kind_is_named(kept: Path, name: str, content: bytes, found: str) -> None:
    (kept / name).write_bytes(content)
    _, [said] = verify("--checkpoint", kept / "checkpoint", "--keys", kept / "keys")
    assert found in said


def test_a_checkpoint_that_was_changed_is_refused(kept: Path) -> None:
    note = (kept / "checkpoint").read_bytes()
    (kept / "checkpoint").write_bytes(note.replace(b"\n3\n", b"\n2\n"))
    assert (kept / "checkpoint").read_bytes() != note
    _, [said] = verify("--checkpoint", kept / "checkpoint")
    assert "No known key signed this checkpoint" in said


def test_files_that_are_not_there_are_named(kept: Path) -> None:
    assert verify("--checkpoint", kept / "none")[1] == [
        f"{kept}/none cannot be read: No such file or directory."
    ]
    assert verify("--keys", kept / "keys")[1] == ["--keys needs --checkpoint."]
