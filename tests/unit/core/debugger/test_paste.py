"""Out of whatever a developer pastes come the assertion, and what is wrong around it."""

from __future__ import annotations

import json
from contextlib import suppress
from urllib.parse import quote_plus, urlencode

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from portal.core.assertion import ASSERTION_TYPE
from portal.core.debugger import MAX_PASTE_BYTES, Paste, read_paste
from portal.core.reasons import Reason, Refused
from tests.unit.core.assertions import CLAIMS, assemble, part, sign
from tests.unit.core.public_key.test_properties import steady
from tests.unit.core.support import KINDS, certificate_pem, private_pem, public_pem

GOOD = sign()
FORM = {
    "grant_type": "client_credentials",
    "client_assertion_type": ASSERTION_TYPE,
    "client_assertion": GOOD,
}
BODY = urlencode(FORM)
NONE = "This request contains no assertion."
URL = "https://keys.example.com/api/oauth2/token"
HTTP = f"POST /api/oauth2/token HTTP/1.1\r\nHost: keys.example.com\r\n{{}}\r\n{BODY}"
FORM_TYPE = "Content-Type: application/x-www-form-urlencoded\r\n"
URLENCODE = " ".join(f"--data-urlencode '{name}={value}'" for name, value in FORM.items())


def reasons(paste: Paste) -> set[Reason]:
    return {problem.reason for problem in paste.problems}


@pytest.mark.parametrize(
    "text",
    [
        GOOD,
        f"\n  {GOOD}\r\n",
        f"\ufeff{GOOD}",
        BODY,
        BODY.replace("&", "&\n"),
        f"client_assertion={GOOD}&client_assertion_type={quote_plus(ASSERTION_TYPE)}",
        f"curl {URL} -d '{BODY}'",
        f'$ curl -X POST {URL} --data "{BODY}"',
        f"curl {URL} -d'{BODY}'",
        f"curl {URL} \\\n  " + " \\\n  ".join(f"-d {n}={quote_plus(v)}" for n, v in FORM.items()),
        f'curl {URL} ^\r\n  --data-raw "{BODY}"',
        f'curl {URL} `\n  --data-binary "{BODY}"',
        f"curl {URL} --data-raw $'{BODY}'",
        f"curl {URL} {URLENCODE}",
        f"curl {URL} -d '{BODY}",
        HTTP.format(FORM_TYPE),
        HTTP.format("").replace("\r\n", "\n"),
    ],
)
def test_assertion_is_found(text: str) -> None:
    paste = read_paste(text)
    assert paste.assertion == GOOD
    assert paste.problems == ()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (f"Bearer {GOOD}", Reason.ASSERTION_BEARER_PREFIX),
        (f'"{GOOD}"', Reason.ASSERTION_QUOTED),
        (f"'{GOOD}'", Reason.ASSERTION_QUOTED),
        (GOOD[:64] + "\n" + GOOD[64:], Reason.ASSERTION_WHITE_SPACE),
        (BODY.replace(GOOD, GOOD[:64] + "%0A" + GOOD[64:]), Reason.ASSERTION_WHITE_SPACE),
        (BODY.replace(GOOD, "Bearer+" + GOOD), Reason.ASSERTION_BEARER_PREFIX),
        (BODY.replace(GOOD, f"%22{GOOD}%22"), Reason.ASSERTION_QUOTED),
        (json.dumps(FORM), Reason.JSON_BODY),
        (f"curl {URL} --json '{json.dumps(FORM)}'", Reason.JSON_BODY),
        (f"curl {URL} -d '{json.dumps(FORM)}'", Reason.JSON_BODY),
        (f"curl {URL} -H 'Content-Type: application/json' -d '{BODY}'", Reason.JSON_BODY),
        (HTTP.format("content-type: application/json\r\n"), Reason.JSON_BODY),
        (f"curl {URL} {URLENCODE.replace('--data-urlencode', '-F')}", Reason.MULTIPART_BODY),
        (f"curl {URL} -u id:secret -d '{BODY}'", Reason.SEVERAL_AUTH_METHODS),
        (f"curl {URL} --user=id:secret -d '{BODY}'", Reason.SEVERAL_AUTH_METHODS),
        (f"curl {URL} -H 'Authorization: Basic eDp5' -d '{BODY}'", Reason.SEVERAL_AUTH_METHODS),
        (f"curl {URL} --oauth2-bearer x -d '{BODY}'", Reason.SEVERAL_AUTH_METHODS),
        (f"{BODY}&client_secret=hunter2", Reason.SEVERAL_AUTH_METHODS),
        (HTTP.format("Authorization: Bearer x\r\n"), Reason.SEVERAL_AUTH_METHODS),
        (f"{BODY}&client_assertion={GOOD}", Reason.PARAMETER_REPEATED),
        (BODY.replace("jwt-bearer", "saml2-bearer"), Reason.ASSERTION_TYPE_WRONG),
        (f"grant_type=client_credentials&client_assertion={GOOD}", Reason.ASSERTION_TYPE_WRONG),
        (f"curl {URL} -H 'Authorization: Bearer {GOOD}' -d a=b", Reason.ASSERTION_MISSING),
        (f"curl {URL} -d 'grant_type=x&token={GOOD}'", Reason.ASSERTION_MISSING),
    ],
)  # fmt: skip
def test_problem_around_the_assertion_is_named(text: str, reason: Reason) -> None:
    paste = read_paste(text)
    assert paste.assertion == GOOD
    assert reasons(paste) == {reason}
    assert all(problem.title and problem.fix for problem in paste.problems)


