"""The Chromium of the tests: a Debian package, found on PATH."""

from __future__ import annotations

import os
import shutil
from typing import Any


def launch_options() -> dict[str, Any]:
    """Return the arguments to launch Chromium: its path, and no sandbox when root runs it.

    The headless shell takes a third of the processor time of the whole browser.
    """
    names = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
    found = next(filter(None, map(shutil.which, names)), None)
    assert found, "Chromium is missing: apt-get install chromium-headless-shell"
    return {
        "executable_path": found,
        "args": ["--no-sandbox"] if os.geteuid() == 0 else [],
    }
