"""Each rule for a client assertion, with what is seen and expected when it does not hold."""

from __future__ import annotations

import pytest

from portal.core.assertion import EXPLANATIONS, UNREADABLE
from portal.core.debugger import examine
from portal.core.reasons import Reason
from tests.unit.core.assertion.cases import claims, dates, header, key, signature
from tests.unit.core.assertion.cases.case import Case
from tests.unit.core.assertions import (
    refused,
)

CASES = (*header.CASES, *key.CASES, *claims.CASES, *dates.CASES, *signature.CASES)

each_case = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)


@each_case
def test_assertion_is_refused_by_name(case: Case) -> None:
    refusal = refused(case.make(), case.expectation)
    assert refusal.reason is case.reason
    assert (refusal.found, refusal.needed) == (case.seen, case.expected)
    assert refusal.command == EXPLANATIONS[case.reason].command


@each_case
def test_debugger_says_what_the_endpoint_says(case: Case) -> None:
    examination = examine(case.make(), case.expectation)
    refusal = examination.refusal
    assert refusal is not None
    assert not examination.verified
    assert (refusal.name, refusal.reason) == (case.check, case.reason)
    assert (refusal.seen, refusal.expected) == (case.seen, case.expected)
    assert refusal.fix == EXPLANATIONS[case.reason].fix
    assert refusal.title


@each_case
def test_only_what_cannot_be_read_is_an_invalid_request(case: Case) -> None:
    unreadable = case.reason in {Reason.HEADER_B64, Reason.HEADER_ZIP}
    assert (case.reason in UNREADABLE) is unreadable
