"""What every page of the portal has in common, and what none of them may show."""

from __future__ import annotations

from html.parser import HTMLParser

from django.http.response import HttpResponseBase


class _Strict(HTMLParser):
    """Reads a page as a browser does and refuses what the CSP would."""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        assert tag not in {"style", "iframe", "object", "embed", "base"}
        assert tag != "script" or given.get("src")
        assert not [name for name in given if name == "style" or name.startswith("on")]
        for name in ("src", "href", "action", "formaction", "hx-get", "hx-post"):
            assert not given.get(name, "").startswith(("http:", "https:", "//", "javascript:"))


def text_of(response: HttpResponseBase) -> str:
    """Return the page as text; a space that must not break is a space."""
    content = getattr(response, "content", b"")
    assert isinstance(content, bytes)
    return content.decode().replace("\xa0", " ")


def check_page(response: HttpResponseBase) -> None:
    """Assert what holds on every page: a strict CSP, nothing inline, nothing from elsewhere."""
    policy = response.headers.get("Content-Security-Policy", "")
    assert "default-src 'none'" in policy
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert "no-store" in response.headers["Cache-Control"]
    _Strict().feed(text_of(response))
