"""The portal as WSGI without the lines that count on its fast paths: what a bench compares with."""

from __future__ import annotations

import re
import sys
from importlib.util import find_spec, module_from_spec
from pathlib import Path
from typing import Final

import django

COUNTING: Final = re.compile(
    r"^ +(?:HITS\w*\.add|self\._count|REQUESTS\.labels|_SECONDS\[).*\n", re.MULTILINE
)


def load(name: str, lines: int) -> None:
    """Import a module without its lines that count, of which it has so many."""
    spec = find_spec(name)
    assert spec
    assert spec.origin
    assert name not in sys.modules
    source, found = COUNTING.subn("", Path(spec.origin).read_text("utf-8"))
    assert found == lines, (name, found)
    module = sys.modules[name] = module_from_spec(spec)
    exec(compile(source, spec.origin, "exec"), module.__dict__)  # noqa: S102 - our own source


load("portal.registry.batching", 1)
django.setup()
load("portal.publishing.cached_jwks", 3)
load("portal.oauth.fast_tokens", 1)

# isort: split
from portal.wsgi import application  # noqa: E402

__all__ = ["application"]
