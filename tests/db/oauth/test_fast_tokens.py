"""Plain token requests in front of Django: they get what Django gives, and all others go there."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from io import BytesIO
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlencode

import pytest
from django.core.handlers.wsgi import WSGIHandler
from django.test import RequestFactory
from django.utils import timezone
from pytest_django import Settings

from portal.oauth.fast_tokens import FastTokens, fast_tokens
from portal.registry.actions import (
    change_key,
    change_rights,
    retire_key,
    revoke_key,
    suspend_client,
)
from portal.registry.choices import GrantType, RevocationReason
from portal.registry.fast_authentication import FastAuthentication
from portal.registry.follower import Follower
from portal.registry.issuing import TokenDatabase
from portal.registry.models import (
    AccessToken,
    AuthorizationCode,
    Client,
    ClientKey,
    Event,
    RedeemedAssertion,
    RefreshToken,
    RefusedRequest,
)
from portal.registry.signing_keys import SigningKeys
from tests.assertions import claims_of, form_of, sign
from tests.db.oauth.test_attacks import ATTACKS
from tests.db.oauth.token_requests import FORM, ISSUER, TOKEN, Signer, new_signer
from tests.db.publishing.test_jwks_cache import Never
from tests.keys import new_private_key, public_pem
from tests.registering import register_pem

pytestmark = [pytest.mark.postgresql, pytest.mark.django_db(transaction=True)]

WRITTEN = (RefreshToken, AccessToken, AuthorizationCode, RedeemedAssertion, RefusedRequest)
CHANGING = {"id", "at", "jti_sha256", "reference", "expires_at", "expires", "created", "updated"}
CHANGING |= {"token_checksum", "number", "leaf", "salts", "code", "code_challenge"}
CHANGING |= {"access_token_id", "source_refresh_token_id", "token_family"}
TIMELESS: dict[str, Callable[[Any], Any]] = {
    **dict.fromkeys(("seen", "expected"), lambda text: re.sub(r"\d+( seconds?)?", "0", text)),
    **dict.fromkeys(("access_token", "refresh_token"), len),
    **dict.fromkeys(("iat", "exp", "revoked"), bool),
    "key_expires_in": lambda seconds: seconds // 1000,
}
"""What is compared of a value that is new each time, or has the time in it."""

RESOURCE = "https://api.example.com"


@dataclass
class Portal:
    """The portal as WSGI, which says whether Django was entered."""

    keys: SigningKeys = field(default_factory=lambda: SigningKeys(follower()))
    database: TokenDatabase = field(default_factory=TokenDatabase)
    entered: int = 0

    def __post_init__(self) -> None:
        django = WSGIHandler()

        def counted(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
            self.entered += 1
            return django(environ, start_response)

        self.authentication = FastAuthentication(self.keys, self.database, waiting=256)
        self.fast = fast_tokens(counted, FastTokens(self.authentication), follower())
        self.slow = counted

    def send(
        self, form: Any, *, fast: bool = True, path: str = TOKEN, **extra: Any
    ) -> tuple[str, list[tuple[str, str]], dict[str, Any]]:
        """Return status, headers and body of a client's request."""
        content = extra.pop("body", None) or urlencode(form, doseq=True)
        kind = extra.pop("content_type", FORM)
        extra.setdefault("HTTP_X_REQUEST_ID", "request-of-a-test")
        environ = RequestFactory().post(path, content, content_type=kind, **extra).environ
        # A server's stream ends where the connection does.
        environ["wsgi.input"] = BytesIO(content.encode())
        told: list[Any] = []
        answer = (self.fast if fast else self.slow)(environ, lambda *given: told.extend(given))
        body = b"".join(answer)
        if hasattr(answer, "close"):
            answer.close()
        return told[0], told[1], json.loads(body)


def follower() -> Follower:
    return Follower(Never(), stale_s=0)


@pytest.fixture
def portal() -> Iterator[Portal]:
    portal = Portal()
    yield portal
    portal.database.close()


def confirmed(signer: Signer) -> Signer:
    """The client whose key was used before."""
    assert signer.ask().status_code == 200
    forget()
    return signer


@pytest.fixture
def signer(payments: Client, cast: SimpleNamespace) -> Signer:
    return confirmed(new_signer(payments, cast.alice))


@pytest.fixture
def attacker(other: Client, cast: SimpleNamespace) -> Signer:
    return confirmed(new_signer(other, cast.bob))


def rows() -> dict[str, list[dict[str, Any]]]:
    """All that token requests write, without what is new each time, as are times in texts."""
    return {
        table.__name__: [
            {
                name: TIMELESS[name](value) if name in TIMELESS else value
                for name, value in row.items()
                if name not in CHANGING
            }
            for row in table._default_manager.order_by("pk").values()
        ]
        for table in (*WRITTEN, Event)
    }


