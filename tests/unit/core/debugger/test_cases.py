"""The assertion is found in whatever people paste, and what is wrong with the request is named."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from portal.core.debugger import Diagnosis, RequestExpectation, diagnose, read_paste
from portal.core.reasons import Refused
from tests.cases.read_pastes import PASTES, PasteCase
from tests.unit.core.assertions import CLIENT, ENDPOINT, EXPECTED, ISSUER, NOW, sign
from tests.unit.core.support import public_pem

REQUEST = RequestExpectation(
    token_endpoint=ENDPOINT,
    other_endpoints=(f"{ISSUER}/api/oauth2/introspect", f"{ISSUER}/api/oauth2/revoke"),
    grant_types=("client_credentials",),
    scopes=("read",),
)
PAST: dict[str, Any] = {"iat": NOW - 3600, "exp": NOW - 3540}
ASSERTIONS: dict[str, Callable[[], str]] = {
    "good": sign,
    "slash": lambda: sign(aud=f"{ISSUER}/"),
    "slash and long": lambda: sign(aud=f"{ISSUER}/", exp=NOW + 900),
    "other host": lambda: sign(aud="https://keys.example.org"),
    "expired": lambda: sign(**PAST),
    "expired and slash": lambda: sign(aud=f"{ISSUER}/", **PAST),
    "expired and long": lambda: sign(iat=NOW - 3600, exp=NOW - 60),
    "expired without iat, and slash": lambda: sign(
        aud=f"{ISSUER}/", exp=NOW - 3600, without=("iat",)
    ),
}


def values(assertion: str) -> dict[str, str]:
    header, claims, signature = assertion.split(".")
    return {
        "assertion": assertion,
        "assertion wrapped": "\n".join(
            assertion[at : at + 64] for at in range(0, len(assertion), 64)
        ),
        "assertion start": assertion[:150],
        "other assertion": sign(jti="two"),
        "access token": sign(sub="a user", iss="https://as.example.com"),
        "other access token": sign(sub="a user", iss="https://other.example.com"),
        "header": header,
        "header and claims": f"{header}.{claims}",
        "tail": signature[-8:],
        "token_endpoint": ENDPOINT,
        "client_id": CLIENT,
        "public key": public_pem("RSA").decode(),
    }


def everything(diagnosis: Diagnosis) -> str:
    """Return all texts of the failed checks."""
    parts = []
    for each in diagnosis.failed:
        parts += [each.title, each.seen, each.expected, each.fix, each.note]
        parts += each.difference.sentences if each.difference else ()
    return "\n".join(parts)


@pytest.mark.parametrize("case", PASTES, ids=lambda case: case.file)
def test_what_is_wrong_with_a_paste(case: PasteCase) -> None:
    assertion = ASSERTIONS[case.of]()
    text = case.text(values(assertion))
    if case.refused:
        with pytest.raises(Refused) as caught:
            read_paste(text)
        assert caught.value.reason == case.refused
        said = str(caught.value)
    else:
        paste = read_paste(text)
        diagnosis = diagnose(paste, EXPECTED, REQUEST)
        assert [each.reason for each in diagnosis.failed] == list(case.failed)
        assert paste.assertion in {assertion, ".".join(assertion.split(".")[:2])}
        said = everything(diagnosis)
    assert not [each for each in case.says if each not in said]
