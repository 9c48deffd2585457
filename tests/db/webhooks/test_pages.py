"""The pages of webhooks: of a client, and of the console."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape
from types import SimpleNamespace
from typing import Any

import pytest
from django.urls import reverse
from pytest_django import Settings
from standardwebhooks.webhooks import Webhook as Verifier

from portal.registry.models import Client, Event
from portal.webhooks.actions import add_webhook
from portal.webhooks.models import Webhook
from portal.webhooks.views import NOT_YOURS_TO_CHANGE, PAGE_SIZE
from portal.work.sealing import unseal
from tests.db.pages import text_of
from tests.db.webhooks.conftest import ALL, Hooked
from tests.paths import client_path
from tests.receiving import header_of

pytestmark = pytest.mark.django_db

URL = "https://receiver.example/hook?key=7"


def list_of(client: Client) -> str:
    return reverse("webhooks", args=[client.client_id])


def page_of(webhook: Webhook) -> str:
    assert webhook.client
    return reverse("webhook", args=[webhook.client.client_id, webhook.pk])


def test_an_owner_adds_a_webhook_whose_secret_is_shown_once(
    ask: Any, hooked: Hooked, payments: Client
) -> None:
    assert list_of(payments) in text_of(ask("alice", "get", client_path(payments)))
    page = text_of(ask("alice", "get", list_of(payments)))
    assert "No webhooks yet" in page
    assert "public address or to a network that the portal allows." in page
    url = f"http://127.0.0.1:{hooked.receiver.port}/"
    form = {"url": url, "types": ALL, "has_secret": "on"}
    [secret] = re.findall(
        r'data-copy="(whsec_[^"]+)"', text_of(ask("alice", "post", list_of(payments), form))
    )
    webhook = Webhook.objects.get()
    assert secret not in text_of(ask("alice", "get", page_of(webhook)))
    ask("dev", "post", f"{page_of(webhook)}test/")
    hooked.work(timedelta(seconds=5))
    [sent] = hooked.receiver.requests
    names = ("webhook-id", "webhook-timestamp", "webhook-signature")
    assert Verifier(secret).verify(
        sent.partition(b"\r\n\r\n")[2], {name: header_of(sent, name) for name in names}
    )
    shown = text_of(ask("dev", "get", page_of(webhook)))
    assert "Delivered" in shown
    assert "HTTP 204" in shown
    assert header_of(sent, "webhook-id") in shown


def test_without_a_secret_the_public_keys_are_shown(
    ask: Any, hooked: Hooked, payments: Client
) -> None:
    response = ask("alice", "post", list_of(payments), {"url": URL, "types": ["key.revoked"]})
    webhook = Webhook.objects.get()
    assert response.url == page_of(webhook)
    shown = text_of(ask("alice", "get", page_of(webhook)))
    assert re.search(r"whpk_[\w+/]{43}=", shown)
    assert 'data-copy="http://testserver/portal/jwks.json"' in shown
    ask("alice", "post", f"{page_of(webhook)}secret/")
    webhook.refresh_from_db()
    assert unseal(webhook.secret).startswith("whsec_")


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("", "Enter the URL of your receiver."),
        ("http://receiver.example/", "it must begin with https://"),
        ("https://me@receiver.example/", "user, a password or a fragment"),
        ("https://receiver.example/" + "a" * 500, "at most 500 characters"),
    ],
)
def test_a_url_that_cannot_be_used_is_explained(
    ask: Any, own_key: object, payments: Client, url: str, said: str
) -> None:
    response = ask("alice", "post", list_of(payments), {"url": url, "types": ALL})
    assert response.status_code == 422
    assert said in text_of(response)
    assert not Webhook.objects.exists()


def test_a_portal_without_keys_needs_a_secret(
    ask: Any, payments: Client, settings: Settings
) -> None:
    settings.OWN_KEYS = {"checkpoint": (), "webhooks": ()}
    assert "no key of its own" in text_of(ask("alice", "get", list_of(payments)))
    response = ask("alice", "post", list_of(payments), {"url": URL, "types": ALL})
    assert "so a webhook needs a secret" in text_of(response)


def test_only_owners_change_a_webhook(
    ask: Any, hooked: Hooked, payments: Client, cast: SimpleNamespace
) -> None:
    webhook = hooked.add(payments, cast.alice, url=URL)
    page = text_of(ask("dev", "get", page_of(webhook)))
    for name in ("switch/", "secret/", "removal/"):
        assert name not in page
    refused = ask("dev", "post", f"{page_of(webhook)}switch/")
    assert NOT_YOURS_TO_CHANGE in unescape(text_of(refused))
    page = text_of(ask("alice", "get", page_of(webhook)))
    assert f"{page_of(webhook)}removal/" in page
    form = {"url": f"{URL}2", "types": ["key.blocked"]}
    ask("alice", "post", page_of(webhook), form)
    ask("alice", "post", f"{page_of(webhook)}switch/", {"on": "no"})
    webhook.refresh_from_db()
    assert (webhook.url, webhook.types, webhook.is_on) == (f"{URL}2", ["key.blocked"], False)
    assert "This webhook is off." in text_of(ask("alice", "get", page_of(webhook)))
    ask("alice", "post", f"{page_of(webhook)}switch/", {"on": "yes"})
    ask("alice", "post", f"{page_of(webhook)}removal/")
    assert not Webhook.objects.exists()
    assert Event.objects.filter(verb__endswith="_webhook").count() == 5


def test_a_webhook_of_another_client_is_not_found(
    ask: Any, hooked: Hooked, payments: Client, other: Client, cast: SimpleNamespace
) -> None:
    webhook = hooked.add(other, cast.bob, url=URL)
    own = hooked.add(None, cast.admin, url=URL)
    for each in (webhook, own):
        for part in ("", "removal/"):
            path = reverse("webhook", args=[payments.client_id, each.pk]) + part
            assert ask("alice", "get", path).status_code == 404
            assert ask("alice", "post", path).status_code == 404


def test_the_console_has_those_of_the_portal_and_those_that_fail(
    ask: Any, hooked: Hooked, payments: Client, other: Client, cast: SimpleNamespace
) -> None:
    ask("admin", "post", reverse("console_webhooks"), {"url": URL, "types": ALL})
    fine = hooked.add(payments, cast.alice, url=f"{URL}/fine")
    failing = hooked.add(other, cast.bob, url=f"{URL}/fails")
    Webhook.objects.filter(pk=failing.pk).update(failures=3, failing_since=hooked.now)
    shown = text_of(ask("admin", "get", reverse("console_webhooks"))).replace("<wbr>", "")
    assert Webhook.objects.filter(client=None, url=URL).exists()
    assert f"{URL}/fails" in shown
    assert f"{URL}/fine" not in shown
    page = ask("admin", "get", reverse("console_webhook", args=[fine.pk]))
    assert "Payments" in text_of(page)


def test_the_list_of_deliveries_has_pages_and_looks_again_while_one_waits(
    ask: Any, hooked: Hooked, payments: Client, cast: SimpleNamespace
) -> None:
    webhook = hooked.add(payments, cast.alice)
    for _ in range(PAGE_SIZE + 1):
        ask("alice", "post", f"{page_of(webhook)}test/")
        hooked.work(timedelta(seconds=5))
    shown = text_of(ask("alice", "get", page_of(webhook)))
    assert shown.count('id="log"') == 1
    assert "every 2s" not in shown
    [older] = re.findall(r'href="[^"]*(\?before=\d+)"', shown)
    last = webhook.deliveries.order_by("pk")[0]
    assert last.message_id in text_of(ask("alice", "get", page_of(webhook) + older))
    ask("alice", "post", f"{page_of(webhook)}deliveries/{last.pk}/")
    shown = text_of(ask("alice", "get", page_of(webhook) + older, htmx=True))
    assert "every 2s" in shown
    assert "<h1" not in shown


def test_webhook_pages_cost_the_same_queries_with_more_deliveries(
    ask: Any,
    hooked: Hooked,
    payments: Client,
    cast: SimpleNamespace,
    django_assert_max_num_queries: Any,
) -> None:
    webhook, _ = add_webhook(
        payments, url=URL, types=ALL, has_secret=False, by=cast.alice, now=hooked.now
    )
    for _ in range(10):
        ask("alice", "post", f"{page_of(webhook)}test/")
    with django_assert_max_num_queries(15):
        ask("alice", "get", page_of(webhook))
