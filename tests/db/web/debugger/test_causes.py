"""The debugger names each cause for which assertions fail in practice, as the first to fix."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from hashlib import sha256
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlencode

import pytest
from django.urls import reverse
from django.utils import timezone

from portal.registry.actions import retire_key, revoke_key
from portal.registry.choices import RevocationReason
from portal.registry.models import Client, ClientKey, RedeemedAssertion
from tests.assertions import claims_of, encode, form_of, sign
from tests.db.pages import text_of
from tests.keys import PrivateKey, new_private_key, public_pem
from tests.paths import key_path
from tests.registering import register_pem

ISSUER = "http://testserver"
TOKEN_ENDPOINT = f"{ISSUER}/api/oauth2/token"


@dataclass
class Bench:
    """A client with keys that the tests can sign with, and the debugger."""

    client: Client
    by: Any
    ask: Any
    privates: dict[str, PrivateKey] = field(default_factory=dict)
    keys: dict[str, ClientKey] = field(default_factory=dict)

    def add(self, label: str, alg: str = "EdDSA") -> ClientKey:
        """Register a new key."""
        private = new_private_key(alg)
        self.privates[label] = private
        self.keys[label] = register_pem(
            self.client, material=public_pem(private), alg=alg, label=label, by=self.by
        )
        return self.keys[label]

    def signed(self, label: str = "Signing", *, header: Any = None, **changes: Any) -> str:
        """Return an assertion signed with the key, good but for the changes."""
        key = self.keys[label]
        members = {"kid": key.kid, **(header or {})}
        alg = members.pop("alg", key.alg)
        claims = claims_of(self.client.client_id, ISSUER, **changes)
        return sign(self.privates[label], alg, claims, **members)

    def verdict(self, paste: str) -> tuple[str, str]:
        """Return the reason that the page gives first, and the page."""
        url = reverse("assertion_debugger", args=[self.client.client_id])
        text = text_of(self.ask("viewer", "post", url, {"paste": paste}))
        found = re.search(r'<code class="reason">([a-z0-9_]+)</code>', text)
        return (found[1] if found else ""), text


@pytest.fixture
def bench(payments: Client, cast: SimpleNamespace, ask: Any) -> Bench:
    """`payments` with one EdDSA key, "Signing"."""
    made = Bench(payments, cast.dev, ask)
    made.add("Signing")
    return made


def now() -> int:
    """Return the time in whole seconds since 1970."""
    return int(time.time())


def unsigned(bench: Bench, alg: str) -> str:
    """Return an assertion that says `alg`, with a signature of nothing."""
    header = encode(json.dumps({"alg": alg}).encode())
    return f"{header}.{encode(json.dumps(claims_of(bench.client.client_id, ISSUER)).encode())}.AAAA"


CAUSES: dict[str, tuple[str, Callable[[Bench], str]]] = {
    "1 aud is the token URL": ("aud_token_endpoint", lambda b: b.signed(aud=TOKEN_ENDPOINT)),
    "2 aud has a slash more": ("aud_mismatch", lambda b: b.signed(aud=f"{ISSUER}/")),
    "2 aud is https": ("aud_mismatch", lambda b: b.signed(aud="https://testserver")),
    "3 aud is an array": ("aud_array", lambda b: b.signed(aud=[ISSUER])),
    "4 iss is another": ("iss_mismatch", lambda b: b.signed(iss="somebody")),
    "4 sub is another": ("sub_mismatch", lambda b: b.signed(sub="somebody")),
    "6 kid is unknown": ("kid_unknown", lambda b: b.signed(header={"kid": "k" * 43})),
    "10 alg is none": ("header_alg_none", lambda b: unsigned(b, "none")),
    "10 alg is HS256": ("header_alg_hmac", lambda b: unsigned(b, "HS256")),
    "13 expired": ("expired", lambda b: b.signed(iat=now() - 200, exp=now() - 100)),
    "14 iat is ahead": ("iat_ahead", lambda b: b.signed(iat=now() + 90, exp=now() + 150)),
    "14 nbf is ahead": ("nbf_ahead", lambda b: b.signed(nbf=now() + 90)),
    "15 it lives too long": ("lifetime_too_long", lambda b: b.signed(exp=now() + 3600)),
    "16 milliseconds": ("date_milliseconds", lambda b: b.signed(exp=(now() + 60) * 1000)),
    "16 a number as a string": ("date_not_number", lambda b: b.signed(exp=str(now() + 60))),
    "18 jti is missing": ("claim_missing", lambda b: b.signed(jti=None)),
    "18 exp is missing": ("claim_missing", lambda b: b.signed(exp=None)),
    "19 wrong client_assertion_type": (
        "assertion_type_wrong",
        lambda b: urlencode(form_of(b.signed()) | {"client_assertion_type": "jwt-bearer"}),
    ),
    "19 a JSON body": ("json_body", lambda b: json.dumps(form_of(b.signed()))),
    "19 a line break": ("assertion_white_space", lambda b: b.signed().replace(".", ".\n", 1)),
    "19 padding": ("assertion_padded", lambda b: f"{b.signed()}=="),
    "19 a Bearer prefix": ("assertion_bearer_prefix", lambda b: f"Bearer {b.signed()}"),
    "19 a JWE": ("assertion_encrypted", lambda b: f"{b.signed()}.AAAA.AAAA"),
    "20 a public key": ("pasted_public_key", lambda b: b.keys["Signing"].pem),
    "21 a client_secret too": (
        "several_auth_methods",
        lambda b: urlencode(form_of(b.signed(), client_secret="hunter2")),
    ),
    "21 an Authorization header too": (
        "several_auth_methods",
        lambda b: f"curl -u a:b -d '{urlencode(form_of(b.signed()))}' {TOKEN_ENDPOINT}",
    ),
}


@pytest.mark.parametrize("cause", CAUSES)
def test_it_names_the_cause(bench: Bench, cause: str) -> None:
    reason, paste = CAUSES[cause]
    assert bench.verdict(paste(bench))[0] == reason


def test_5_without_a_kid_each_of_several_keys_is_tried(bench: Bench) -> None:
    bench.add("Second")
    reason, text = bench.verdict(bench.signed(header={"kid": None}))
    assert reason == ""
    assert "2 keys that match: each is tried. Other verifiers need a kid" in text


def test_6_a_kid_that_is_unknown_although_another_key_verifies(bench: Bench) -> None:
    _, text = bench.verdict(bench.signed(header={"kid": "k" * 43}))
    assert f'<a href="{key_path(bench.keys["Signing"])}">Signing</a>' in text


def test_6_a_kid_of_another_key_than_the_one_that_signed(bench: Bench) -> None:
    other = bench.add("Other")
    reason, text = bench.verdict(bench.signed(header={"kid": other.kid}))
    assert reason == "signature_invalid"
    assert "The <code>kid</code> names “Other”, but “Signing” signed." in text


def test_7_the_key_is_retired(bench: Bench) -> None:
    bench.add("Staying")
    retire_key(bench.keys["Signing"], grace=timedelta(), by=bench.by)
    assert bench.verdict(bench.signed())[0] == "key_retired"


def test_7_the_key_is_revoked(bench: Bench) -> None:
    revoke_key(bench.keys["Signing"], reason=RevocationReason.COMPROMISED, by=bench.by)
    assert bench.verdict(bench.signed())[0] == "key_revoked"


def test_8_no_registered_key_verifies(bench: Bench) -> None:
    bench.privates["Signing"] = new_private_key()
    reason, text = bench.verdict(bench.signed())
    assert reason == "signature_invalid"
    assert "keys that were tried" in text


def test_9_a_sibling_algorithm(bench: Bench) -> None:
    bench.add("RSA", "PS256")
    assert bench.verdict(bench.signed("RSA", header={"alg": "RS256"}))[0] == "key_alg_sibling"


def test_11_an_ecdsa_signature_in_der(bench: Bench) -> None:
    from cryptography.hazmat.primitives import hashes  # noqa: PLC0415 - for this one test
    from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415

    bench.add("EC", "ES256")
    private = bench.privates["EC"]
    assert isinstance(private, ec.EllipticCurvePrivateKey)
    signing_input = bench.signed("EC").rpartition(".")[0]
    der = private.sign(signing_input.encode(), ec.ECDSA(hashes.SHA256()))
    assert bench.verdict(f"{signing_input}.{encode(der)}")[0] == "signature_der"


def test_12_the_header_names_an_algorithm_of_another_key_type(bench: Bench) -> None:
    bench.add("RSA", "PS256")
    paste = bench.signed("RSA", header={"kid": bench.keys["Signing"].kid})
    assert bench.verdict(paste)[0] == "key_alg_other_type"


def test_13_it_says_by_how_much_it_has_expired(bench: Bench) -> None:
    _, text = bench.verdict(bench.signed(iat=now() - 200, exp=now() - 100))
    assert re.search(r"\b1\d\d seconds", text)


def test_17_a_jti_that_was_used(bench: Bench) -> None:
    at = timezone.now() - timedelta(seconds=70)
    RedeemedAssertion.objects.create(
        client=bench.client,
        key=bench.keys["Signing"],
        jti_sha256=sha256(b"used").hexdigest(),
        reference="a" * 16,
        at=at,
        expires_at=at + timedelta(minutes=2),
    )
    reason, text = bench.verdict(bench.signed(jti="used"))
    assert reason == "jti_reused"
    assert f"{at:%H:%M:%S}" in text


def test_20_a_certificate(bench: Bench) -> None:
    paste = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"
    assert bench.verdict(paste)[0] == "pasted_certificate"


@pytest.mark.parametrize("container", ["bare", "form", "curl", "http"])
def test_a_good_assertion_is_good_however_it_is_pasted(bench: Bench, container: str) -> None:
    body = urlencode(form_of(bench.signed()))
    pastes = {
        "bare": bench.signed(),
        "form": body,
        "curl": f"curl -X POST {TOKEN_ENDPOINT} \\\n  -d '{body}'",
        "http": "POST /api/oauth2/token HTTP/1.1\r\nHost: testserver\r\n"
        f"Content-Type: application/x-www-form-urlencoded\r\n\r\n{body}",
    }
    reason, text = bench.verdict(pastes[container])
    assert not reason
    assert "All checks pass" in text


def test_client_id_beside_the_assertion_differs(bench: Bench) -> None:
    request = urlencode(form_of(bench.signed(), client_id="paymnets"))
    reason, page = bench.verdict(request)
    assert reason == "client_id_mismatch"
    assert "client_id is paymnets" in page
    right = urlencode(form_of(bench.signed(), client_id=bench.client.client_id))
    assert bench.verdict(right)[0] == ""
