"""The database and `Lifecycle` answer alike, for every combination of dates around one moment."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import product
from types import SimpleNamespace

from portal.core.lifecycle import KeyStatus
from portal.registry.models import Client, ClientKey
from portal.registry.successors import keys_ending

NOW = datetime(2030, 1, 1, tzinfo=UTC)
MOMENTS = (None, NOW - timedelta(seconds=1), NOW, NOW + timedelta(seconds=1))


def make_grid(client: Client, by: SimpleNamespace) -> list[ClientKey]:
    """Store a key for every combination of dates; what they are made of does not matter here."""
    grid = [
        dates
        for dates in product(MOMENTS, MOMENTS, MOMENTS, MOMENTS, (False, True), (None, NOW))
        if not (dates[0] and dates[1] and dates[1] <= dates[0])
    ]
    pem = "-----BEGIN PUBLIC KEY-----\n"
    return ClientKey.objects.bulk_create(
        ClientKey(
            client=client,
            label=f"{number}",
            pem=pem,
            alg="EdDSA",
            kty="OKP",
            bits=256,
            kid=f"{number}",
            spki_sha256=f"{number:064x}",
            jwk={},
            registered_by=by.dev,
            not_before=not_before,
            expires_at=expires_at,
            retires_at=retires_at,
            retired_by_user=by.dev if retires_at else None,
            revoked_at=revoked_at,
            revoked_by_user=by.dev if revoked_at else None,
            revocation_reason="unspecified" if revoked_at else "",
            confirmation_required=confirmation_required,
            confirmed_at=confirmed_at,
            confirmed_by_user=by.dev if confirmed_at else None,
        )
        for number, (
            not_before,
            expires_at,
            retires_at,
            revoked_at,
            confirmation_required,
            confirmed_at,
        ) in enumerate(grid)
    )


def test_the_database_and_the_lifecycle_agree(payments: Client, cast: SimpleNamespace) -> None:
    keys = make_grid(payments, cast)
    for status in KeyStatus:
        found = set(payments.keys.in_status(status, NOW))
        assert found == {key for key in keys if key.lifecycle.status(NOW) == status}
        assert found
    assert set(payments.keys.live(NOW)) == {key for key in keys if key.lifecycle.is_live(NOW)}
    numbers = Counter(key.lifecycle.status(NOW) for key in keys)
    assert payments.keys.counts(NOW) == sorted(("EdDSA", *each) for each in numbers.items())
    soon = keys_ending((NOW, NOW + timedelta(seconds=1))).live(NOW).filter(client=payments)
    assert set(soon) == {
        key for key in payments.keys.live(NOW) if not key.lifecycle.is_live(MOMENTS[-1])
    }
    over = {key for key in keys if key.lifecycle.is_over(NOW)}
    assert set(payments.keys.current(NOW)) == set(keys) - over
