"""Each reason in plain words: for the debugger, and for the page of a request that was refused."""

from __future__ import annotations

from typing import Final

from portal.core.assertion.explanations.claims import CLAIMS
from portal.core.assertion.explanations.explanation import Explanation
from portal.core.assertion.explanations.forms import FORMS
from portal.core.assertion.explanations.keys import KEYS
from portal.core.assertion.explanations.requests import REQUESTS
from portal.core.reasons import Reason

EXPLANATIONS: Final[dict[Reason, Explanation]] = FORMS | KEYS | CLAIMS | REQUESTS
"""Every reason for which an assertion or its request is refused."""
