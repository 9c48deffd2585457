"""Add up the reports of the suites: `python tests/total.py FOLDER SUITE …`.

Exits with 1 if a suite has no report, ran no test, or skipped one: a test that did not run proves
nothing.
"""

from __future__ import annotations

import platform
import sys
from collections import Counter
from pathlib import Path
from xml.etree import ElementTree as ET

COUNTED = ("tests", "failures", "errors", "skipped")


def count(report: Path) -> Counter[str]:
    """Return the counts of a JUnit report; all zero if it is missing."""
    totals: Counter[str] = Counter(dict.fromkeys(COUNTED, 0))
    if report.exists():
        for suite in ET.parse(report).iter("testsuite"):  # noqa: S314 - our own file
            totals.update({name: int(suite.get(name, "0")) for name in COUNTED})
    return totals


def main(folder: str, *suites: str) -> int:
    """Print one line for all suites; return the exit code."""
    counts = {suite: count(Path(folder) / f"{suite}.xml") for suite in suites}
    total = sum(counts.values(), Counter())
    told = ", ".join(f"{suite} {each['tests']}" for suite, each in counts.items())
    bad = {name: total[name] for name in COUNTED[1:] if total[name]}
    empty = [suite for suite, each in counts.items() if not each["tests"]]
    passed = total["tests"] - sum(bad.values())
    problems = [f"{number} {name}" for name, number in bad.items()]
    problems += [f"no test in {suite}" for suite in empty]
    ran_on = f"on Python {platform.python_version()}"
    print(", ".join([f"{passed} passed {ran_on}", *problems]) + f" ({told})")  # noqa: T201
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
