"""The static files as production serves them, collected once for all tests of a process."""

from __future__ import annotations

import atexit
import os
import shutil
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

from tests.ops.production import PRODUCTION, ROOT


@cache
def static_root() -> Path:
    """Return the folder, for STATIC_ROOT."""
    folder = Path(tempfile.mkdtemp(prefix="static-"))
    atexit.register(shutil.rmtree, folder)
    subprocess.run(
        [sys.executable, "manage.py", "collectstatic", "--no-input", "--verbosity", "0"],
        cwd=ROOT,
        env={**PRODUCTION, "PATH": os.environ["PATH"], "STATIC_ROOT": str(folder)},
        check=True,
    )
    return folder
