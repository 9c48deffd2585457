"""Do the work that is due."""

from __future__ import annotations

import signal
from typing import Any

from django.core.management.base import BaseCommand

from portal.work.worker import Worker, process_starts


class Command(BaseCommand):
    """Runs a worker. Any number of processes may run."""

    help = (
        "Do the work that is due: send messages, and carry on the jobs that admins start in the "
        "console. On SIGTERM or Ctrl-C, complete the current steps and exit. A killed worker loses "
        "nothing."
    )

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Run until a signal."""
        worker = Worker()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: worker.stop())
        process_starts.send(sender=None)
        worker.run()
