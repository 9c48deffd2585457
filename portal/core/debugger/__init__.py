"""Explains what is wrong with an assertion: reads a paste, runs every check, explains."""

from portal.core.debugger.examine import CheckOutcome, CheckResult, Examination, examine
from portal.core.debugger.paste import MAX_PASTE_BYTES, Paste, Problem, read_paste

__all__ = [
    "MAX_PASTE_BYTES",
    "CheckOutcome",
    "CheckResult",
    "Examination",
    "Paste",
    "Problem",
    "examine",
    "read_paste",
]
