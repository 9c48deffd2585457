"""Runs every check of an assertion for the debugger, with the values found and expected.

It runs the same list of checks as `verify`, and continues after a failure, where `verify` stops.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from portal.core.algorithms import ALGORITHMS
from portal.core.assertion.checks.order import CHECKS, READABLE
from portal.core.assertion.context import AssertionContext, Check
from portal.core.assertion.expectation import Expectation
from portal.core.assertion.explanations.by_reason import EXPLANATIONS
from portal.core.assertion.unverified import UnverifiedAssertion, parse_unverified
from portal.core.debugger.diff import Difference
from portal.core.debugger.notes import audience_difference, note_on
from portal.core.debugger.signers import Signer, find_signer
from portal.core.reasons import Reason, Refused


class CheckOutcome(StrEnum):
    """The outcome of a check. A check is skipped if a check that it needs did not pass."""

    PASS = "pass"  # noqa: S105 - the name of an outcome
    FAIL = "fail"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class CheckResult:
    """A check and its outcome.

    `fix`, `note` (specific to this assertion), `command` and `difference` are set only if the check
    failed.
    """

    name: str
    title: str
    outcome: CheckOutcome
    seen: str = ""
    expected: str = ""
    reason: Reason | None = None
    fix: str = ""
    note: str = ""
    command: str = ""
    difference: Difference | None = None


@dataclass(frozen=True, slots=True)
class Examination:
    """The results of all checks.

    `signed_by` is the kid of the key that verifies the assertion. `made_by` is the kid of the key
    that made the signature, even if in a way that is not accepted.
    """

    checks: tuple[CheckResult, ...]
    unverified: UnverifiedAssertion | None = None
    signed_by: str | None = None
    made_by: str | None = None

    @property
    def refusal(self) -> CheckResult | None:
        """The first failed check, for which `verify` refuses the assertion, or None."""
        return next((each for each in self.checks if each.outcome is CheckOutcome.FAIL), None)

    @property
    def verified(self) -> bool:
        """Whether every check passed."""
        return self.refusal is None


def examine(data: bytes | str, expectation: Expectation) -> Examination:
    """Return the result of every check. Raises nothing, consumes no jti and stores nothing."""
    try:
        unverified = parse_unverified(data)
    except Refused as refused:
        first = _failed(READABLE, "Form", refused.reason, (refused.found, refused.needed))
        rest = (CheckResult(check.name, check.title, CheckOutcome.SKIPPED) for check in CHECKS)
        return Examination((first, *rest))
    context = AssertionContext(unverified, expectation)
    signer = find_signer(context)
    results = [CheckResult(READABLE, "Form", CheckOutcome.PASS, "header.claims.signature")]
    held = {READABLE}
    for check in CHECKS:
        result = _result(check, context, held, signer)
        if result.outcome is CheckOutcome.PASS:
            held.add(check.name)
        results.append(result)
    signed_by = signer.key.kid if signer and signer.exact else None
    made_by = signer.key.kid if signer and signer.alg in ALGORITHMS else None
    return Examination(tuple(results), unverified, signed_by, made_by)


def _result(
    check: Check, context: AssertionContext, held: set[str], signer: Signer | None
) -> CheckResult:
    if not held.issuperset(check.needs):
        return CheckResult(check.name, check.title, CheckOutcome.SKIPPED)
    reason = check.run(context)
    texts = check.describe(context, reason)
    if reason is None:
        return CheckResult(check.name, check.title, CheckOutcome.PASS, *texts)
    note = note_on(context, check.name, reason, signer)
    result = _failed(check.name, check.title, reason, texts, note)
    if reason is Reason.SIGNATURE_INVALID and signer:
        return replace(result, fix="", command="")  # the note says it better
    if check.name == "aud":
        return replace(result, difference=audience_difference(context))
    return result


def _failed(
    name: str, title: str, reason: Reason, texts: tuple[str, str], note: str = ""
) -> CheckResult:
    words = EXPLANATIONS[reason]
    return CheckResult(
        name, title, CheckOutcome.FAIL, *texts, reason, words.fix, note, words.command
    )
