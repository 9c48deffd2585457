"""Kill workers and the database while people write: `make drill`.

People register, retire and revoke keys by the portal's own forms and fetch key sets, 10,000 times
in all, while workers of the image's own serve command and PostgreSQL are killed by SIGKILL. What
was acknowledged must be there in the end; what was revoked or retired must be gone from every
answer that is asked for later than the bound after its acknowledgement; and a key set is never
answered with an error but 503. Prints what happened, and ends with 1 when a promise was not kept,
or when so little was killed or done that nothing was tried.

`OPERATIONS=2000` before the command makes it shorter: people go on until that much is done and
workers and database were killed three times each. They work for eight minutes at most, and all of
it ends within eleven: after ten it is given up, as a failure.
"""

from __future__ import annotations

import os
import signal
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tests.chaos.database import Database  # noqa: E402
from tests.ops.serving import Serving, serve  # noqa: E402

if TYPE_CHECKING:
    from tests.chaos.mixed import Drill

OPERATIONS = int(os.environ.get("OPERATIONS", "10000"))
LIMIT_S = 600
SETTINGS = {
    # The drill is about other promises, and its people are quicker than people.
    "KEY_UPLOAD_RATE": "100000/1h/user",
    "WRITE_RATE": "100000/1h/user",
    "GRANIAN_WORKERS": "2",
    "GRANIAN_BLOCKING_THREADS": "512",
}


def figures(drill: Drill) -> None:
    """Print what happened."""
    ledger = drill.ledger
    for operation, times in sorted(ledger.took.items()):
        times.sort()
        shares = {"p50": 0.5, "p99": 0.99}
        took = ", ".join(
            f"{n} {times[int(len(times) * s)] * 1000:.0f} ms" for n, s in shares.items()
        )
        print(f"{operation:13} {len(times):6} done, {took}, max {times[-1] * 1000:.0f} ms")
    print(
        f"{ledger.total} operations in {drill.seconds:.0f} s; {drill.worker_kills} times a worker "
        f"was killed, {drill.database_kills} times the database"
    )
    print("not acknowledged:")
    for outcome, times_seen in sorted(ledger.failed.items()):
        print(f"  {outcome}: {times_seen}")
    answers = ", ".join(f"{outcome}: {n}" for outcome, n in sorted(ledger.answers.items()))
    print(f"requests for key sets, by outcome: {answers}")
    waits = ", ".join(f"{each:.2f}" for each in drill.recoveries)
    print(f"seconds from the database's return to all sets, each time: {waits}")
    late = max(ledger.late, default=0.0) * 1000
    print(
        f"{len(ledger.late)} answers, asked for after the acknowledgement of an end, held the key; "
        f"the last {late:.0f} ms after it; the bound is {ledger.bound_s * 1000:.0f} ms"
    )


class TooLong(Exception):  # noqa: N818 - it says what it was
    """The drill has not come to its end."""


def give_up(*_: object) -> None:
    """End the drill where it stands; what it started ends with it."""
    raise TooLong


def main() -> int:
    """Run the drill; return 1 when a promise was not kept."""
    signal.signal(signal.SIGALRM, give_up)
    signal.alarm(LIMIT_S)
    try:
        drill = run()
    except TooLong:
        print(f"NOT KEPT: the drill has not ended in {LIMIT_S} s")
        return 1
    figures(drill)
    for violation in drill.ledger.violations[:20]:
        print(f"NOT KEPT: {violation}")
    kept = not drill.ledger.violations
    print("Every promise was kept." if kept else f"{len(drill.ledger.violations)} were not kept.")
    return 0 if kept else 1


def run() -> Drill:
    """Run the drill to its end, and return what happened."""
    # A socket's path may have 107 bytes: a short folder, whatever TMPDIR says.
    with tempfile.TemporaryDirectory(prefix="drill-", dir="/tmp") as folder:
        scratch = Path(folder)
        database = Database(scratch)
        try:
            with serve(database.url, scratch, **SETTINGS) as serving:
                drill = prepare(database, serving)
                drill.run()
                drill.settle()
        finally:
            # What is being put away is not given up.
            signal.alarm(0)
            database.stop()
    return drill


def prepare(database: Database, serving: Serving) -> Drill:
    """Return the drill on this database, which Django is told of now."""
    os.environ.update(serving.environment)
    import django  # noqa: PLC0415 - there was no database before

    django.setup()
    from tests.chaos.mixed import BOUND_S, Drill  # noqa: PLC0415

    return Drill(database, serving.port, serving.workers, operations=OPERATIONS, bound_s=BOUND_S)


if __name__ == "__main__":
    sys.exit(main())
