"""What is wrong with the request around an assertion, and when an expired one is judged."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from portal.core.assertion import ASSERTION_TYPE
from portal.core.debugger import CheckOutcome, Diagnosis, diagnose, read_paste
from portal.core.reasons import Reason, Refused
from tests.unit.core.assertions import CLIENT, ENDPOINT, EXPECTED, ISSUER, NOW, sign
from tests.unit.core.debugger.test_cases import PAST, REQUEST
from tests.unit.core.public_key.test_properties import steady

FORM = {"grant_type": "client_credentials", "client_assertion_type": ASSERTION_TYPE}


def diagnosis(text: str, **changes: Any) -> Diagnosis:
    return diagnose(read_paste(text), replace(EXPECTED, **changes), REQUEST)


def body(**changes: str) -> str:
    return urlencode(FORM | {"client_assertion": sign()} | changes)


def http(target: str, host: str = "keys.example.com", method: str = "POST") -> str:
    form = "Content-Type: application/x-www-form-urlencoded"
    return f"{method} {target} HTTP/1.1\r\nHost: {host}\r\n{form}\r\n\r\n{body()}"


@pytest.mark.parametrize(
    ("text", "reasons"),
    [
        (http("/api/oauth2/token"), []),
        (http("/api/oauth2/token", "KEYS.example.com:443"), []),
        (http("/api/oauth2/token", method="GET"), [Reason.REQUEST_METHOD]),
        (http("/token"), [Reason.REQUEST_URL]),
        (http("/api/oauth2/token", "keys.example.com:8443"), [Reason.REQUEST_URL]),
        (http("/api/oauth2/token?a=b"), [Reason.REQUEST_QUERY]),
        (http("//[/token"), [Reason.REQUEST_URL]),
        (f"curl {ENDPOINT} -H 'Content-Type: text/xml' -d '{body()}'",
         [Reason.REQUEST_CONTENT_TYPE]),
        (f"curl keys.example.com/api/oauth2/token -d '{body()}'", []),
        (body(grant_type="password"), [Reason.GRANT_TYPE_UNKNOWN]),
        (body(grant_type=""), [Reason.PARAMETER_MISSING]),
        (body(grant_type="refresh_token", refresh_token="a"), [Reason.GRANT_TYPE_NOT_ALLOWED]),
        (body(scope="read write"), [Reason.SCOPE_NOT_ALLOWED]),
        (body(scope="read", client_id=CLIENT), []),
        (body(client_id="other"), [Reason.CLIENT_ID_MISMATCH]),
        (body(grant_type="", token="a"), []),
    ],
)  # fmt: skip
def test_problem_of_a_request(text: str, reasons: list[Reason]) -> None:
    assert [each.reason for each in diagnosis(text).failed] == reasons


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (f"{sign()} {sign(jti='two')}", Reason.PASTED_SEVERAL),
        (f"token={sign()[:40]}…", Reason.PASTED_SHORTENED),
    ],
)
def test_text_without_one_assertion(text: str, reason: Reason) -> None:
    with pytest.raises(Refused) as caught:
        read_paste(text)
    assert caught.value.reason is reason


def test_request_that_fails_does_not_pass_every_check() -> None:
    found = diagnosis(http("/token"))
    assert found.examination.verified
    assert found.refusal is not None
    assert found.refusal.expected == ENDPOINT
    assert "Request" not in [each.title for each in found.passed]


def test_sound_request_is_among_the_checks_that_passed() -> None:
    assert diagnosis(http("/api/oauth2/token")).passed[0].seen == (
        "An HTTP request POST //keys.example.com/api/oauth2/token"
    )


def test_expired_assertion_is_judged_as_of_its_iat() -> None:
    found = diagnosis(sign(**PAST))
    assert found.is_only_expired
    assert found.as_of == NOW - 3600
    assert [each.title for each in found.failed] == ["Expired since"]
    assert len(found.passed) == 19
    assert not found.skipped


def test_failed_checks_come_first_and_the_expiry_last_of_them() -> None:
    found = diagnosis(sign(aud=f"{ISSUER}/", nbf=NOW - 3000, **PAST))
    assert [each.reason for each in found.failed] == [
        Reason.AUD_MISMATCH, Reason.NBF_AHEAD, Reason.EXPIRED,
    ]  # fmt: skip
    outcomes = [each.outcome for each in found.checks]
    assert outcomes[:3] == [CheckOutcome.FAIL] * 3
    assert CheckOutcome.FAIL not in outcomes[3:]


@pytest.mark.parametrize(
    "claims",
    [
        {"iat": NOW - 10, "exp": NOW - 20},
        {"iat": NOW + 60, "exp": NOW - 20},
        {"iat": str(NOW), "exp": NOW - 20},
        {"iat": True, "exp": NOW - 20},
    ],
)
def test_assertion_that_was_never_fresh_is_judged_as_of_now(claims: dict[str, Any]) -> None:
    found = diagnosis(sign(**claims))
    assert found.as_of is None
    assert Reason.EXPIRED in [each.reason for each in found.failed]


def test_lifetime_that_is_too_long_is_named_of_an_expired_assertion() -> None:
    found = diagnosis(sign(iat=NOW - 3600, exp=NOW - 60))
    assert [each.reason for each in found.failed] == [Reason.LIFETIME_TOO_LONG, Reason.EXPIRED]


pieces = st.lists(
    st.sampled_from(
        ["client_assertion", "grant_type", "=", ": ", "&", "\"", "'", "\n", "curl ", "fetch(", "{",
         "}", "https://", "keys.example.com", "/api/oauth2/token", "[", "]", "?", "#", "%3D", "@",
         "POST ", " HTTP/1.1\n", "-d ", "Host: ", "eyJ", ".", "...", sign(), "\\", "\u0130", "\0",
         "client_credentials", "scope", "$x", "url: ", ":99999", "\ud800"]
    ),
    max_size=12,
).map("".join)  # fmt: skip


@steady
@given(pieces)
@example(f"curl https://[ -d client_assertion={sign()}")
@example(f"POST //[x/token HTTP/1.1\nHost: [\n\ngrant_type=a&client_assertion={sign()}")
def test_any_request_can_be_examined(text: str) -> None:
    with suppress(Refused):
        found = diagnosis(text)
        for each in found.checks:
            assert f"{each.seen}{each.expected}{each.note}".isprintable()
