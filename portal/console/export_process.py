"""An export in a process of its own, so that the key sets keep the interpreter to themselves.

The process is the command `export_events`. It ends when nobody reads its output any more.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from io import BufferedReader
from typing import Final, cast
from weakref import WeakSet

from django.conf import settings

from portal.console.export import Format

AT_ONCE: Final = 2
"""How many exports of one worker may run at a time: each takes 70 MB and a connection."""

_PIECE: Final = 65536
_running: Final[WeakSet[subprocess.Popen[bytes]]] = WeakSet()


def limit_reached() -> bool:
    """Return whether as many exports run as may."""
    return sum(child.poll() is None for child in list(_running)) >= AT_ONCE


def run_export(form: Format, query: str) -> Iterator[bytes]:
    """Yield the events that a filter leaves, given as the query of its page, in pieces.

    Nothing is begun before the first piece is asked for. The last line says so when it failed: the
    server would end an answer well, whatever is raised in the middle of it.
    """
    program = [sys.executable, str(settings.BASE_DIR / "manage.py"), "export_events"]
    command = [*program, f"--format={form.extension}", f"--filter={query}"]
    with subprocess.Popen(  # noqa: S603 - no shell, and what is given is in one word
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE
    ) as child:
        _running.add(child)
        output = cast("BufferedReader", child.stdout)
        try:
            while piece := output.read1(_PIECE):
                yield piece
            if child.wait():
                yield form.broke_off
        finally:
            child.kill()
