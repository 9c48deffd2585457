"""Do the work that is due."""

from __future__ import annotations

import signal
from threading import Thread
from typing import Any

from django.core.management.base import BaseCommand

from portal.work.tasks import KINDS
from portal.work.worker import Worker, process_starts


class Command(BaseCommand):
    """Runs one worker in each thread that the kinds have. Any number of processes may run."""

    help = (
        "Do the work that is due: send messages, and carry on the jobs that admins start in the "
        "console. On SIGTERM or Ctrl-C, complete the current steps and exit. A killed worker loses "
        "nothing."
    )

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Run until a signal."""
        # A mail server that hangs must not delay jobs.
        workers = [
            Worker(kinds=[kind.name]) for kind in KINDS.values() for _ in range(kind.threads)
        ]
        threads = [Thread(target=worker.run, name="worker") for worker in workers]

        def stop(*_: object) -> None:
            for worker in workers:
                worker.stop()

        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, stop)
        process_starts.send(sender=None)
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
