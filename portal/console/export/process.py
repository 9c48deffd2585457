"""Run an export in its own process, so that it does not slow down the key sets.

The process is a command such as `export_events`. It ends when its output is closed.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from io import BufferedReader
from typing import Final, cast
from weakref import WeakSet

from django.conf import settings

from portal.console.export.formats import Format

AT_ONCE: Final = 2
"""How many exports of one worker may run concurrently: each takes 70 MB and a connection."""

_PIECE: Final = 65536
_running: Final[WeakSet[subprocess.Popen[bytes]]] = WeakSet()


def limit_reached() -> bool:
    """Return whether the maximum number of exports is running."""
    return sum(child.poll() is None for child in list(_running)) >= AT_ONCE


def run_export(table: str, form: Format, query: str) -> Iterator[bytes]:
    """Yield the rows of a filter in chunks of whole lines; `query` is the query string of the page.

    The process starts when the first chunk is requested. If it fails, the last line says so: the
    server would end the response normally, even after an exception.
    """
    program = [sys.executable, str(settings.BASE_DIR / "manage.py"), f"export_{table}"]
    command = [*program, f"--format={form.extension}", f"--filter={query}"]
    with subprocess.Popen(  # noqa: S603 - no shell, and what is given is in one word
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE
    ) as child:
        _running.add(child)
        output = cast("BufferedReader", child.stdout)
        try:
            # A process that fails may leave half a line, even half a character.
            rest = b""
            while piece := output.read1(_PIECE):
                lines, newline, after = (rest + piece).rpartition(b"\n")
                if newline:
                    yield lines + newline
                rest = after
            if child.wait():
                yield form.broke_off
        finally:
            child.kill()
