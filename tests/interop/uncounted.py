"""The portal as WSGI without the lines that count on its fast paths: what a bench compares with."""

from __future__ import annotations

import re
import sys
from importlib import import_module
from importlib.util import find_spec, module_from_spec
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Final

import django

if TYPE_CHECKING:
    from portal.publishing.cached_jwks import Application

COUNTING: Final = re.compile(
    r"^ +(?:HITS\w*\.add|self\._count|REQUESTS\.labels|_SECONDS\[).*\n", re.MULTILINE
)


def uncounted(name: str, lines: int) -> ModuleType:
    """Return a module without its lines that count, of which it has so many."""
    spec = find_spec(name)
    assert spec
    assert spec.origin
    source, found = COUNTING.subn("", Path(spec.origin).read_text("utf-8"))
    assert found == lines, (name, found)
    module = module_from_spec(spec)
    exec(compile(source, spec.origin, "exec"), module.__dict__)  # noqa: S102 - our own source
    return module


def new_application() -> Application:
    """Return the portal without them. Call it before anything has imported these modules."""

    def replace(name: str, lines: int) -> None:
        assert name not in sys.modules
        sys.modules[name] = uncounted(name, lines)

    replace("portal.registry.batching", 1)
    django.setup()
    replace("portal.publishing.cached_jwks", 3)
    replace("portal.oauth.fast_tokens", 1)
    application: Application = import_module("portal.wsgi").application
    return application


def __getattr__(name: str) -> Application:
    """Return the application when a server asks for it, and not when a bench imports this."""
    if name != "application":
        raise AttributeError(name)
    return new_application()
