"""The filters of the list of all keys, and the status that rows and keys agree on."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace

from django.test import Client as Browser
from django.utils import timezone

from portal.console.filters.keys import status_is
from portal.registry.choices import KeyStatus
from portal.registry.models import Client, ClientKey

from .conftest import KeyMaker
from .test_keys import found


def test_legacy_and_algorithm_filters(
    admin: Browser, payments: Client, make_keys: KeyMaker
) -> None:
    make_keys(payments, 1, label="Old", alg="RS256", kty="RSA", curve="", bits=2048)
    make_keys(payments, 1, label="New")
    assert found(admin, legacy="on") == ["Old"]
    assert found(admin, alg="EdDSA") == ["New"]


def test_age_and_dates(admin: Browser, payments: Client, make_keys: KeyMaker) -> None:
    now = timezone.now()
    make_keys(payments, 1, label="Ancient", registered_at=now - timedelta(days=400))
    make_keys(payments, 1, label="Fresh")
    assert found(admin, age="old") == ["Ancient"]
    assert found(admin, age="week") == ["Fresh"]
    day = (now - timedelta(days=400)).date().isoformat()
    assert found(admin, registered_from=day, registered_to=day) == ["Ancient"]
    assert found(admin, registered_to="2020-01-01") == []


def test_expiring_soon(admin: Browser, payments: Client, make_keys: KeyMaker) -> None:
    now = timezone.now()
    for label, days in {"Gone": -1, "Soon": 29, "Later": 31}.items():
        make_keys(payments, 1, label=label, expires_at=now + timedelta(days=days))
    make_keys(payments, 1, label="Never")
    assert found(admin, expiring="on") == ["Soon"]


def test_the_status_of_a_row_and_of_a_key_agree(
    cast: SimpleNamespace, payments: Client, make_keys: KeyMaker
) -> None:
    now = timezone.now()
    dates = [None, now - timedelta(days=2), now, now + timedelta(days=2)]
    for not_before in dates:
        for expires_at in dates:
            for retires_at in dates:
                for revoked_at, unconfirmed in ((None, False), (None, True), (now, False)):
                    if not_before and expires_at and expires_at <= not_before:
                        continue
                    make_keys(
                        payments,
                        1,
                        not_before=not_before,
                        expires_at=expires_at,
                        retires_at=retires_at,
                        retired_by_user=retires_at and cast.dev,
                        revoked_at=revoked_at,
                        revoked_by_user=revoked_at and cast.dev,
                        revocation_reason="unspecified" if revoked_at else "",
                        confirmation_required=unconfirmed,
                    )
    for status in KeyStatus:
        of_rows = set(ClientKey.objects.filter(status_is(status, now)))
        assert of_rows == {key for key in ClientKey.objects.all() if key.status(now) == status}
        assert of_rows
