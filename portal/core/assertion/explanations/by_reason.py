"""The explanation of each reason, for the debugger and for the page of a refused request."""

from __future__ import annotations

from typing import Final

from portal.core.assertion.explanations.claims import CLAIMS
from portal.core.assertion.explanations.explanation import Explanation
from portal.core.assertion.explanations.forms import FORMS
from portal.core.assertion.explanations.keys import KEYS
from portal.core.assertion.explanations.requests import REQUESTS
from portal.core.reasons import Reason

EXPLANATIONS: Final[dict[Reason, Explanation]] = FORMS | KEYS | CLAIMS | REQUESTS
"""Every reason to refuse an assertion or its token request."""
