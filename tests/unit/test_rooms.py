"""What the packages below the pages may not import, and import-linter cannot see."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

PORTAL = Path(__file__).parents[2] / "portal"
BELOW_THE_PAGES = [
    path
    for room in ("core", "accounts/models.py", "registry")
    for path in sorted((PORTAL / room).rglob("*.py") or [PORTAL / room])
    if "migrations" not in path.parts
]


@pytest.mark.parametrize("path", BELOW_THE_PAGES, ids=lambda path: str(path.relative_to(PORTAL)))
def test_core_and_registry_know_no_pages(path: Path) -> None:
    """They take an address as an argument, or return what the caller needs to make one."""
    nodes = list(ast.walk(ast.parse(path.read_text("utf-8"))))
    imported = {node.module for node in nodes if isinstance(node, ast.ImportFrom)}
    imported |= {name.name for node in nodes if isinstance(node, ast.Import) for name in node.names}
    defined = {node.name for node in nodes if isinstance(node, ast.FunctionDef)}
    assert not {"django.urls", "django.shortcuts"} & imported
    assert "get_absolute_url" not in defined
