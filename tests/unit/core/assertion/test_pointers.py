"""Whom a refused request points to, whatever else is wrong with it."""

from __future__ import annotations

from base64 import b64encode

import pytest

from portal.core.assertion import Pointers, pointers_in
from tests.unit.core.assertions import CLIENT, assemble, sign

KID = "k" * 43
ASSERTION = sign(header={"kid": KID})


def basic(credentials: str) -> str:
    return f"Basic {b64encode(credentials.encode()).decode()}"


@pytest.mark.parametrize(
    "assertion",
    [
        ASSERTION,
        f" {ASSERTION[:64]}\n{ASSERTION[64:]}\r\n",
        f"Bearer {ASSERTION}",
        f'"{ASSERTION}"',
        ".".join(f"{part}=" for part in ASSERTION.split(".")),
        ASSERTION.rpartition(".")[0],
        f"{ASSERTION}.x.y",
        ASSERTION + "é",
    ],
)
def test_an_assertion_is_read_as_far_as_it_can_be(assertion: str) -> None:
    assert pointers_in({"client_assertion": [assertion]}) == Pointers((CLIENT,), KID)


@pytest.mark.parametrize(
    ("parameters", "authorization", "client_ids"),
    [
        ({"client_id": ["a"]}, "", ("a",)),
        ({"client_id": ["", "a"]}, "", ("a",)),
        ({"client_id": ["a", "b", "c"]}, "", ("a", "b")),
        ({"client_id": ["b"], "client_assertion": [ASSERTION]}, basic("c:s"), ("b", CLIENT, "c")),
        ({"client_assertion": [assemble({}, {"iss": "i", "sub": "s"})]}, "", ("s", "i")),
        ({"client_assertion": [assemble({}, {"iss": "i", "sub": 1})]}, "", ("i",)),
        ({}, basic("a:secret"), ("a",)),
        ({}, basic("a%7Eb:secret"), ("a~b",)),
        ({}, "bAsIc  YTpi ", ("a",)),
    ],
)
def test_the_likeliest_comes_first(
    parameters: dict[str, list[str]], authorization: str, client_ids: tuple[str, ...]
) -> None:
    assert pointers_in(parameters, authorization=authorization).client_ids == client_ids


@pytest.mark.parametrize(
    ("parameters", "authorization"),
    [
        ({}, ""),
        ({"client_id": ["a b", "x" * 65]}, ""),
        ({"client_id": ["\0"]}, "Bearer YTpi"),
        ({"client_assertion": [b64encode(b"client:secret").decode()]}, "Basic"),
        ({"client_assertion": ["." * 10]}, "Basic é"),
        ({"client_assertion": [assemble({"kid": "short"}, [])]}, basic(":")),
        ({"client_assertion": [assemble({"kid": 1}, {"sub": "'; --", "iss": None})]}, basic("a")),
        ({"client_assertion": [ASSERTION + "x" * 16384]}, ""),
    ],
)
def test_what_has_not_the_form_of_one_points_nowhere(
    parameters: dict[str, list[str]], authorization: str
) -> None:
    pointers = pointers_in(parameters, authorization=authorization)
    assert pointers == Pointers(("a",) if authorization == basic("a") else ())
