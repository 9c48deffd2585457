"""Names in messages: no mail program makes a link of them, and people can still read them."""

from __future__ import annotations

import re

import pytest
from django.utils.html import urlize

from portal.notices.quoting import address, quoted, unlinked

LINKS = [
    "https://evil.example",
    "http://evil.com/pay?x=1",
    "www.evil.com",
    "evil.com",
    "pay.evil.co.uk/now",
    "call@evil.com",
    "mailto:call@evil.com",
    "//evil.com",
    "ftp://evil.com",
    "javascript:alert(1)",
    "tel:+49123456",
    "https://1.2.3.4/",
    "evil\u3002com",
    "evil\uff0ecom",
    "https://evil\uff61com",
    r"\\evil\share",
    "<https://evil.com>",
    "h2://evil",
    "xn--80ak6aa92e.com",
]


@pytest.mark.parametrize("label", LINKS)
def test_label_is_no_link(label: str) -> None:
    written = quoted(label)
    assert written != f"“{label}”"
    assert "<a" not in urlize(written)
    assert not re.search(r"\w://", written)
    for sign in ("www.", ".com", ".example", "@e", "mailto:", "tel:", "t:a"):
        assert sign not in written


@pytest.mark.parametrize(
    "label",
    ["Payments 2.0", "EU: production", "Ärger & Co.", "10:30 batch", "a/b", "key #1 (new)", "…"],
)
def test_other_labels_stay_as_they_are(label: str) -> None:
    assert unlinked(label) == label


def test_reader_sees_what_was_there() -> None:
    assert quoted("https://evil.example/x") == "“https[://]evil[.]example/x”"


@pytest.mark.parametrize(
    ("email", "written"),
    [
        ("ann.smith+keys@example.co.uk", "ann.smith+keys@example.co.uk"),
        ('"https://evil.com"@example.com', '"https[://]evil[.]com"[@]example[.]com'),
    ],
)
def test_address_of_a_person_is_at_most_an_address(email: str, written: str) -> None:
    assert address(email) == written
