"""Explains what is wrong with an assertion: reads a paste, runs every check, explains."""

from portal.core.debugger.diagnose import Diagnosis, diagnose
from portal.core.debugger.diff import Difference
from portal.core.debugger.examine import CheckOutcome, CheckResult, Examination, examine
from portal.core.debugger.paste import MAX_PASTE_BYTES, Paste, Problem, read_paste
from portal.core.debugger.request_checks import RequestExpectation

__all__ = [
    "MAX_PASTE_BYTES",
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
