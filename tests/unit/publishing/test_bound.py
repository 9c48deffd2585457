"""How soon a change shows is said in one place, for pages and documents."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pytest_django import Settings

from portal.publishing.bound import bound_seconds, bound_text

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize(
    ("proxies", "text"), [(0, "within 2 seconds"), (1, "within 5 seconds, usually within 2")]
)
def test_bound_is_what_the_settings_make_it(proxies: int, text: str, settings: Settings) -> None:
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = proxies
    assert bound_text() == text


def test_no_page_names_a_bound_of_its_own() -> None:
    named = re.compile(r"JWKS[^.]*\b(at once|immediately|\w+ seconds)\b")
    texts = {path: path.read_text("utf-8") for path in (ROOT / "templates").rglob("*.html")}
    assert [str(path) for path, text in texts.items() if named.search(text)] == []


@pytest.mark.parametrize("name", ["operations", "verifiers"])
def test_documents_name_the_bound_behind_nginx(name: str, settings: Settings) -> None:
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = 1
    text = " ".join((ROOT / "docs" / f"{name}.md").read_text("utf-8").split())
    assert f"within {bound_seconds()} seconds" in text
