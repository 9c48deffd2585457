"""A private key that somebody sends: no trace of it anywhere, and its public key is blocked."""

from __future__ import annotations

import json
import logging
from base64 import b64decode, b64encode, urlsafe_b64encode
from types import SimpleNamespace
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    pkcs12,
)
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from portal.core.public_key.parse import parse_public_key
from portal.core.reasons import Reason, Refused
from portal.registry.actions import block_key, read_key
from portal.registry.choices import BlockedWhy, Verb
from portal.registry.models import BlockedKey, Client, ClientKey, Event
from tests.db.registry.recorded import events
from tests.keys import PrivateKey, new_private_key, public_pem
from tests.registering import register_pem


def encoded(private: Any, format_: PrivateFormat, *, password: bytes = b"") -> bytes:
    encryption = BestAvailableEncryption(password) if password else NoEncryption()
    written: bytes = private.private_bytes(Encoding.PEM, format_, encryption)
    return written


def base64url(number: int) -> str:
    raw = number.to_bytes((number.bit_length() + 7) // 8, "big")
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def private_jwk(private: rsa.RSAPrivateKey) -> bytes:
    numbers = private.private_numbers()
    public = numbers.public_numbers
    members = {"n": public.n, "e": public.e, "d": numbers.d, "p": numbers.p, "q": numbers.q}
    jwk = {"kty": "RSA"} | {name: base64url(value) for name, value in members.items()}
    return json.dumps(jwk).encode()


def contained(container: str) -> tuple[PrivateKey, bytes]:
    """Return a new private key and what it looks like in this container."""
    name, _, how = container.partition(" in ")
    private = new_private_key(name)
    match how:
        case "JWK":
            assert isinstance(private, rsa.RSAPrivateKey)
            return private, private_jwk(private)
        case "PKCS#12":
            assert isinstance(private, ec.EllipticCurvePrivateKey)
            return private, pkcs12.serialize_key_and_certificates(
                b"k", private, None, None, BestAvailableEncryption(b"secret")
            )
        case "encrypted PKCS#8":
            return private, encoded(private, PrivateFormat.PKCS8, password=b"secret")
        case "a file with its public key":
            both = encoded(private, PrivateFormat.PKCS8) + public_pem(private).encode()
            return private, both
    formats = {
        "PKCS#8": PrivateFormat.PKCS8,
        "PKCS#1": PrivateFormat.TraditionalOpenSSL,
        "SEC1": PrivateFormat.TraditionalOpenSSL,
        "OpenSSH": PrivateFormat.OpenSSH,
    }
    return private, encoded(private, formats[how])


READABLE = [
    "PS256 in PKCS#1",
    "PS256 in PKCS#8",
    "PS256 in OpenSSH",
    "PS256 in JWK",
    "ES256 in SEC1",
    "ES256 in PKCS#8",
    "EdDSA in PKCS#8",
    "EdDSA in OpenSSH",
    "EdDSA in a file with its public key",
]
SEALED = ["PS256 in encrypted PKCS#8", "ES256 in PKCS#12"]


def fingerprint(private: PrivateKey) -> str:
    return parse_public_key(public_pem(private)).spki_sha256


def fragments(material: bytes) -> set[str]:
    """Return pieces of the material, in the ways in which it could be written down somewhere."""
    body = b"".join(line for line in material.splitlines() if not line.startswith(b"-----"))
    whole = body.decode("latin-1") if body.isascii() else b64encode(body).decode()
    raw = b64decode(body + b"==") if body.isascii() and body[:1] != b"{" else body
    return {
        text[at : at + 20]
        for text in (whole, raw.hex(), b64encode(raw).decode())
        for at in range(0, len(text) - 20, 5)
    }


def everything_stored() -> str:
    """Return all columns of all rows of all tables as text."""
    stored = []
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT * FROM "{table}"')  # noqa: S608 - the names are our own
            stored += [repr(row) for row in cursor.fetchall()]
    return "\n".join(stored)


def everything_said(error: BaseException | None) -> str:
    """Return all that the exception and those behind it say, to whomever prints them."""
    said = []
    while error is not None:
        said += [str(error), repr(error), repr(error.args), repr(vars(error))]
        error = error.__cause__ or error.__context__
    return "\n".join(said)


@pytest.mark.parametrize("container", READABLE + SEALED)
def test_nothing_of_a_private_key_is_kept_logged_or_said(
    payments: Client, cast: SimpleNamespace, container: str, caplog: pytest.LogCaptureFixture
) -> None:
    _, material = contained(container)
    caplog.set_level(logging.DEBUG, "django.db.backends")
    # In here every statement goes through the log, with its parameters.
    with CaptureQueriesContext(connection), pytest.raises(Refused) as refusal:
        register_pem(payments, material=material, alg="PS256", label="Oops", by=cast.dev)
    assert refusal.value.reason == Reason.PRIVATE_KEY
    assert "INSERT" in caplog.text
    for place in (everything_stored(), caplog.text, everything_said(refusal.value)):
        assert not [piece for piece in fragments(material) if piece in place]
    assert not payments.keys.exists()


@pytest.mark.parametrize("container", READABLE)
def test_its_public_half_is_blocked(
    payments: Client, cast: SimpleNamespace, container: str
) -> None:
    private, material = contained(container)
    with pytest.raises(Refused):
        read_key(material, by=cast.dev, client=payments)
    blocked = BlockedKey.objects.get()
    assert (blocked.pk, blocked.blocked_by) == (fingerprint(private), cast.dev)
    assert blocked.why == BlockedWhy.PRIVATE_KEY_SEEN
    detail = {"spki_sha256": blocked.pk, "why": "private_key_seen", "note": ""}
    assert events(Verb.BLOCK_KEY) == [(cast.dev, payments, None, detail)]
    alg, _, _ = container.partition(" ")
    with pytest.raises(Refused) as refusal:
        register_pem(payments, material=public_pem(private), alg=alg, label="Half", by=cast.dev)
    assert refusal.value.reason == Reason.BLOCKED


@pytest.mark.parametrize("container", SEALED)
def test_a_sealed_private_key_proves_nothing_and_blocks_nothing(
    payments: Client, cast: SimpleNamespace, container: str
) -> None:
    with pytest.raises(Refused):
        read_key(contained(container)[1], by=cast.dev, client=payments)
    assert not BlockedKey.objects.exists()


def test_where_its_public_half_is_registered_it_is_revoked(
    payments: Client, other: Client, cast: SimpleNamespace
) -> None:
    private, material = contained("EdDSA in PKCS#8")
    key = register_pem(
        payments, material=public_pem(private), alg="EdDSA", label="Ours", by=cast.dev
    )
    with pytest.raises(Refused):
        register_pem(other, material=material, alg="EdDSA", label="Oops", by=cast.bob)
    key.refresh_from_db()
    assert (key.revoked_by, key.revocation_reason) == (cast.bob, "compromised")
    note = "Its private key was sent to the portal"
    detail = {"reason": "compromised", "note": note, "kid": key.kid}
    assert events(Verb.REVOKE_KEY) == [(cast.bob, payments, key, detail)]
    assert events(Verb.REFUSE_KEY) == [(cast.bob, other, None, {"reason": "private_key"})]
    # The client that sent it does not learn from its own events whose it is.
    assert not Event.objects.filter(client=other, key__isnull=False).exists()


def test_sending_it_twice_is_recorded_as_blocked_once(
    payments: Client, cast: SimpleNamespace
) -> None:
    _, material = contained("EdDSA in PKCS#8")
    for _ in range(2):
        with pytest.raises(Refused):
            read_key(material, by=cast.dev, client=payments)
    assert len(events(Verb.BLOCK_KEY)) == 1


def test_an_admin_who_sends_one_in_a_search_blocks_it_too(cast: SimpleNamespace) -> None:
    private, material = contained("EdDSA in PKCS#8")
    with pytest.raises(Refused):
        read_key(material, by=cast.admin, client=None)
    assert BlockedKey.objects.get().pk == fingerprint(private)


def test_an_admin_s_block_stays_as_it_was(payments: Client, cast: SimpleNamespace) -> None:
    private, material = contained("EdDSA in PKCS#8")
    block_key(fingerprint(private), by=cast.admin, note="First")
    with pytest.raises(Refused):
        read_key(material, by=cast.dev, client=payments)
    blocked = BlockedKey.objects.get()
    assert (blocked.why, blocked.note) == (BlockedWhy.ADMIN, "First")


def test_a_made_up_rsa_private_key_blocks_nothing(
    payments: Client, other: Client, cast: SimpleNamespace
) -> None:
    victim = public_pem(new_private_key("PS256"))
    key = register_pem(payments, material=victim, alg="PS256", label="Ours", by=cast.dev)
    forged = {name: key.jwk[name] for name in ("kty", "n", "e")} | {"d": base64url(3**1200)}
    with pytest.raises(Refused) as refusal:
        read_key(json.dumps(forged), by=cast.bob, client=other)
    assert refusal.value.reason == Reason.PRIVATE_KEY
    key.refresh_from_db()
    assert key.revoked_at is None
    assert not BlockedKey.objects.exists()


@pytest.mark.parametrize("alg", ["EdDSA", "ES256"])
def test_a_made_up_private_value_does_not_block_the_key_it_stands_beside(
    payments: Client, other: Client, cast: SimpleNamespace, alg: str
) -> None:
    victim = public_pem(new_private_key(alg))
    key = register_pem(payments, material=victim, alg=alg, label="Ours", by=cast.dev)
    members = {name: key.jwk[name] for name in ("kty", "crv", "x", "y") if name in key.jwk}
    d = urlsafe_b64encode(bytes(range(32))).rstrip(b"=").decode()
    with pytest.raises(Refused):
        read_key(json.dumps(members | {"d": d}), by=cast.bob, client=other)
    key.refresh_from_db()
    assert key.revoked_at is None
    assert not BlockedKey.objects.filter(pk=key.spki_sha256).exists()


@pytest.mark.django_db(transaction=True)
def test_reading_in_a_transaction_that_could_undo_the_block_is_an_error(
    payments: Client, cast: SimpleNamespace
) -> None:
    _, material = contained("EdDSA in PKCS#8")
    with pytest.raises(RuntimeError, match="durable"), transaction.atomic():
        read_key(material, by=cast.dev, client=payments)


def test_the_cast_of_this_file_is_read_as_public(payments: Client, cast: SimpleNamespace) -> None:
    # Or the tests above would prove nothing of the private key.
    private = new_private_key("EdDSA")
    assert isinstance(private, ed25519.Ed25519PrivateKey)
    read_key(public_pem(private), by=cast.dev, client=payments)
    assert not BlockedKey.objects.exists()
    assert not ClientKey.objects.exists()
