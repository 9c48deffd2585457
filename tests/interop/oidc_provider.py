"""panva's oidc-provider: somebody else's authorization server, which reads keys from the portal."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from tests.postgres import die_with_parent
from tests.processes import close


class OidcProvider:
    """The server, running as a child process."""

    def __init__(self, *clients: dict[str, Any], prefix: tuple[str, ...] = ()) -> None:
        """Start it with the metadata of its clients; a prefix is the command that runs Node."""
        node = Path(sys.executable).with_name("node")
        self._process = subprocess.Popen(
            [*prefix, node, "oidc_provider.mjs", json.dumps(clients)],
            cwd=Path(__file__).parent,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            preexec_fn=die_with_parent,  # noqa: PLW1509 - it only asks the kernel
        )
        self._ahead = 0
        self.issuer = self._answer()

    @property
    def pid(self) -> int:
        """Its process."""
        return self._process.pid

    @property
    def token_endpoint(self) -> str:
        """The URL that token requests go to."""
        return f"{self.issuer}/token"

    def now(self) -> float:
        """Return the time by its clock, in POSIX seconds."""
        return time.time() + self._ahead

    def advance(self, seconds: int) -> None:
        """Put its clock ahead."""
        assert self._process.stdin
        self._process.stdin.write(f"{seconds}\n")
        self._process.stdin.flush()
        self._ahead = int(self._answer())

    def close(self) -> None:
        """Let it end."""
        close(self._process)

    def _answer(self) -> str:
        assert self._process.stdout
        return self._process.stdout.readline().rstrip()