def forget() -> None:
    """Empty the tables of token requests."""
    for table in WRITTEN:
        table._default_manager.all().delete()


def plain(answer: tuple[str, list[tuple[str, str]], dict[str, Any]]) -> Any:
    """An answer without what is new each time: tokens, times, and the reference in texts."""
    status, headers, body = answer
    reference = RefusedRequest.objects.values_list("reference", flat=True).first() or "no reference"
    text = json.dumps(body).replace(reference, "REFERENCE")
    told = {
        name: TIMELESS[name](value) if name in TIMELESS else value
        for name, value in json.loads(text).items()
    }
    return status, headers, list(told.items())


def both(portal: Portal, make: Callable[[], Any], **extra: Any) -> tuple[Any, Any, int]:
    """Send a request both ways; return what is seen of each, and how often Django was entered."""
    seen = []
    for fast in (False, True):
        forget()
        form = make()
        portal.entered = 0
        answer = portal.send(form, fast=fast, **extra)
        seen.append((plain(answer), rows()))
    return seen[0], seen[1], portal.entered


def test_attacks_are_decided_by_django(portal: Portal, signer: Signer, attacker: Signer) -> None:
    # The keys are known, and in memory.
    for each in (signer, attacker):
        portal.send(each.form())
    assert portal.entered == 0
    for name, (attack, _, _) in ATTACKS.items():
        slow, fast, entered = both(portal, partial(attack, signer, attacker))
        assert (name, fast) == (name, slow)
        assert (name, entered) == (name, 1)


SUCCESSES: dict[str, Callable[[Signer], Any]] = {
    "plain": lambda s: s.form(),
    "with client_id": lambda s: s.form(client_id=s.client.client_id),
    "a scope": lambda s: s.form(scope="write"),
    "two scopes": lambda s: s.form(scope=" write read"),
    "a scope without a value": lambda s: s.form(scope=""),
    "a resource": lambda s: s.form(resource=RESOURCE),
    "an older assertion": lambda s: form_of(
        sign(s.private, "ES256", claims_of(s.client.client_id, ISSUER), kid=s.key.kid, typ="JWT")
    ),
    "a claim that nobody needs": lambda s: form_of(s.assertion(claim="x" * 50)),
    "aud is the token endpoint": lambda s: form_of(
        sign(
            s.private,
            "ES256",
            claims_of(s.client.client_id, ISSUER + TOKEN),
            kid=s.key.kid,
            typ="JWT",
        )
    ),
}


@pytest.fixture
def able(signer: Signer, cast: SimpleNamespace, settings: Settings) -> Signer:
    """A client that may ask for much."""
    settings.RESOURCES = {RESOURCE: "The API"}
    settings.ACCEPT_TOKEN_ENDPOINT_AUDIENCE = True
    signer.allow(cast.admin, "read", "write", resources=[RESOURCE])
    return signer


def test_plain_requests_get_what_django_gives(portal: Portal, able: Signer) -> None:
    for name, make in SUCCESSES.items():
        slow, fast, entered = both(portal, partial(make, able))
        assert (name, fast) == (name, slow)
        assert (name, fast[0][0], entered) == (name, "200 OK", 0)
    for kind in (f"{FORM};charset=UTF-8", f"{FORM}; charset=utf-8"):
        slow, fast, entered = both(portal, able.form, content_type=kind)
        assert (fast, entered) == (slow, 0)


@pytest.mark.parametrize("setting", [True, False])
@pytest.mark.parametrize("date", ["expires_at", "retires_at"])
def test_a_client_is_told_when_its_key_ends(
    date: str,
    setting: bool,
    portal: Portal,
    signer: Signer,
    cast: SimpleNamespace,
    settings: Settings,
) -> None:
    settings.TELL_KEY_END = setting
    # In the middle of the thousands that the answers are compared by.
    end = timezone.now() + timedelta(seconds=86_500)
    if date == "expires_at":
        change_key(signer.key, label="Ends", expires_at=end, by=cast.alice)
    else:
        retire_key(signer.key, grace=end - timezone.now(), by=cast.alice)
    slow, fast, entered = both(portal, signer.form)
    assert (fast, entered) == (slow, 0)
    assert dict(fast[0][2]).get("key_expires_in") == (86 if setting else None)


@pytest.mark.parametrize("alg", ["EdDSA", "PS256", "ML-DSA-87"])
def test_each_kind_of_key_gets_a_token(
    alg: str, portal: Portal, payments: Client, cast: SimpleNamespace
) -> None:
    private = new_private_key(alg)
    key = register_pem(payments, material=public_pem(private), alg=alg, label=alg, by=cast.dev)

    def make() -> Any:
        return form_of(sign(private, alg, claims_of(payments.client_id, ISSUER), kid=key.kid))

    # The first use confirms the key, which only Django does.
    assert portal.send(make())[0] == "200 OK"
    assert portal.entered == 1
    slow, fast, entered = both(portal, make)
    assert (fast, entered) == (slow, 0)


