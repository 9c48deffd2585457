"""The commands for operators, with files as openssl writes them."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from portal.core.dates import time_text
from portal.core.public_key.parse import parse_public_key
from portal.registry.actions import block_key, revoke_key
from portal.registry.choices import RevocationReason, Verb
from portal.registry.models import BlockedKey, Client, ClientKey, Event
from tests.db.registry.recorded import events
from tests.keys import new_private_key, public_pem
from tests.registering import register_pem

SHA256 = "0123456789abcdef" * 4


def run(*arguments: str) -> str:
    """Return what the command says; a refusal is a CommandError, which exits with 1."""
    said = io.StringIO()
    call_command(*arguments, stdout=said)
    return said.getvalue()


@pytest.fixture
def pair(tmp_path: Path) -> SimpleNamespace:
    """A key pair made by openssl: the files private_key.pem and public_key.pem."""
    private, public = tmp_path / "private_key.pem", tmp_path / "public_key.pem"
    make = ["openssl", "genpkey", "-algorithm", "ED25519", "-out", str(private)]
    subprocess.run(make, check=True)
    subprocess.run(["openssl", "pkey", "-in", private, "-pubout", "-out", public], check=True)
    return SimpleNamespace(private=str(private), public=str(public))


def fingerprint(pair: SimpleNamespace) -> str:
    return parse_public_key(Path(pair.public).read_bytes()).spki_sha256


# --- check_key ------------------------------------------------------------------------------------


def test_check_key_says_what_a_good_key_is(db: None, pair: SimpleNamespace) -> None:
    said = run("check_key", pair.public).splitlines()
    assert said[0] == "Ed25519 public key, read from: SubjectPublicKeyInfo PEM."
    assert said[1] == "Algorithms:  EdDSA (recommended)"
    assert said[2].startswith("kid:         ")
    assert said[3] == f"SHA-256:     {fingerprint(pair)}"


def test_check_key_reads_standard_input(
    db: None, pair: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = io.BytesIO(Path(pair.public).read_bytes())
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=data))
    assert fingerprint(pair) in run("check_key", "-")


def test_check_key_takes_an_algorithm(db: None, pair: SimpleNamespace) -> None:
    assert "EdDSA" in run("check_key", pair.public, "--alg", "EdDSA")


def test_check_key_refuses_an_algorithm_that_does_not_fit(db: None, pair: SimpleNamespace) -> None:
    with pytest.raises(CommandError) as refusal:
        run("check_key", pair.public, "--alg", "PS256")
    assert "cannot be used with PS256" in str(refusal.value)
    assert "EdDSA" in str(refusal.value)
    assert refusal.value.returncode == 1


def test_check_key_refuses_a_short_key_with_the_command_that_helps(
    db: None, tmp_path: Path
) -> None:
    file = tmp_path / "short.pem"
    make = ["openssl", "genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:1024"]
    private = subprocess.run(make, check=True, capture_output=True).stdout
    halve = ["openssl", "pkey", "-pubout", "-out", str(file)]
    subprocess.run(halve, input=private, check=True)
    with pytest.raises(CommandError) as refusal:
        run("check_key", str(file))
    lines = str(refusal.value).splitlines()
    assert lines[0] == "This is an RSA key of 1024 bits."
    assert lines[-1].startswith("  openssl genpkey -algorithm RSA")


def test_check_key_refuses_a_blocked_key(cast: SimpleNamespace, pair: SimpleNamespace) -> None:
    block_key(fingerprint(pair), by=cast.admin)
    with pytest.raises(CommandError, match="This key is blocked"):
        run("check_key", pair.public)


def test_check_key_keeps_nothing_not_even_of_a_private_key(db: None, pair: SimpleNamespace) -> None:
    with pytest.raises(CommandError) as refusal:
        run("check_key", pair.private)
    secret = Path(pair.private).read_text().splitlines()[1]
    assert secret not in str(refusal.value)
    assert not BlockedKey.objects.exists()
    assert not Event.objects.exists()


def test_check_key_says_when_a_file_cannot_be_read(db: None, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"cannot be read: No such file or directory\."):
        run("check_key", str(tmp_path / "missing.pem"))


def test_check_key_reads_no_more_than_a_key_can_have(db: None) -> None:
    with pytest.raises(CommandError, match="more than 32 KiB"):
        run("check_key", "/dev/zero")


# --- block_key ------------------------------------------------------------------------------------


def test_block_key_takes_a_fingerprint(cast: SimpleNamespace) -> None:
    said = run("block_key", "--sha256", SHA256, "--by", "Admin@example.com", "--note", "Seen")
    assert said == f"Blocked: {SHA256}\n"
    detail = {"spki_sha256": SHA256, "why": "admin", "note": "Seen"}
    assert events(Verb.BLOCK_KEY) == [(cast.admin, None, None, detail)]


def test_block_key_takes_a_file(cast: SimpleNamespace, pair: SimpleNamespace) -> None:
    run("block_key", "--file", pair.public, "--by", "admin@example.com")
    assert BlockedKey.objects.get().pk == fingerprint(pair)


def test_block_key_says_what_it_revoked(key: ClientKey) -> None:
    said = run("block_key", "--sha256", key.spki_sha256, "--by", "admin@example.com")
    assert said.endswith("“First” of Payments is revoked.\n")
    key.refresh_from_db()
    assert key.revoked_at


def test_both_commands_find_a_key_in_every_client(
    payments: Client, other: Client, key: ClientKey, cast: SimpleNamespace
) -> None:
    copy = register_pem(other, material=key.pem, alg="EdDSA", label="Copy", by=cast.bob)
    assert copy.kid == key.kid
    reason = ["--reason", "compromised", "--by", "admin@example.com"]
    said = run("revoke_key", *reason, "--", key.kid)
    assert [line.split(" is ")[0] for line in said.splitlines()] == [
        "“First” of Payments",
        "“Copy” of Other",
    ]
    assert not ClientKey.objects.filter(revoked_at=None).exists()
    said = run("block_key", "--sha256", key.spki_sha256, "--by", "admin@example.com")
    assert said.count(" is revoked.") == 2


def test_block_key_given_a_private_key_blocks_its_public_half(
    cast: SimpleNamespace, pair: SimpleNamespace
) -> None:
    with pytest.raises(CommandError, match="Its public key is now blocked"):
        run("block_key", "--file", pair.private, "--by", "admin@example.com")
    assert BlockedKey.objects.get().pk == fingerprint(pair)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--sha256", "abc"], "it needs 64 hexadecimal digits"),
        (["--sha256", SHA256, "--note", "x" * 501], "The note has 501 characters"),
        (["--sha256", SHA256, "--file", "x"], "not allowed with argument"),
        ([], "one of the arguments --sha256 --file is required"),
    ],
)
def test_block_key_says_what_it_cannot_use(
    cast: SimpleNamespace, arguments: list[str], sentence: str
) -> None:
    with pytest.raises(CommandError, match=sentence):
        run("block_key", *arguments, "--by", "admin@example.com")
    assert not BlockedKey.objects.exists()


@pytest.mark.parametrize("by", ["alice@example.com", "nobody@example.com"])
def test_only_an_admin_can_be_on_record(key: ClientKey, by: str) -> None:
    with pytest.raises(CommandError, match="No admin of the portal has the e-mail address"):
        run("block_key", "--sha256", SHA256, "--by", by)
    with pytest.raises(CommandError, match="No admin of the portal has the e-mail address"):
        run("revoke_key", "--reason", "unspecified", "--by", by, "--", key.kid)


# --- revoke_key -----------------------------------------------------------------------------------


def test_revoke_key_revokes(payments: Client, key: ClientKey, cast: SimpleNamespace) -> None:
    given = ["--reason", "compromised", "--by", "admin@example.com", "--note", "Laptop lost"]
    said = run("revoke_key", *given, "--", key.kid)
    key.refresh_from_db()
    assert key.revoked_at
    assert said == (
        f"“First” of Payments is revoked since {time_text(key.revoked_at, seconds=True)} "
        "(compromised).\n"
    )
    detail = {"reason": "compromised", "note": "Laptop lost", "kid": key.kid}
    assert events(Verb.REVOKE_KEY) == [(cast.admin, payments, key, detail)]


def test_revoke_key_again_says_how_it_was(key: ClientKey, cast: SimpleNamespace) -> None:
    revoke_key(key, reason=RevocationReason.SUPERSEDED, by=cast.dev)
    given = ["--reason", "compromised", "--by", "admin@example.com"]
    assert "(superseded)" in run("revoke_key", *given, "--", key.kid)
    assert len(events(Verb.REVOKE_KEY)) == 1


@pytest.mark.parametrize("kid", ["k" * 43, "-k", ""])
def test_revoke_key_says_when_there_is_no_such_key(cast: SimpleNamespace, kid: str) -> None:
    with pytest.raises(CommandError, match="No key has the kid"):
        run("revoke_key", "--reason", "unspecified", "--by", "admin@example.com", "--", kid)


def test_revoke_key_wants_a_reason_that_it_knows(key: ClientKey, cast: SimpleNamespace) -> None:
    with pytest.raises(CommandError, match="invalid choice"):
        run("revoke_key", "--reason", "because", "--by", "admin@example.com", "--", key.kid)


def test_revoke_key_refuses_a_note_that_cannot_be_kept(
    key: ClientKey, cast: SimpleNamespace
) -> None:
    given = ["--reason", "unspecified", "--by", "admin@example.com", "--note", "x" * 501]
    with pytest.raises(CommandError, match="The note has 501 characters"):
        run("revoke_key", *given, "--", key.kid)


@pytest.fixture
def keys_of_payments(payments: Client, cast: SimpleNamespace) -> list[ClientKey]:
    """Three live keys."""
    return [
        register_pem(
            payments, material=public_pem(new_private_key()), alg="EdDSA", label=label, by=cast.dev
        )
        for label in ("One", "Two", "Three")
    ]


def revoke_listed(path: Path, text: str, *more: str) -> str:
    path.write_text(text)
    given = ["--reason", "compromised", "--by", "admin@example.com", *more]
    return run("revoke_key", "--file", str(path), *given)


def test_revoke_key_revokes_all_keys_of_a_list(
    tmp_path: Path, keys_of_payments: list[ClientKey]
) -> None:
    one, two, three = keys_of_payments
    pairs = ":".join(two.spki_sha256[i : i + 2] for i in range(0, 64, 2)).upper()
    said = revoke_listed(
        tmp_path / "list", f"\ufeff# Leaked\r\n{one.kid}\n\n  {pairs}  # the second\n{one.kid}\n"
    )
    assert [line.split(" is revoked since")[0] for line in said.splitlines()] == [
        "1 of 2: “One” of Payments",
        "2 of 2: “Two” of Payments",
    ]
    revoked = set(ClientKey.objects.filter(revoked_at__isnull=False))
    assert revoked == {one, two}
    assert {each.key for each in Event.objects.filter(verb=Verb.REVOKE_KEY)} == {one, two}
    assert three not in revoked


def test_revoke_key_lists_what_is_not_known_after_all_others_are_revoked(
    tmp_path: Path, keys_of_payments: list[ClientKey]
) -> None:
    one, two, _ = keys_of_payments
    with pytest.raises(CommandError) as refused:
        revoke_listed(tmp_path / "list", f"{one.kid}\n{'k' * 43}\n{SHA256}\n{two.kid}\n")
    assert str(refused.value).splitlines() == [
        "2 of 4 are revoked. No key has these:",
        "k" * 43,
        SHA256,
    ]
    assert set(ClientKey.objects.filter(revoked_at__isnull=False)) == {one, two}


def test_revoke_key_goes_on_with_a_list_where_it_was_stopped(
    tmp_path: Path, keys_of_payments: list[ClientKey], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each key is a transaction of its own, and the list can be given again."""
    text = "\n".join(key.kid for key in keys_of_payments)

    def stopped(key: ClientKey, **given: Any) -> ClientKey:
        if key == keys_of_payments[1]:
            raise KeyboardInterrupt
        return revoke_key(key, **given)

    module = "portal.registry.management.commands.revoke_key"
    monkeypatch.setattr(f"{module}.revoke_key", stopped)
    with pytest.raises(KeyboardInterrupt):
        revoke_listed(tmp_path / "list", text)
    assert list(ClientKey.objects.filter(revoked_at__isnull=False)) == keys_of_payments[:1]
    monkeypatch.undo()
    assert "3 of 3" in revoke_listed(tmp_path / "list", text)
    assert Event.objects.filter(verb=Verb.REVOKE_KEY).count() == len(keys_of_payments)


