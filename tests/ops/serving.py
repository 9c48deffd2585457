"""The portal as the image serves it, with a database of its own."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.collected import static_root
from tests.migrated import migrate
from tests.ops.production import ROOT
from tests.ops.running import server
from tests.processes import children, free_port
from tests.shell import Shell


@dataclass(frozen=True)
class Serving:
    """Where the portal is, its environment, and the process that keeps its workers."""

    port: int
    environment: dict[str, str]
    pid: int
    log: Path
    shell: Shell

    def workers(self) -> list[int]:
        """Return the process ids of the workers."""
        return children(self.pid)

    def manage(self, *words: str) -> None:
        """Run a command of manage.py beside the portal."""
        self.shell.manage(*words, "--verbosity=0")

    def do(self, code: str) -> str:
        """Run Python beside the portal, with Django set up, and return what it prints."""
        return self.shell.do(code)


@contextmanager
def serve(database_url: str, scratch: Path, **settings: str) -> Iterator[Serving]:
    """Serve the portal until the block ends, from an empty database or one that is migrated."""
    port = free_port()
    environment = {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "DJANGO_SETTINGS_MODULE": "portal.settings",
        "DEMO": "true",
        "SECRET_KEY": "for-tests-only-" * 5,
        "PUBLIC_URL": f"http://127.0.0.1:{port}",
        "ALLOWED_HOSTS": "127.0.0.1",
        "DATABASE_URL": database_url,
        "STATIC_ROOT": str(static_root()),
        "LOG_LEVEL": "ERROR",
        "GRANIAN_HOST": "127.0.0.1",
        "GRANIAN_PORT": str(port),
        **settings,
    }
    migrate(environment)
    command, log = ["sh", str(ROOT / "deploy" / "entry")], scratch / "log"
    with (
        closing(Shell(environment)) as shell,
        server(command, port=port, environment=environment, cwd=ROOT, log=log) as process,
    ):
        yield Serving(port, environment, process.pid, log, shell)