OTHERS: dict[str, Callable[[Signer], dict[str, Any]]] = {
    "no kid": lambda s: {
        "form": form_of(sign(s.private, "ES256", claims_of(s.client.client_id, ISSUER)))
    },
    "another parameter": lambda s: {"form": s.form(audience="x")},
    "two resources": lambda s: {"form": s.form(resource=[RESOURCE, RESOURCE])},
    "a scope that nobody has": lambda s: {"form": s.form(scope="admin")},
    "a scope twice blank": lambda s: {"form": s.form(scope="read  write")},
    "a resource that nobody has": lambda s: {"form": s.form(resource="https://b.example.com")},
    "no grant": lambda s: {"form": s.form(grant_type="")},
    "another grant": lambda s: {"form": s.form(grant_type="refresh_token", refresh_token="x")},
    "a private key": lambda s: {"form": s.form(scope=PRIVATE)},
    "a query": lambda s: {"form": s.form(), "QUERY_STRING": "a=b"},
    "another type": lambda s: {"form": s.form(), "content_type": "text/plain"},
    "Basic": lambda s: {"form": s.form(), "HTTP_AUTHORIZATION": "Basic YTpi"},
    "half a body": lambda s: {"form": s.form(), "CONTENT_LENGTH": "5000"},
    "bytes": lambda s: {"form": None, "body": urlencode(s.form()) + "&scope=réad"},
    "NUL": lambda s: {"form": s.form(scope="read\0")},
    "too much": lambda s: {"form": s.form(scope="x" * 20_000)},
}
PRIVATE = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIA==\n-----END PRIVATE KEY-----"


def test_all_other_requests_are_decided_by_django(portal: Portal, able: Signer) -> None:
    portal.send(able.form())
    for name, make in OTHERS.items():
        seen = []
        for fast in (False, True):
            forget()
            portal.entered = 0
            seen.append((plain(portal.send(fast=fast, **make(able))), rows()))
        assert (name, seen[1]) == (name, seen[0])
        assert (name, portal.entered) == (name, 1)


def test_introspection_and_revocation_know_the_token(portal: Portal, signer: Signer) -> None:
    token = portal.send(signer.form())[2]["access_token"]
    assert portal.entered == 0
    described = signer.ask("/api/oauth2/introspect", token=token).json()
    assert (described["active"], described["scope"]) == (True, "read")
    assert described["exp"] - described["iat"] == 900
    signer.ask("/api/oauth2/revoke", token=token)
    assert signer.ask("/api/oauth2/introspect", token=token).json() == {"active": False}


def revoke(signer: Signer, cast: SimpleNamespace) -> None:
    revoke_key(signer.key, reason=RevocationReason.COMPROMISED, by=cast.admin)


def suspend(signer: Signer, cast: SimpleNamespace) -> None:
    suspend_client(signer.client, note="Contract ended", by=cast.admin)


def forbid(signer: Signer, cast: SimpleNamespace) -> None:
    change_rights(
        signer.client,
        scopes=["read"],
        grant_types=[GrantType.REFRESH_TOKEN],
        resources=[],
        by=cast.admin,
    )


def unconfirm(signer: Signer, cast: SimpleNamespace) -> None:
    """End a key by its dates; no action does that to a key in use."""
    ClientKey.objects.filter(pk=signer.key.pk).update(expires_at=signer.key.registered_at)


@pytest.mark.parametrize("end", [revoke, suspend, forbid, unconfirm])
def test_what_was_taken_away_is_refused_by_the_next_request(
    end: Callable[..., None], portal: Portal, signer: Signer, cast: SimpleNamespace
) -> None:
    assert portal.send(signer.form())[0] == "200 OK"
    assert portal.entered == 0
    end(signer, cast)
    slow, fast, entered = both(portal, signer.form)
    assert (fast, entered) == (slow, 1)
    assert fast[0][0] in {"401 Unauthorized", "400 Bad Request"}


def test_rights_that_were_given_are_there_for_the_next_request(
    portal: Portal, signer: Signer, cast: SimpleNamespace
) -> None:
    assert portal.send(signer.form())[2]["scope"] == "read"
    signer.allow(cast.admin, "read", "write")
    assert portal.send(signer.form(scope="write"))[2]["scope"] == "write"
    # The rights in memory are the new ones.
    portal.entered = 0
    portal.send(signer.form())
    assert portal.send(signer.form(scope="write"))[2]["scope"] == "write"


def test_same_assertion_gets_one_token(portal: Portal, signer: Signer) -> None:
    form = signer.form()
    assert portal.send(form)[0] == "200 OK"
    status, _, body = portal.send(form)
    assert (status, body["error"]) == ("401 Unauthorized", "invalid_client")
    assert (RedeemedAssertion.objects.count(), AccessToken.objects.count()) == (1, 1)
