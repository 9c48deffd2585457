"""Clients that sign in with keys from memory, for what is not client_credentials.

They get what they get from `authenticate_client` alone, which decides all others.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from portal.oauth import client_requests
from portal.registry import issuing
from portal.registry.actions import authenticate_client
from portal.registry.models import Client, ClientKey, RedeemedAssertion, RefusedRequest
from tests.db.oauth.test_attacks import ATTACKS
from tests.db.oauth.test_fast_token_batches import locked
from tests.db.oauth.test_fast_tokens import (
    RESOURCE,
    Portal,
    able,
    attacker,
    forbid,
    forget,
    plain,
    portal,
    revoke,
    rows,
    signer,
    suspend,
    unconfirm,
)
from tests.db.oauth.token_requests import (
    CALLBACK,
    INTROSPECT,
    REVOKE,
    TOKEN,
    Signer,
    new_signer,
)

__all__ = ["able", "attacker", "portal", "signer"]
pytestmark = [pytest.mark.postgresql, pytest.mark.django_db(transaction=True)]

Sent = tuple[str, Any]
"""A path and a form."""


@pytest.fixture
def decided(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """An entry for each request that `authenticate_client` decides."""
    decided: list[object] = []

    def counted(*given: Any, **named: Any) -> Any:
        decided.append(given)
        return authenticate_client(*given, **named)

    monkeypatch.setattr(client_requests, "authenticate_client", counted)
    return decided


def compared(portal: Portal, make: Callable[[], Sent], decided: list[object]) -> Any:
    """Send a request both ways; return what is seen of each, and whether the second was fast."""
    seen = []
    for fast in (False, True):
        forget()
        path, form = make()
        decided.clear()
        seen.append((plain(portal.send(form, path=path, fast=fast)), rows()))
    return seen[0], seen[1], not decided


def asked(signer: Signer, path: str, **parameters: Any) -> Sent:
    """A request with a good assertion."""
    form = signer.form(**parameters)
    if "grant_type" not in parameters:
        del form["grant_type"]
    return path, form


READS = re.compile(r'SELECT .* FROM "(\w+)"')

OTHER_GRANTS: dict[str, Sent] = {
    "code": (TOKEN, {"grant_type": "authorization_code", "code": "x", "redirect_uri": CALLBACK}),
    "refresh": (TOKEN, {"grant_type": "refresh_token", "refresh_token": "x"}),
    "introspection": (INTROSPECT, {"token": "x"}),
    "revocation": (REVOKE, {"token": "x"}),
}


# The other two have the same authentication as these.
@pytest.mark.parametrize("where", ["refresh", "introspection"])
def test_attacks_are_decided_by_django(
    where: str, portal: Portal, signer: Signer, attacker: Signer, decided: list[object]
) -> None:
    path, parameters = OTHER_GRANTS[where]
    for each in (signer, attacker):  # whose keys are then in memory
        portal.send(each.form())

    for name, (attack, _, _) in ATTACKS.items():

        def make(attack: Any = attack) -> Sent:
            form = attack(signer, attacker)
            pairs = form.items() if isinstance(form, dict) else form
            kept = [(each, value) for each, value in pairs if each != "grant_type"]
            return path, [*kept, *parameters.items()]

        slow, fast, was_fast = compared(portal, make, decided)
        assert (name, fast) == (name, slow)
        assert (name, was_fast) == (name, False)


def code_for(signer: Signer, cast: SimpleNamespace, **more: Any) -> Sent:
    given = {
        "grant_type": "authorization_code",
        "code": signer.code_from(cast.bob),
        "code_verifier": signer.verifier,
        "redirect_uri": CALLBACK,
    }
    return asked(signer, TOKEN, **given | more)


def tokens_of(signer: Signer, cast: SimpleNamespace) -> dict[str, str]:
    tokens: dict[str, str] = signer.exchange_code(signer.code_from(cast.bob)).json()
    return tokens


def refreshed(signer: Signer, cast: SimpleNamespace, **more: Any) -> Sent:
    token = tokens_of(signer, cast)["refresh_token"]
    return asked(signer, TOKEN, **{"grant_type": "refresh_token", "refresh_token": token} | more)


PLAIN: dict[str, Callable[[Signer, SimpleNamespace], Sent]] = {
    "a code": code_for,
    "a code that does not exist": lambda s, c: code_for(s, c, code="x"),
    "a code of somebody else's verifier": lambda s, c: code_for(s, c, code_verifier="x" * 43),
    "a code for another address": lambda s, c: code_for(s, c, redirect_uri="https://x.example"),
    "a refresh token": refreshed,
    "a refresh token for less": lambda s, c: refreshed(s, c, scope="read"),
    "a refresh token for more": lambda s, c: refreshed(s, c, scope="write"),
    "a refresh token that does not exist": lambda s, c: refreshed(s, c, refresh_token="x"),
    "a grant that does not exist": lambda s, _: asked(s, TOKEN, grant_type="password"),
    "no grant": lambda s, _: asked(s, TOKEN),
    "introspection": lambda s, c: asked(s, INTROSPECT, token=tokens_of(s, c)["access_token"]),
    "introspection of nothing": lambda s, _: asked(s, INTROSPECT),
    "introspection with client_id": lambda s, _: asked(
        s, INTROSPECT, token="x", client_id=s.client.client_id
    ),
    "revocation": lambda s, c: asked(s, REVOKE, token=tokens_of(s, c)["access_token"]),
    "revocation of a refresh token": lambda s, c: asked(
        s, REVOKE, token=tokens_of(s, c)["refresh_token"]
    ),
    "revocation of nothing": lambda s, _: asked(s, REVOKE, token="x"),
    "two resources": lambda s, c: refreshed(s, c, resource=[RESOURCE, RESOURCE]),
}


def test_requests_of_authenticated_clients_get_what_they_got(
    portal: Portal, able: Signer, cast: SimpleNamespace, decided: list[object]
) -> None:
    tomorrow = timezone.now() + timedelta(days=1)  # which the responses name
    ClientKey.objects.filter(pk=able.key.pk).update(expires_at=tomorrow)
    portal.send(able.form())
    for name, make in PLAIN.items():
        slow, fast, was_fast = compared(portal, partial(make, able, cast), decided)
        assert (name, fast) == (name, slow)
        assert (name, was_fast) == (name, True)


def test_no_query_of_django_reads_the_client_or_its_key(
    portal: Portal, signer: Signer, cast: SimpleNamespace
) -> None:
    """All that a grant needs of them comes from memory and from the statement."""
    portal.send(signer.form())
    path, form = code_for(signer, cast)
    with CaptureQueriesContext(connection) as asked_of:
        assert portal.send(form, path=path)[0] == "200 OK"
    tables = {match[1] for each in asked_of for match in [READS.search(each["sql"])] if match}
    assert tables
    assert tables.isdisjoint({Client._meta.db_table, ClientKey._meta.db_table})


def test_a_refused_grant_has_used_up_its_assertion(portal: Portal, signer: Signer) -> None:
    path, form = asked(signer, TOKEN, grant_type="refresh_token", refresh_token="x")
    assert portal.send(form, path=path)[0] == "400 Bad Request"
    # Its team finds both under one reference.
    assert RefusedRequest.objects.get().reference == RedeemedAssertion.objects.get().reference
    assert portal.send(form, path=path)[0] == "401 Unauthorized"
    assert RedeemedAssertion.objects.count() == 1


@pytest.mark.parametrize("end", [revoke, suspend, forbid, unconfirm])
def test_what_was_taken_away_is_missing_in_the_next_request(
    end: Callable[..., None],
    portal: Portal,
    signer: Signer,
    cast: SimpleNamespace,
    decided: list[object],
) -> None:
    portal.send(signer.form())
    end(signer, cast)
    for path, parameters in OTHER_GRANTS.values():
        slow, fast, _ = compared(portal, partial(asked, signer, path, **parameters), decided)
        assert fast == slow
    is_refused = RefusedRequest.objects.filter(reason__startswith="key_").exists()
    assert is_refused == (end in {revoke, unconfirm})


def test_first_use_confirms_the_key(
    portal: Portal, payments: Client, cast: SimpleNamespace, decided: list[object]
) -> None:
    made = new_signer(payments, cast.alice)
    for first in (True, False):
        decided.clear()
        path, form = asked(made, INTROSPECT, token="x")
        assert portal.send(form, path=path)[0] == "200 OK"
        assert bool(decided) == first
    made.key.refresh_from_db()
    assert made.key.confirmed_at


def test_request_whose_outcome_is_not_known_is_not_decided_again(
    portal: Portal, signer: Signer, decided: list[object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(issuing, "PATIENCE_S", 0.2)
    portal.send(signer.form())
    path, form = asked(signer, INTROSPECT, token="x")
    with locked():
        status, headers, body = portal.send(form, path=path)
    assert (status, body["error"]) == ("503 Service Unavailable", "temporarily_unavailable")
    assert ("Retry-After", "5") in headers
    assert not decided


def test_when_too_many_wait_others_are_sent_away(
    portal: Portal, signer: Signer, decided: list[object], monkeypatch: pytest.MonkeyPatch
) -> None:
    portal.send(signer.form())
    monkeypatch.setattr(portal.authentication._requests, "_waiting", 0)
    path, form = asked(signer, INTROSPECT, token="x")
    status, headers, _ = portal.send(form, path=path)
    assert status == "503 Service Unavailable"
    assert ("Retry-After", "5") in headers
    assert not decided
