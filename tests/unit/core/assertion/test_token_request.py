"""Which client assertion a token request holds, and which requests hold none that counts."""

from __future__ import annotations

import pytest

from portal.core.assertion import ASSERTION_TYPE, UNREADABLE, ClientAssertion, client_assertion_of
from portal.core.reasons import Reason, Refused

GOOD = {"client_assertion": ["a.b.c"], "client_assertion_type": [ASSERTION_TYPE]}
GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"


def refusal_of(parameters: dict[str, list[str]], authorization: str = "") -> Refused:
    with pytest.raises(Refused) as caught:
        client_assertion_of(parameters, authorization=authorization)
    return caught.value


def test_assertion_is_found_beside_a_client_id_or_without() -> None:
    assert client_assertion_of(GOOD) == ClientAssertion("a.b.c", None)
    assert client_assertion_of(GOOD | {"client_id": ["x"]}) == ClientAssertion("a.b.c", "x")


def test_resource_may_be_there_twice() -> None:
    """RFC 8707 §2."""
    assert client_assertion_of(GOOD | {"resource": ["a", "b"]}).assertion == "a.b.c"


def test_parameter_without_a_value_is_not_there() -> None:
    """RFC 6749 §3.2."""
    assert client_assertion_of(GOOD | {"client_id": [""], "client_secret": [""]}).client_id is None


@pytest.mark.parametrize("name", ["client_assertion", "client_id", "grant_type", "state"])
def test_parameter_that_is_there_twice_is_refused(name: str) -> None:
    refusal = refusal_of(GOOD | {name: ["a", "a"]})
    assert refusal.reason is Reason.PARAMETER_REPEATED
    assert refusal.found == f"The parameter {name}, 2 times."
    assert refusal.reason in UNREADABLE


@pytest.mark.parametrize(
    ("more", "authorization", "found"),
    [
        ({"client_secret": ["s"]}, "", "The request contains client_secret."),
        ({}, "Basic YTpi", "The request contains an Authorization header."),
        ({}, "Bearer a.b.c", "The request contains an Authorization header."),
        (
            {"client_secret": ["s"]},
            "Basic YTpi",
            "The request contains client_secret and an Authorization header.",
        ),
    ],
)
def test_two_ways_to_authenticate_are_refused(
    more: dict[str, list[str]], authorization: str, found: str
) -> None:
    refusal = refusal_of(GOOD | more, authorization)
    assert refusal.reason is Reason.SEVERAL_AUTH_METHODS
    assert refusal.found == found
    assert refusal.reason in UNREADABLE


@pytest.mark.parametrize(
    ("parameters", "authorization"),
    [({"client_secret": ["s"]}, ""), ({}, "Basic YTpi"), ({}, "basic x"), ({}, " Basic")],
)
def test_secret_alone_is_named_as_one(parameters: dict[str, list[str]], authorization: str) -> None:
    refusal = refusal_of(parameters, authorization)
    assert refusal.reason is Reason.CLIENT_SECRET
    assert refusal.reason not in UNREADABLE


def test_parameter_that_is_there_twice_with_one_value_is_there_once() -> None:
    assert client_assertion_of(GOOD | {"scope": ["", "read"], "client_id": ["x", ""]})


@pytest.mark.parametrize("parameters", [{}, {"client_assertion": [""]}, {"client_assertion": []}])
def test_no_assertion_is_refused(parameters: dict[str, list[str]]) -> None:
    refusal = refusal_of(parameters)
    assert refusal.reason is Reason.ASSERTION_MISSING
    assert refusal.reason not in UNREADABLE


@pytest.mark.parametrize(
    ("kind", "found"),
    [
        ([], "No client_assertion_type"),
        ([GRANT], GRANT),
        ([ASSERTION_TYPE.upper()], ASSERTION_TYPE.upper()),
        ([ASSERTION_TYPE + " "], ASSERTION_TYPE + " "),
    ],
)
def test_other_assertion_type_is_refused(kind: list[str], found: str) -> None:
    refusal = refusal_of(GOOD | {"client_assertion_type": kind})
    assert refusal.reason is Reason.ASSERTION_TYPE_WRONG
    assert refusal.found == found
    assert refusal.needed == ASSERTION_TYPE


def test_refusal_shows_neither_secret_nor_assertion() -> None:
    refusal = refusal_of(GOOD | {"client_secret": ["hunter2"]}, "Basic c2VjcmV0")
    assert not {"hunter2", "c2VjcmV0", "a.b.c"} & set(str(refusal.args).split())
    assert "hunter2" not in str(refusal.args)
