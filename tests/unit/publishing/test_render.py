"""What goes onto the wire, before any server or test client has mended it."""

from __future__ import annotations

import pytest

from portal.publishing.public_endpoint import NO_STORE, Document, render

DOCUMENT = Document(b"{}", "public, max-age=60")
TAG = dict(render(DOCUMENT, "GET").headers)["ETag"]


def test_head_has_no_body() -> None:
    assert render(DOCUMENT, "HEAD") == render(DOCUMENT, "GET")._replace(body=b"")


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_304_has_no_body_and_does_not_describe_one(method: str) -> None:
    """RFC 9110 §15.4.5: what the asker holds already is not described again."""
    answer = render(DOCUMENT, method, TAG)
    assert (answer.status, answer.body) == (304, b"")
    assert {name for name, _ in answer.headers} == {
        *("ETag", "Cache-Control", "X-Content-Type-Options"),
        *("Access-Control-Allow-Origin", "Access-Control-Expose-Headers"),
    }


@pytest.mark.parametrize(
    "document", [Document(b"{}", NO_STORE), Document(b"{}", "public, max-age=10", status=404)]
)
def test_what_is_not_to_be_kept_has_no_tag(document: Document) -> None:
    answer = render(document, "GET", "*")
    assert (answer.status, answer.body) == (document.status, document.body)
    assert "ETag" not in dict(answer.headers)
