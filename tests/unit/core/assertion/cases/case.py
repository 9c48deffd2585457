"""What a case of a refused assertion is, and what makes one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec

from portal.core.assertion import Expectation
from portal.core.lifecycle import KeyStatus
from portal.core.reasons import Reason
from tests.keys import public_pem as public_of
from tests.unit.core.assertions import (
    EXPECTED,
    candidate,
    expected,
    sign,
)

THEN = datetime(2027, 1, 15, 7, 0, tzinfo=UTC)


TYPED = {"typ": "client-authentication+jwt"}


OTHER = candidate("ES256", kid="other", pem=public_of(ec.generate_private_key(ec.SECP256R1())))


def in_status(status: KeyStatus) -> Expectation:
    return expected(candidate("ES256", status=status, since=THEN))


@dataclass(frozen=True)
class Case:
    name: str
    reason: Reason
    check: str
    seen: str
    expected: str
    make: Callable[[], str]
    expectation: Expectation = EXPECTED


def of(
    reason: Reason, check: str, seen: str, needed: str, make: Callable[[], str], *rest: Expectation
) -> Case:
    return Case(f"{reason}: {seen}", reason, check, seen, needed, make, *rest)


def header(**members: Any) -> Callable[[], str]:
    return lambda: sign(header=members)


def claims(**members: Any) -> Callable[[], str]:
    return lambda: sign(**members)


def without(name: str) -> Callable[[], str]:
    return lambda: sign(without=(name,))
