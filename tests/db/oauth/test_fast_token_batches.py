"""Token requests in one statement: what happens at once, and when PostgreSQL fails."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from threading import Barrier
from typing import Any, Final

import psycopg
import pytest
from django.db import connection, transaction
from django.utils import timezone

from portal.core.assertion import VerifiedAssertion
from portal.registry import issuing
from portal.registry.actions.authenticate_client import new_reference
from portal.registry.issuing import NotDecided, TokenDatabase, TokenRequest
from portal.registry.ledger_source import conninfo_of_primary
from portal.registry.models import AccessToken, RedeemedAssertion
from tests.db.oauth.test_fast_tokens import Portal, attacker, portal, signer
from tests.db.oauth.token_requests import Signer
from tests.waiting import wait_until

__all__ = ["attacker", "portal", "signer"]
pytestmark = [pytest.mark.postgresql, pytest.mark.django_db(transaction=True)]

MANY: Final = 64
ROUNDS: Final = 40
WAITING: Final = "SELECT 1 FROM pg_locks WHERE NOT granted AND pid = %s"


@pytest.fixture
def databases() -> Iterator[list[TokenDatabase]]:
    """Those of two processes."""
    databases = [TokenDatabase(), TokenDatabase()]
    yield databases
    for each in databases:
        each.close()


def requested(database: TokenDatabase, signer: Signer, jti: str) -> TokenRequest:
    """A request with a verified assertion."""
    client_id, kid = signer.client.client_id, signer.key.kid
    [key] = database.read_keys([(client_id, kid)])
    assert key
    sha256 = hashlib.sha256(jti.encode()).hexdigest()
    now = timezone.now()
    expires_at = int((now + timedelta(minutes=1)).timestamp())
    verified = VerifiedAssertion(
        client_id, kid, kid_sent=True, jti=jti, jti_sha256=sha256, expires_at=expires_at
    )
    token = hashlib.sha256(new_reference().encode()).hexdigest()
    return TokenRequest(verified, key, new_reference(), now, token, "read", [])


def test_of_two_equal_assertions_in_one_batch_one_gets_a_token(
    databases: list[TokenDatabase], signer: Signer
) -> None:
    twice = [requested(databases[0], signer, "the same") for _ in range(2)]
    assert sorted(each is not None for each in databases[0].issue(twice)) == [False, True]
    assert RedeemedAssertion.objects.get().reference in {each.reference for each in twice}
    assert AccessToken.objects.count() == 1


def test_processes_with_the_same_assertions_in_another_order_do_not_block_each_other(
    databases: list[TokenDatabase], signer: Signer, attacker: Signer
) -> None:
    """Without the order of the rows, PostgreSQL ends some of the statements: a deadlock."""
    together = Barrier(2)

    def issue(database: TokenDatabase, requests: list[TokenRequest]) -> list[bool]:
        together.wait(30)
        return [each is not None for each in database.issue(requests)]

    with ThreadPoolExecutor(2) as pool:
        for number in range(ROUNDS):
            requests = [
                requested(databases[0], each, f"{number} {of}")
                for of in range(MANY // 2)
                for each in (signer, attacker)
            ]
            first = pool.submit(issue, databases[0], requests)
            second = pool.submit(issue, databases[1], requests[::-1])
            issued = zip(first.result(), second.result()[::-1], strict=True)
            assert {sum(each) for each in issued} == {1}
    assert RedeemedAssertion.objects.count() == AccessToken.objects.count() == ROUNDS * MANY


@contextmanager
def locked() -> Iterator[None]:
    """Let no statement insert an assertion in this block."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("LOCK TABLE registry_redeemedassertion")
        yield


def backend(portal: Portal) -> int:
    """The process of PostgreSQL that serves the connection."""
    return portal.database._connected().info.backend_pid


def ask_server(statement: str, *parameters: object) -> list[Any]:
    """Run a statement on a connection of its own."""
    with psycopg.connect(conninfo_of_primary("test"), autocommit=True) as server:
        return server.execute(statement.encode(), parameters).fetchall()


def test_a_batch_whose_connection_dies_is_refused_and_not_decided_again(
    portal: Portal, signer: Signer
) -> None:
    assert portal.send(signer.form())[0] == "200 OK"
    pid = backend(portal)
    with ThreadPoolExecutor(8) as pool, locked():
        sent = [pool.submit(portal.send, signer.form()) for _ in range(5)]
        wait_until(lambda: ask_server(WAITING, pid) != [], "No statement waits.")
        ask_server("SELECT pg_terminate_backend(%s, 10000)", pid)
        wait_until(lambda: any(each.done() for each in sent), "Nobody is answered.")
        [status, headers, body] = next(each for each in sent if each.done()).result()
    assert (status, body["error"]) == ("503 Service Unavailable", "temporarily_unavailable")
    assert ("Retry-After", "5") in headers
    assert portal.entered == 0
    answered = [each.result()[0] for each in sent]
    # Those that were not in that batch are in the next one, on a new connection.
    assert AccessToken.objects.count() == 1 + answered.count("200 OK")
    assert RedeemedAssertion.objects.count() == AccessToken.objects.count()