@pytest.mark.parametrize(
    ("text", "reason", "found"),
    [
        ("", Reason.ASSERTION_EMPTY, "The field is empty."),
        (" \n", Reason.ASSERTION_EMPTY, "The field is empty."),
        (certificate_pem("P-256").decode(), Reason.PASTED_CERTIFICATE, "This is a certificate."),
        (public_pem("RSA").decode(), Reason.PASTED_PUBLIC_KEY, "This is a public key."),
        ('{"kty":"EC","x":"a"}', Reason.PASTED_PUBLIC_KEY, "This is a public key."),
        ("ssh-ed25519 AAAA me@host", Reason.PASTED_PUBLIC_KEY, "This is a public key."),
        ("hunter2", Reason.PASTED_NO_ASSERTION, "This text contains no assertion."),
        ("grant_type=x&code=y", Reason.PASTED_NO_ASSERTION, NONE),
        (f"curl {URL}", Reason.PASTED_NO_ASSERTION, NONE),
        (
            f'curl {URL} -d "client_assertion=$JWT"',
            Reason.PASTED_NO_ASSERTION,
            "This request contains a variable or a file instead of the assertion.",
        ),
        ("a" * (MAX_PASTE_BYTES + 1), Reason.TOO_LARGE, "This is more than 64 KiB."),
        ("é" * MAX_PASTE_BYTES, Reason.TOO_LARGE, "This is more than 64 KiB."),
    ],
)  # fmt: skip
def test_other_thing_is_named(text: str, reason: Reason, found: str) -> None:
    with pytest.raises(Refused) as caught:
        read_paste(text)
    assert caught.value.reason is reason
    assert caught.value.found == found
    assert caught.value.needed


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("around", ["{}", "curl -d '{}'", BODY + "&key={}"])
def test_private_key_is_found_before_anything_else(kind: str, around: str) -> None:
    pem = private_pem(kind).decode()
    with pytest.raises(Refused) as caught:
        read_paste(around.format(pem))
    assert caught.value.reason is Reason.PRIVATE_KEY
    assert len(caught.value.leaked) == 1
    assert caught.value.__context__ is None
    assert pem[60:90] not in repr(caught.value.args)


def test_private_key_inside_the_assertion_is_found() -> None:
    """What is decoded is shown, so it is looked through as well."""
    jwk = {"kty": "OKP", "crv": "Ed25519", "x": "a" * 43, "d": "b" * 43}
    for text in (
        assemble({"jwk": jwk}, CLAIMS),
        assemble({}, {"key": private_pem("RSA").decode()}),
    ):
        with pytest.raises(Refused) as caught:
            read_paste(text)
        assert caught.value.reason is Reason.PRIVATE_KEY


def test_letters_that_an_assertion_cannot_have_are_left_for_the_checks_to_name() -> None:
    text = f"{GOOD[:50]}\u200b{GOOD[50:]}"
    assert read_paste(text).assertion == text


def test_json_form_is_left_for_the_checks_to_name() -> None:
    flattened = json.dumps({"payload": part(CLAIMS), "protected": "e30", "signature": "c2ln"})
    assert read_paste(flattened).assertion == flattened


@pytest.mark.parametrize(
    "text",
    [
        f"grant_type=a&assertion={GOOD}",
        f"grant_type=a&token%3D{GOOD}&b=c.d",
        f"POST /a HTTP/1.1\r\nHost: keys.example.com\r\n\r\ngrant_type=a.b.{GOOD}",
        f"curl {URL} -d grant_type=eyJ -H 'a: {GOOD}'",
    ],
)
def test_assertion_under_another_name_is_found(text: str) -> None:
    assert read_paste(text).assertion == GOOD


def test_curl_command_that_is_longer_than_a_shell_is_imitated_for_is_read_all_the_same() -> None:
    cookies = "-H 'Cookie: " + "a" * 30_000 + "'"
    assert read_paste(f"curl {URL} {cookies} -d '{BODY}'").assertion == GOOD


@steady
@given(
    st.text(max_size=300), st.sampled_from(["", "curl ", "POST / HTTP/1.1\n", "grant_type=", "{"])
)
@example("\ud800", "")
@example("\ud800", "curl -u ")
@example("a -u \ud800 -d client_assertion=a.b.c", "curl ")
def test_any_text(text: str, start: str) -> None:
    for each in (start + text, start + BODY + text):
        with suppress(Refused):
            assert isinstance(read_paste(each), Paste)
