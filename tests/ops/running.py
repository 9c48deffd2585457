"""Real processes of the portal that the tests start, talk to and end."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from tests.processes import end
from tests.waiting import PATIENCE_S, wait_until


def status(url: str, **headers: str) -> int:
    """Return the status of the answer to GET, 0 while there is no answer; redirects are answers."""

    class Stay(urllib.request.HTTPRedirectHandler):
        def redirect_request(self, *_: object) -> None:
            return None

    named = {name.replace("_", "-"): value for name, value in headers.items()}
    request = urllib.request.Request(url, headers=named)  # noqa: S310 - our own server
    try:
        with urllib.request.build_opener(Stay).open(request, timeout=PATIENCE_S) as response:
            found: int = response.status
            return found
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0


def _take_interrupts() -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def _is_healthy(port: int) -> bool:
    return status(f"http://127.0.0.1:{port}/healthz") == 200


@contextlib.contextmanager
def server(
    command: Sequence[str | Path],
    *,
    port: int,
    environment: Mapping[str, str],
    cwd: Path,
    log: Path,
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a command that serves on the port; the block begins when it answers /healthz."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            env=environment,
            cwd=cwd,
            stdout=output,
            stderr=subprocess.STDOUT,
            # As in a terminal, where Ctrl-C reaches all processes of a group together; a shell lets
            # what runs in the background ignore it.
            start_new_session=True,
            preexec_fn=_take_interrupts,  # noqa: PLW1509 - it only asks the kernel
        )
    try:
        wait_until(
            lambda: process.poll() is not None or _is_healthy(port), "Nobody answers on the port."
        )
        assert process.poll() is None, log.read_text("utf-8")
        yield process
    finally:
        try:
            end(process)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
