"""A worker in a process of its own, with the database of a test."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from tests.interop.served import database_url
from tests.ops.production import ROOT


@contextmanager
def real_worker(**settings: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run `manage.py work` until the block ends, with these further variables."""
    settings |= {"DATABASE_URL": database_url(), "DJANGO_SETTINGS_MODULE": "tests.settings"}
    command = [sys.executable, "manage.py", "work"]
    process = subprocess.Popen(command, cwd=ROOT, env=os.environ | settings, stdout=subprocess.PIPE)
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        assert process.stdout
        process.stdout.close()
