"""By which address limits count."""

from __future__ import annotations

import pytest
from django.test import Client as Browser
from django.test import RequestFactory
from pytest_django import Settings

from portal.accounts.adapter import AccountAdapter

LOGIN = "/account/login/"


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::", "2001:db8:1:2::/64"),
        ("::1", "::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
    ],
)
def test_an_ipv6_network_counts_as_one(address: str, counted: str) -> None:
    request = RequestFactory().get("/", REMOTE_ADDR=address)
    assert AccountAdapter().get_client_ip(request) == counted


def test_another_address_of_the_same_network_does_not_help(db: None, settings: Settings) -> None:
    settings.RATE_LIMITS = {"login": "2/1h/ip"}
    addresses = [f"2001:db8::{number}" for number in (1, 2, 3)] + ["2001:db8:0:1::1"]
    found = [Browser().post(LOGIN, {}, REMOTE_ADDR=each).status_code for each in addresses]
    assert found == [200, 200, 429, 200]


def test_a_request_past_the_outer_proxy_is_refused(db: None, settings: Settings) -> None:
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = 2
    answer = Browser().post(LOGIN, {}, headers={"X-Forwarded-For": "192.0.2.7"})
    assert answer.status_code == 403
