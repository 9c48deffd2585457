"""Which addresses a client may have people sent to, and what is said of all others."""

from __future__ import annotations

import pytest

from portal.registry.errors import UnfitInput
from portal.registry.redirect_uris import clean_redirect_uris, is_registered

GOOD = "https://app.example.com/callback"
NO_ADDRESS = "is not a URI such as https://app.example.com/callback."
CHARACTERS = "contains characters that a URI cannot contain. Percent-encode them."
FRAGMENT = "has a fragment (#). A redirect URI cannot have one."
ONLY_HOST = "can contain only a host and a port between // and the path."
HTTPS = "must start with https://. Only localhost can use http://."


@pytest.mark.parametrize(
    "uri",
    [
        GOOD,
        "https://app.example.com",
        "https://app.example.com:8443/callback?tenant=7&x=%20",
        "https://xn--caf-dma.example/",
        "https://192.0.2.7/callback",
        "http://localhost/callback",
        "http://localhost:8080",
        "http://127.0.0.1:49152/callback",
        "http://127.1.2.3/",
        "http://[::1]:8080/callback",
        "https://[2001:db8::1]/callback",
    ],
)
def test_these_are_kept_as_they_were_given(uri: str) -> None:
    assert clean_redirect_uris([f" {uri}\n"]) == [uri]


@pytest.mark.parametrize(
    ("uri", "sentence"),
    [
        ("", NO_ADDRESS),
        ("app.example.com/callback", NO_ADDRESS),
        ("/callback", NO_ADDRESS),
        ("//app.example.com/callback", NO_ADDRESS),
        ("https:/app.example.com", NO_ADDRESS),
        ("https:///callback", NO_ADDRESS),
        ("https://:443/callback", NO_ADDRESS),
        ("https://app.example.com:port/", NO_ADDRESS),
        ("https://app.example.com:99999/", NO_ADDRESS),
        ("https://[/", NO_ADDRESS),
        ("javascript:alert(1)", NO_ADDRESS),
        ("com.example.app:/callback", NO_ADDRESS),
        ("data://app.example.com/x", NO_ADDRESS),
        ("https://app.example.com/a b", CHARACTERS),
        ("https://app.example.com/\x00", CHARACTERS),
        ("https://app.example.com/a\nb", CHARACTERS),
        ("https://app.example.com/ä", CHARACTERS),
        ("https://app.example.com/\u202e", CHARACTERS),
        ("https://app.example.com/\ud800", CHARACTERS),
        ("https://app.example.com\\@evil.example/", CHARACTERS),
        ('https://app.example.com/"', CHARACTERS),
        ("https://app.example.com/#", FRAGMENT),
        ("https://app.example.com/callback#top", FRAGMENT),
        ("https://me@app.example.com/", ONLY_HOST),
        ("https://me:secret@app.example.com/", ONLY_HOST),
        ("https://@app.example.com/", ONLY_HOST),
        ("https://*.example.com/", ONLY_HOST),
        ("https://app.example.com;sandbox/", ONLY_HOST),
        ("https://app.example.com,evil.example/", ONLY_HOST),
        ("https://app.example.com:/", ONLY_HOST),
        ("https://%61pp.example.com/", ONLY_HOST),
        ("http://[2001:db8::1]/", HTTPS),
        ("http://[::ffff:192.0.2.7]/", HTTPS),
        ("http://app.example.com/callback", HTTPS),
        ("http://localhost.example.com/", HTTPS),
        ("http://128.0.0.1/", HTTPS),
        ("http://127.0.0.1.example.com/", HTTPS),
        ("http://2130706433/", HTTPS),
    ],
)
def test_these_are_refused_each_with_its_sentence(uri: str, sentence: str) -> None:
    with pytest.raises(UnfitInput) as refused:
        clean_redirect_uris([GOOD, uri])
    assert str(refused.value) == f"“{uri}” {sentence}"
    assert refused.value.field == "redirect_uris"


def test_the_same_address_twice_is_one() -> None:
    assert clean_redirect_uris([GOOD, f"{GOOD}/", GOOD]) == [GOOD, f"{GOOD}/"]


def test_there_are_at_most_twenty() -> None:
    twenty = [f"{GOOD}/{number}" for number in range(20)]
    assert clean_redirect_uris(twenty) == twenty
    with pytest.raises(UnfitInput, match=r"These are 21 redirect URIs\. Enter at most 20\."):
        clean_redirect_uris([*twenty, GOOD])


def test_none_has_more_than_500_characters() -> None:
    longest = GOOD.ljust(500, "x")
    assert clean_redirect_uris([longest]) == [longest]
    message = r"A redirect URI has 501 characters\. Use at most 500\."
    with pytest.raises(UnfitInput, match=message):
        clean_redirect_uris([f"{longest}x"])


@pytest.mark.parametrize(
    ("registered", "uri"),
    [
        ("http://127.0.0.1/callback", "http://127.0.0.1:51004/callback"),
        ("http://127.0.0.1:8080/callback", "http://127.0.0.1:51004/callback"),
        ("http://127.0.0.1:8080/callback", "http://127.0.0.1/callback"),
        ("http://[::1]/callback?a=b", "http://[::1]:51004/callback?a=b"),
        ("http://127.0.0.1", "http://127.0.0.1:51004"),
        ("http://localhost:8080/callback", "http://localhost:8080/callback"),
    ],
)
def test_the_port_of_a_loopback_address_is_free(registered: str, uri: str) -> None:
    assert is_registered(uri, [GOOD, registered])


@pytest.mark.parametrize(
    ("registered", "uri"),
    [
        ("http://127.0.0.1/callback", "http://127.0.0.1:51004/callback/"),
        ("http://127.0.0.1/callback", "http://127.0.0.1:51004/callback?a=b"),
        ("http://127.0.0.1/callback", "http://127.0.0.1:51004/callback#a"),
        ("http://127.0.0.1/callback", "http://127.0.0.1:65536/callback"),
        ("http://127.0.0.1/callback", "http://127.0.0.1:0/callback"),
        ("http://127.0.0.1/callback", "http://127.0.0.1:/callback"),
        ("http://127.0.0.1/callback", "http://127.0.0.1:51004@evil.example/callback"),
        ("http://127.0.0.1/callback", "http://127.0.0.1.evil.example/callback"),
        ("http://127.0.0.1/callback", "http://[::1]:51004/callback"),
        ("http://127.0.0.1/callback", "https://127.0.0.1:51004/callback"),
        ("http://127.0.0.1/callback", "http://127.0.0.1:\uff11/callback"),
        ("http://127.0.0.1/callback", "http://127.0.0.1:1/callback\n"),
        ("http://localhost/callback", "http://localhost:51004/callback"),
        ("https://app.example.com/callback", "https://app.example.com:51004/callback"),
    ],
)
def test_nothing_else_is_free(registered: str, uri: str) -> None:
    assert not is_registered(uri, [GOOD, registered])
