"""Do the work that is due."""

from __future__ import annotations

import signal
from typing import Any

from django.core.management.base import BaseCommand

from portal.work.worker import Worker


class Command(BaseCommand):
    """Runs a worker. Any number of them may run at once."""

    help = (
        "Do the work that is due, such as the jobs that admins start in the console, until SIGTERM "
        "or Ctrl-C. Then complete the current step and exit. A killed worker loses nothing."
    )

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Run until a signal."""
        worker = Worker()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: worker.stop())
        self.stdout.write("The worker is ready.")
        self.stdout.flush()
        worker.run()
