"""Single use of an assertion: its `jti` is inserted once, in a statement that stands for itself."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

from django.db import connection

from portal.core.assertion import LEEWAY_S, VerifiedAssertion
from portal.registry.models import ClientKey

KEPT_AFTER_EXPIRY: Final = timedelta(seconds=LEEWAY_S) + timedelta(minutes=5)
"""How long a redeemed `jti` outlives its assertion: the leeway, and a margin for hosts' clocks.

An assertion that has expired is refused for that, so its row may go once no clock of ours can be so
far behind that it still lets the assertion pass.
"""

_INSERT: Final = """
INSERT INTO registry_redeemedassertion (
    client_id, key_id, jti_sha256, reference, kid_sent, at, expires_at
)
VALUES (%s, %s, %s, %s, %s, %s, %s) ON CONFLICT (client_id, jti_sha256) DO NOTHING
"""


def consume_jti(
    verified: VerifiedAssertion, key: ClientKey, *, reference: str, now: datetime
) -> bool:
    """Burn the assertion; return whether this was the first time.

    One statement, committed on its own: of any number at once exactly one wins, and nothing that is
    refused later takes it back. Called last, so that a forged assertion burns nothing.
    """
    # Plain SQL, as the ORM has no insert that says whether it inserted without an error to recover
    # from, and as this is the one write of the hot path.
    expires_at = datetime.fromtimestamp(verified.expires_at, UTC)
    dates = map(connection.ops.adapt_datetimefield_value, (now, expires_at))
    values = (key.client_id, key.pk, verified.jti_sha256, reference, verified.kid_sent, *dates)
    with connection.cursor() as cursor:
        cursor.execute(_INSERT, values)
        inserted: int = cursor.rowcount
    return inserted == 1
