"""Workers and the database are killed while clients ask for tokens; `make drill` does more."""

from __future__ import annotations

import os
import signal
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.chaos.database import Database
from tests.chaos.tokens import LOST, Rush, register
from tests.ops.serving import serve
from tests.waiting import wait_until

OPERATIONS = 300
OLD_S = 5.0


@contextmanager
def killable() -> Iterator[Database]:
    """Run a server in a short folder: the path of a socket may have 107 bytes."""
    with tempfile.TemporaryDirectory(prefix="pg-", dir="/tmp") as folder:
        database = Database(Path(folder))
        try:
            yield database
        finally:
            database.stop()


def test_no_assertion_gets_two_tokens_and_no_token_is_lost(tmp_path: Path) -> None:
    with killable() as database, serve(database.url, tmp_path) as serving:
        began = time.monotonic()
        issuer = serving.environment["PUBLIC_URL"]
        rush = Rush(serving.port, issuer, register(serving.do, 20), OPERATIONS, threads=24)
        # granian gives up when a worker ends soon after it began.
        wait_until(lambda: time.monotonic() > began + OLD_S, "The clock stands still.")
        rush.start()
        wait_until(lambda: rush.done > OPERATIONS // 4, "Nobody is answered.")
        database.kill()
        wait_until(lambda: rush.statuses[503] > 0, "Somebody still gets a token.")
        database.start()
        wait_until(lambda: rush.statuses[200] > OPERATIONS // 2, "Nobody is answered.")
        os.kill(serving.workers()[0], signal.SIGKILL)
        rush.join()
        assert rush.twice == []
        assert rush.unknown(database.url) == set()
        assert set(rush.statuses) <= {200, 401, 503, LOST}
        assert rush.statuses[200] > OPERATIONS // 2
