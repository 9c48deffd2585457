"""Kill workers and the database while 1,000 clients ask for tokens: `make drill`.

10,000 assertions are sent, each again until it is known what became of it, and once more. Workers
of the image's own serve command and PostgreSQL are killed by SIGKILL in the middle of their
batches. Prints what happened, and ends with 1 if an assertion got two tokens, if a token was given
that the database does not know, or if so little was killed that nothing was tried.

`OPERATIONS=2000` before the command makes it shorter.
"""

from __future__ import annotations

import os
import signal
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tests.chaos.database import Database  # noqa: E402
from tests.chaos.tokens import LOST, Rush, register  # noqa: E402
from tests.ops.serving import Serving, serve  # noqa: E402

OPERATIONS = int(os.environ.get("OPERATIONS", "10000"))
CLIENTS, THREADS = 1000, 64
KILL_EVERY_S = 5.0
"""granian gives up when a worker ends soon after it began."""

LEAST_KILLS = 3
LIMIT_S = 600.0


def kill_until_over(rush: Rush, serving: Serving, database: Database) -> tuple[int, int]:
    """Kill a worker, then the database, and so on; return how often each was killed."""
    kills = [0, 0]
    began = time.monotonic()
    while not rush.is_over and time.monotonic() < began + LIMIT_S:
        time.sleep(KILL_EVERY_S)
        turn = sum(kills) % 2
        if turn == 0:
            os.kill(min(serving.workers()), signal.SIGKILL)
        else:
            database.kill()
            database.start()
        kills[turn] += 1
    return kills[0], kills[1]


def main() -> int:
    """Run the drill; return 1 when a promise was not kept."""
    # A socket's path may have 107 bytes: a short folder, whatever TMPDIR says.
    with tempfile.TemporaryDirectory(prefix="drill-", dir="/tmp") as folder:
        scratch = Path(folder)
        database = Database(scratch)
        try:
            with serve(database.url, scratch) as serving:
                signers = register(serving.do, CLIENTS)
                issuer = serving.environment["PUBLIC_URL"]
                rush = Rush(serving.port, issuer, signers, OPERATIONS, THREADS)
                rush.start()
                workers, databases = kill_until_over(rush, serving, database)
                is_over = rush.is_over
                unknown = rush.unknown(database.url)
        finally:
            database.stop()
    names = {LOST: "no answer"}
    told = ", ".join(f"{names.get(each, each)}: {n}" for each, n in sorted(rush.statuses.items()))
    print(f"{OPERATIONS} assertions of {CLIENTS} clients; answers: {told}")
    print(f"{workers} times a worker was killed, {databases} times the database")
    broken = {
        "the drill has not ended": not is_over,
        f"{len(rush.twice)} assertions got two tokens": rush.twice,
        f"{len(unknown)} tokens were given that the database does not know": unknown,
        "too little was killed": min(workers, databases) < LEAST_KILLS,
    }
    for what in (what for what, is_so in broken.items() if is_so):
        print(f"NOT KEPT: {what}")
    if not any(broken.values()):
        print("Every promise was kept.")
    return int(any(broken.values()))


if __name__ == "__main__":
    sys.exit(main())
