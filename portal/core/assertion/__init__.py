"""Client assertions (RFC 7523): peek without believing, examine every check, verify or refuse."""

from portal.core.assertion.decoy import SPENT, spend
from portal.core.assertion.examining import CheckResult, Examination, Outcome, examine
from portal.core.assertion.expectation import (
    LEEWAY_S,
    MAX_LIFETIME_S,
    CandidateKey,
    Expectation,
    KeyState,
    never_seen,
)
from portal.core.assertion.explanation import Explanation
from portal.core.assertion.explanations import EXPLANATIONS
from portal.core.assertion.paste import MAX_PASTE_BYTES, Paste, Problem, read_paste
from portal.core.assertion.peeking import MAX_ASSERTION_BYTES, UnverifiedAssertion, peek
from portal.core.assertion.pointers import Pointers, pointers_in
from portal.core.assertion.token_request import (
    ASSERTION_TYPE,
    ClientAssertion,
    client_assertion_of,
)
from portal.core.assertion.unreadable import UNREADABLE
from portal.core.assertion.verifying import VerifiedAssertion, verify

__all__ = [
    "ASSERTION_TYPE",
    "EXPLANATIONS",
    "LEEWAY_S",
    "MAX_ASSERTION_BYTES",
    "MAX_LIFETIME_S",
    "MAX_PASTE_BYTES",
    "SPENT",
    "UNREADABLE",
    "CandidateKey",
    "CheckResult",
    "ClientAssertion",
    "Examination",
    "Expectation",
    "Explanation",
    "KeyState",
    "Outcome",
    "Paste",
    "Pointers",
    "Problem",
    "UnverifiedAssertion",
    "VerifiedAssertion",
    "client_assertion_of",
    "examine",
    "never_seen",
    "peek",
    "pointers_in",
    "read_paste",
    "spend",
    "verify",
]
