"""Single use of an assertion: one autocommitted statement inserts its `jti` at most once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

from django.db import connection

from portal.core.assertion import LEEWAY_S, VerifiedAssertion
from portal.registry.models import ClientKey

KEPT_AFTER_EXPIRY: Final = timedelta(seconds=LEEWAY_S) + timedelta(minutes=5)
"""How long a redeemed `jti` is kept after its assertion expires: leeway, and margin for clock skew.

An expired assertion is refused anyway. Its row can go once it has expired on every host's clock.
"""

_INSERT: Final = """
INSERT INTO registry_redeemedassertion (
    client_id, key_id, jti_sha256, reference, kid_sent, at, expires_at, network
)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT (client_id, jti_sha256) DO NOTHING
"""


def consume_jti(
    verified: VerifiedAssertion,
    key: ClientKey,
    *,
    reference: str,
    now: datetime,
    network: str = "",
) -> bool:
    """Consume the assertion's `jti`; return whether this was its first use.

    One statement, committed on its own: of concurrent calls exactly one returns true, and a later
    refusal does not undo it. Call it last, so that a forged assertion consumes nothing.
    """
    # Plain SQL: the ORM cannot report whether it inserted a row without raising an error, and this
    # is the only write of the hot path.
    expires_at = datetime.fromtimestamp(verified.expires_at, UTC)
    dates = map(connection.ops.adapt_datetimefield_value, (now, expires_at))
    row = (key.client_id, key.pk, verified.jti_sha256, reference, verified.kid_sent)
    with connection.cursor() as cursor:
        cursor.execute(_INSERT, (*row, *dates, network))
        inserted: int = cursor.rowcount
    return inserted == 1
