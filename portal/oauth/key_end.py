"""Tell a client when its key ends, in the responses to its own requests."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings

from portal.core.lifecycle import Lifecycle


def key_end(lifecycle: Lifecycle, now: datetime) -> dict[str, int]:
    """Return the member `key_expires_in`, in seconds, or nothing if no date ends the key.

    RFC 6749 §5.1 and RFC 7662 §2.2: clients ignore members that they do not know.
    """
    left = lifecycle.seconds_left(now) if settings.TELL_KEY_END else None
    return {} if left is None else {"key_expires_in": left}
