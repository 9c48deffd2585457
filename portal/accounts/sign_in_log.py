"""Log and count who signs in and who is refused, by number: an address is nobody else's business.

What somebody types as an address may be a password, so a line never has it.
"""

from __future__ import annotations

import logging
from typing import Any

from portal.accounts.models import User
from portal.logs import log_facts
from portal.metrics import SIGN_INS

logger = logging.getLogger(__name__)


def note_signed_in(*, user: User, **_: Any) -> None:
    """Take the signal that a person has signed in."""
    SIGN_INS.labels("ok").inc()
    log_facts(logger, logging.INFO, "Signed in", user=user.pk)


def note_refused(reason: str, user: User | None = None) -> None:
    """Note that a person could not sign in, and who it is if the password was right."""
    SIGN_INS.labels(reason).inc()
    log_facts(logger, logging.INFO, "Sign-in refused", reason=reason, user=user and user.pk)
