"""Key sets at hand in each worker: the same bytes as Django's, and never older than the bound."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from http.client import HTTPConnection

import psycopg
import pytest
from django.conf import settings
from django.utils import timezone

from portal.accounts.models import User
from portal.registry.actions import (
    block_key,
    confirm_key,
    resume_client,
    retire_key,
    revoke_key,
    suspend_client,
)
from portal.registry.choices import RevocationReason
from portal.registry.models import Client, ClientKey
from tests.interop.conftest import Register
from tests.interop.served import ASKS, Served, database_url, serve
from tests.keys import new_private_key, public_pem
from tests.registering import register_pem
from tests.waiting import PATIENCE_S
from tests.workers import let_each_worker_cache

Answer = tuple[int, list[tuple[str, str]], bytes]


def ask(served: Served, path: str, method: str = "GET", **headers: str) -> Answer:
    """All that comes over the wire but the date, on a connection of its own."""
    wire = HTTPConnection(served.url.removeprefix("http://"), timeout=PATIENCE_S)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    named["X-Request-ID"] = "request-of-a-test"
    wire.request(method, path, headers=named)
    response = wire.getresponse()
    told = [(name, value) for name, value in response.getheaders() if name.lower() != "date"]
    answer = response.status, told, response.read()
    wire.close()
    return answer


@pytest.fixture(scope="module")
def plain(served: Served, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The portal without a cache, on the same database."""
    with serve(tmp_path_factory.mktemp("plain"), workers=1, JWKS_MEMORY_MB="0") as portal:
        yield portal


@pytest.fixture
def path(client: Client, register: Register, served: Served) -> str:
    """The JWKS of a client with one key, which every worker has in memory."""
    register(client, "EdDSA")
    path = served.jwks_url(client).removeprefix(served.url)
    let_each_worker_cache(served.port, served.workers(), path)
    return path


def shows(served: Served, path: str, key: ClientKey) -> set[bool]:
    """Whether the workers publish the key: each of them is asked."""
    return {key.kid.encode() in ask(served, path)[2] for _ in range(ASKS)}


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("held", ["", "*", "tag", "weak", "among", "other"])
@pytest.mark.parametrize("name", ["jwks.json", "jwks-extended.json"])
def test_cache_and_django_answer_with_the_same_bytes(
    path: str, served: Served, plain: Served, method: str, held: str, name: str
) -> None:
    path = path.replace("jwks.json", name)
    tag = dict(ask(plain, path)[1])["etag"]
    sent = {"tag": tag, "weak": f"W/{tag}", "among": f'"a", {tag}', "other": '"a"'}.get(held, held)
    headers = {"If_None_Match": sent} if sent else {}
    expected = ask(plain, path, method, **headers)
    assert expected[0] == (304 if held in {"*", "tag", "weak", "among"} else 200)
    assert {str(ask(served, path, method, **headers)) for _ in range(ASKS)} == {str(expected)}


@pytest.mark.parametrize("method", ["OPTIONS", "POST", "DELETE", "PURGE"])
def test_other_methods_are_django_s(path: str, served: Served, plain: Served, method: str) -> None:
    assert ask(served, path, method) == ask(plain, path, method)


def _revoke(key: ClientKey, by: User) -> None:
    revoke_key(key, reason=RevocationReason.COMPROMISED, by=by)


def _retire(key: ClientKey, by: User) -> None:
    retire_key(key, grace=timedelta(0), by=by)


def _suspend(key: ClientKey, by: User) -> None:
    suspend_client(key.client, note="", by=by)


def _block(key: ClientKey, by: User) -> None:
    block_key(key.spki_sha256, by=by)


@pytest.mark.parametrize("end", [_revoke, _retire, _suspend, _block])
def test_key_that_goes_is_gone_from_every_worker(
    *,
    end: Callable[[ClientKey, User], None],
    path: str,
    client: Client,
    person: User,
    served: Served,
) -> None:
    key = client.keys.get()
    assert shows(served, path, key) == {True}
    end(key, person)
    served.wait_until(key, shown=False)


def test_key_that_comes_or_comes_back_is_on_every_worker(
    path: str, client: Client, person: User, register: Register, served: Served
) -> None:
    new = register(client, "ES256").key
    served.wait_until(new, shown=True)
    suspend_client(client, note="", by=person)
    served.wait_until(new, shown=False)
    resume_client(client, by=person)
    served.wait_until(new, shown=True)


def test_key_that_is_confirmed_is_on_every_worker(
    path: str, client: Client, person: User, served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "REQUIRE_CONFIRMATION", True)
    pem = public_pem(new_private_key("EdDSA"))
    key = register_pem(client, material=pem, alg="EdDSA", label="New", by=person)
    assert shows(served, path, key) == {False}
    confirm_key(key, by=person)
    served.wait_until(key, shown=True)


def test_what_time_alone_changes_needs_no_write(
    path: str, client: Client, person: User, served: Served
) -> None:
    """Starts and ends that are near are never served from memory past their moment."""
    soon = timezone.now() + timedelta(seconds=6)
    dates: list[dict[str, datetime]] = [{"not_before": soon}, {"expires_at": soon}]
    starts, ends = (
        register_pem(
            client,
            material=public_pem(new_private_key("EdDSA")),
            alg="EdDSA",
            label="Dated",
            by=person,
            **given,
        )
        for given in dates
    )
    served.wait_until(ends, shown=True)
    assert shows(served, path, starts) == {False}
    time.sleep(max(0.0, (soon - timezone.now()).total_seconds()) + 0.05)
    assert shows(served, path, starts) == {True}
    assert shows(served, path, ends) == {False}


def test_killed_followers_hide_no_change(
    path: str, client: Client, person: User, served: Served
) -> None:
    key = client.keys.get()
    with psycopg.connect(database_url(), autocommit=True) as database:
        ended = database.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE application_name = 'portal: follower' AND datname = current_database()"
        ).fetchall()
    assert len(ended) == len(served.workers())
    revoke_key(key, reason=RevocationReason.COMPROMISED, by=person)
    served.wait_until(key, shown=False)
