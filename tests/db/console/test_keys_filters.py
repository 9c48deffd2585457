"""The filters of the list of all keys."""

from __future__ import annotations

from datetime import timedelta

from django.test import Client as Browser
from django.utils import timezone

from portal.registry.models import Client

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


def test_no_successor_means_keys_that_end_also_with_a_search(
    admin: Browser, payments: Client, make_keys: KeyMaker
) -> None:
    now = timezone.now()
    make_keys(payments, 1, label="Soon", expires_at=now + timedelta(days=9))
    make_keys(payments, 1, label="Sooner", expires_at=now + timedelta(days=5))
    make_keys(payments, 1, label="Never")
    assert found(admin, no_successor="on") == ["Sooner", "Soon"]
    assert found(admin, no_successor="on", q="soon") == ["Sooner", "Soon"]
    assert found(admin, no_successor="on", q="never") == []


def test_in_the_order_of_expiry_are_keys_that_expire_also_with_a_search(
    admin: Browser, payments: Client, make_keys: KeyMaker
) -> None:
    make_keys(payments, 1, label="Soon", expires_at=timezone.now() + timedelta(days=9))
    make_keys(payments, 1, label="Never")
    for search in ("", "soon", payments.client_id):
        assert found(admin, sort="expiry", q=search) == ["Soon"]
