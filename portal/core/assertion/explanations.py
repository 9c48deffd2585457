"""Each reason in plain words: for the debugger, and for the page of a request that was refused."""

from __future__ import annotations

from typing import Final

from portal.core.assertion.explain_claims import CLAIMS
from portal.core.assertion.explain_forms import FORMS
from portal.core.assertion.explain_keys import KEYS
from portal.core.assertion.explain_requests import REQUESTS
from portal.core.assertion.explanation import Explanation
from portal.core.reasons import Reason

EXPLANATIONS: Final[dict[Reason, Explanation]] = FORMS | KEYS | CLAIMS | REQUESTS
"""Every reason for which an assertion or its request is refused."""
