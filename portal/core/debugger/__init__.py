"""Explains what is wrong with an assertion: reads a paste, runs every check, explains."""

from portal.core.debugger.diagnose import Diagnosis, diagnose
from portal.core.debugger.diff import Difference
from portal.core.debugger.examine import CheckOutcome, CheckResult, Examination, examine
from portal.core.debugger.paste import MAX_PASTE_BYTES, Paste, Problem, read_paste
from portal.core.debugger.request_checks import RequestExpectation
from portal.core.debugger.signers import MAX_PAST_KEYS

__all__ = [
    "MAX_PASTE_BYTES",
    "MAX_PAST_KEYS",
    "CheckOutcome",
    "CheckResult",
    "Diagnosis",
    "Difference",
    "Examination",
    "Paste",
    "Problem",
    "RequestExpectation",
    "diagnose",
    "examine",
    "read_paste",
]
