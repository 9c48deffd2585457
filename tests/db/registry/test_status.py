"""Status and liveness: three ways of asking that must agree."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import product
from types import SimpleNamespace

from portal.registry.choices import LIVE, KeyStatus
from portal.registry.models import Client, ClientKey

NOW = datetime(2030, 1, 1, tzinfo=UTC)
MOMENTS = (None, NOW - timedelta(seconds=1), NOW, NOW + timedelta(seconds=1))
GONE = {KeyStatus.EXPIRED, KeyStatus.RETIRED, KeyStatus.REVOKED}


def make_grid(client: Client, by: SimpleNamespace) -> list[ClientKey]:
    """Store a key for every combination of dates; what they are made of does not matter here."""
    grid = [
        dates
        for dates in product(MOMENTS, MOMENTS, MOMENTS, MOMENTS[:3], (False, True), (None, NOW))
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


def test_the_database_and_the_core_agree_on_what_is_live(
    payments: Client, cast: SimpleNamespace
) -> None:
    keys = make_grid(payments, cast)
    live = set(payments.keys.live(NOW))
    assert live == {key for key in keys if key.publishable.is_live(NOW)}
    assert 0 < len(live) < len(keys)


def test_the_status_agrees_with_what_is_live(payments: Client, cast: SimpleNamespace) -> None:
    keys = make_grid(payments, cast)
    assert set(payments.keys.live(NOW)) == {key for key in keys if key.status(NOW) in LIVE}


def test_the_status_agrees_with_what_occupies_a_place(
    payments: Client, cast: SimpleNamespace
) -> None:
    keys = make_grid(payments, cast)
    occupying = set(payments.keys.occupying(NOW))
    assert occupying == {key for key in keys if key.status(NOW) not in GONE}


def test_every_status_occurs(payments: Client, cast: SimpleNamespace) -> None:
    assert {key.status(NOW) for key in make_grid(payments, cast)} == set(KeyStatus)


def test_a_revocation_counts_before_its_date(payments: Client, cast: SimpleNamespace) -> None:
    # The clock of the host that revoked may be ahead of the one that publishes.
    key = make_grid(payments, cast)[0]
    ahead = {"revoked_at": NOW + timedelta(seconds=5), "revoked_by_user": cast.dev}
    ClientKey.objects.filter(pk=key.pk).update(revocation_reason="unspecified", **ahead)
    key.refresh_from_db()
    assert key.status(NOW) == KeyStatus.REVOKED
    assert key not in payments.keys.live(NOW)
