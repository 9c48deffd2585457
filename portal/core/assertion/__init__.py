"""Client assertions (RFC 7523): parse without trust, run every check, verify or refuse."""

from portal.core.assertion.expectation import (
    LEEWAY_S,
    MAX_LIFETIME_S,
    CandidateKey,
    Expectation,
    never_seen,
)
from portal.core.assertion.explanations.by_reason import EXPLANATIONS
from portal.core.assertion.explanations.explanation import Explanation
from portal.core.assertion.pointers import Pointers, pointers_in
from portal.core.assertion.token_request import ASSERTION_TYPE, ClientAssertion, client_assertion_of
from portal.core.assertion.unreadable import UNREADABLE
from portal.core.assertion.unverified import (
    MAX_ASSERTION_BYTES,
    UnverifiedAssertion,
    parse_unverified,
)
from portal.core.assertion.verify import VerifiedAssertion, verify

__all__ = [
    "ASSERTION_TYPE",
    "EXPLANATIONS",
    "LEEWAY_S",
    "MAX_ASSERTION_BYTES",
    "MAX_LIFETIME_S",
    "UNREADABLE",
    "CandidateKey",
    "ClientAssertion",
    "Expectation",
    "Explanation",
    "Pointers",
    "UnverifiedAssertion",
    "VerifiedAssertion",
    "client_assertion_of",
    "never_seen",
    "parse_unverified",
    "pointers_in",
    "verify",
]
