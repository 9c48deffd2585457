"""Fixtures for hostile HTTP: the portal served as in the image, without a proxy."""

from __future__ import annotations

import resource
from collections.abc import Iterator

import pytest

from tests.interop.databases import Database, own_server
from tests.ops.hostile import STATEMENT_S, Target
from tests.ops.serving import serve


@pytest.fixture(scope="session")
def database() -> Iterator[Database]:
    """A separate server, as other tests use the shared one."""
    with own_server() as database:
        yield database


@pytest.fixture(scope="session")
def _served(database: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    # The limit on open files must not refuse the connections of the tests.
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    settings = {
        "PGOPTIONS": f"-c statement_timeout={STATEMENT_S:.0f}s",
        "SIGN_IN_RATE": "1000/1m/ip",
        "LOG_LEVEL": "INFO",
    }
    with serve(database.url, tmp_path_factory.mktemp("hostile"), **settings) as serving:
        yield Target(serving)


@pytest.fixture(scope="module")
def target(_served: Target) -> Iterator[Target]:
    """The portal. After each module, checks that no worker restarted and nothing failed."""
    serving = _served.serving
    workers, logged = serving.workers(), serving.log.stat().st_size
    yield _served
    assert serving.workers() == workers
    assert len(workers) == 2
    log = serving.log.read_bytes()[logged:].decode("utf-8", "replace")
    assert log.partition("Traceback")[2] == ""