def test_a_server_that_does_not_answer_is_not_waited_for(
    portal: Portal, signer: Signer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(issuing, "PATIENCE_S", 0.2)
    form = signer.form()
    assert portal.send(signer.form())[0] == "200 OK"
    pid = backend(portal)
    with locked():
        assert portal.send(form)[0] == "503 Service Unavailable"
        assert portal.entered == 0
    # The statement ran after all, so nobody gets a token for that assertion.
    wait_until(lambda: not ask_server("SELECT 1 FROM pg_stat_activity WHERE pid = %s", pid), "…")
    assert portal.send(form)[0] == "401 Unauthorized"
    assert RedeemedAssertion.objects.count() == 2


def test_a_connection_that_ended_between_two_requests_is_replaced(
    portal: Portal, signer: Signer
) -> None:
    portal.send(signer.form())
    ask_server("SELECT pg_terminate_backend(%s, 10000)", backend(portal))
    assert portal.send(signer.form())[0] == "200 OK"
    assert portal.entered == 0


def test_what_postgresql_does_not_take_is_decided_by_django(
    portal: Portal, signer: Signer, monkeypatch: pytest.MonkeyPatch
) -> None:
    portal.send(signer.form())
    statement = issuing._statement()
    broken = (
        statement[0].replace("kid_sent, at, expires FROM", "1 / 0 = 1, at, expires FROM"),
        statement[1],
    )
    monkeypatch.setattr(issuing, "_statement", lambda: broken)
    assert portal.send(signer.form())[0] == "200 OK"
    assert portal.entered == 1


def test_when_too_many_wait_others_are_sent_away(
    portal: Portal, signer: Signer, monkeypatch: pytest.MonkeyPatch
) -> None:
    portal.send(signer.form())
    monkeypatch.setattr(portal.authentication._requests, "_waiting", 0)
    status, headers, body = portal.send(signer.form())
    assert (status, body["error"]) == ("503 Service Unavailable", "temporarily_unavailable")
    assert ("Retry-After", "5") in headers
    assert portal.entered == 0


def test_without_a_connection_of_its_own_django_decides(
    portal: Portal, signer: Signer, monkeypatch: pytest.MonkeyPatch, tmp_path: object
) -> None:
    """Such as when PostgreSQL accepts no more connections. Nothing was sent, so it is safe."""
    portal.send(signer.form())
    monkeypatch.setattr(issuing, "conninfo_of_primary", lambda _: f"host={tmp_path}")
    portal.database.close()
    with pytest.raises(NotDecided):
        portal.database.issue([])
    assert portal.send(signer.form())[0] == "200 OK"
    assert portal.entered == 1


def test_connection_gets_as_old_as_those_of_django(
    databases: list[TokenDatabase], signer: Signer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise it would stay with the old primary when a name leads to another one."""
    requested(databases[0], signer, "x")
    [first] = databases[0]._execute(databases[0]._connected(), "SELECT pg_backend_pid()", {})
    seconds = connection.settings_dict["CONN_MAX_AGE"]
    monkeypatch.setattr(databases[0], "_opened", databases[0]._opened - seconds - 1)
    [second] = databases[0]._execute(databases[0]._connected(), "SELECT pg_backend_pid()", {})
    assert first != second


def test_assertion_that_expired_while_it_waited_gets_no_token(
    databases: list[TokenDatabase], signer: Signer
) -> None:
    request = requested(databases[0], signer, "late")
    verified = request.verified._replace(expires_at=int(timezone.now().timestamp()))
    assert databases[0].issue([replace(request, verified=verified)]) == [None]
    assert not RedeemedAssertion.objects.exists()


def test_many_connections_at_once_all_get_a_token(
    portal: Portal, signer: Signer, attacker: Signer
) -> None:
    forms = [each.form() for _ in range(40) for each in (signer, attacker)]
    with ThreadPoolExecutor(len(forms)) as pool:
        answers = list(pool.map(portal.send, forms))
    assert {status for status, _, _ in answers} == {"200 OK"}
    assert portal.entered == 0
    tokens = {hashlib.sha256(body["access_token"].encode()).hexdigest() for *_, body in answers}
    assert tokens == set(AccessToken.objects.values_list("token_checksum", flat=True))