@pytest.mark.parametrize(
    ("text", "more", "why"),
    [
        ("{kid}\nMC4CAQAwBQYDK2VwBCIEIA\n", (), "Line 2 of the file is neither a kid"),
        ("# nothing\n\n", (), "no kid and no SHA-256"),
        ("{kid}", ("--note", "x" * 501), "The note has 501 characters"),
    ],
)
def test_revoke_key_revokes_nothing_of_a_list_that_cannot_be_used(
    tmp_path: Path, key: ClientKey, cast: SimpleNamespace, text: str, more: tuple[str], why: str
) -> None:
    with pytest.raises(CommandError, match=why) as refused:
        revoke_listed(tmp_path / "list", text.format(kid=key.kid), *more)
    assert "MC4CAQ" not in str(refused.value)
    assert not ClientKey.objects.filter(revoked_at__isnull=False).exists()


def test_revoke_key_says_when_a_list_cannot_be_read(tmp_path: Path, cast: SimpleNamespace) -> None:
    given = ["--reason", "unspecified", "--by", "admin@example.com"]
    with pytest.raises(CommandError, match="cannot be read"):
        run("revoke_key", "--file", str(tmp_path / "none"), *given)
    (tmp_path / "list").write_bytes(b"\xff\xfe")
    with pytest.raises(CommandError, match="is not UTF-8 text"):
        run("revoke_key", "--file", str(tmp_path / "list"), *given)


def test_revoke_key_takes_a_kid_or_a_list(key: ClientKey, cast: SimpleNamespace) -> None:
    given = ["--reason", "unspecified", "--by", "admin@example.com"]
    with pytest.raises(CommandError, match="not allowed with"):
        run("revoke_key", "--file", "list", *given, "--", key.kid)
    with pytest.raises(CommandError, match="required"):
        run("revoke_key", *given)
