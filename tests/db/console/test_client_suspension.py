"""Suspending a client, and resuming it."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from django.test import Client as Browser
from django.urls import reverse

from portal.registry.actions import suspend_client
from portal.registry.choices import Verb
from portal.registry.models import Client, ClientKey, Event


def suspension(client: Client) -> str:
    return f"/console/clients/{client.client_id}/suspension"


def resumption(client: Client) -> str:
    return f"/console/clients/{client.client_id}/resumption"


def is_published(key: ClientKey) -> bool:
    jwks = Browser().get(reverse("jwks", args=[key.client.client_id]))
    return key.kid.encode() in jwks.content


def test_shows_what_it_would_stop_and_changes_nothing(
    admin: Browser, payments: Client, key: ClientKey
) -> None:
    page = admin.get(suspension(payments)).content.decode()
    assert "Suspend Payments?" in page
    assert "1 live key will leave its JWKS" in page
    assert "alice@example.com" in page
    assert is_published(key)


def test_suspends_at_once_with_the_note(
    admin: Browser, payments: Client, key: ClientKey, cast: SimpleNamespace
) -> None:
    answer = admin.post(suspension(payments), {"note": "Contract ended"})
    assert answer.status_code == 302
    payments.refresh_from_db()
    assert payments.suspended_by == cast.admin
    assert payments.suspension_note == "Contract ended"
    assert not is_published(key)


@pytest.mark.parametrize("note", ["", "   ", "x" * 501, "a\0b"])
def test_needs_a_note_that_can_be_kept(note: str, admin: Browser, payments: Client) -> None:
    answer = admin.post(suspension(payments), {"note": note})
    assert answer.status_code == 422
    payments.refresh_from_db()
    assert not payments.is_suspended


def test_resumes_and_says_what_is_published_again(
    admin: Browser, payments: Client, key: ClientKey, cast: SimpleNamespace
) -> None:
    suspend_client(payments, note="Audit", by=cast.admin)
    page = admin.get(resumption(payments)).content.decode()
    assert "1 live key will be published again" in page
    answer = admin.post(resumption(payments), follow=True)
    assert "Payments is resumed. The portal publishes 1 live key." in answer.content.decode()
    assert is_published(key)


def test_both_are_idempotent(admin: Browser, payments: Client) -> None:
    for _ in range(2):
        admin.post(suspension(payments), {"note": "Audit"})
    for _ in range(2):
        admin.post(resumption(payments))
    verbs = Event.objects.filter(client=payments).values_list("verb", flat=True)
    assert list(verbs).count(Verb.SUSPEND_CLIENT) == 1
    assert list(verbs).count(Verb.RESUME_CLIENT) == 1


def test_pages_of_what_is_so_already_say_so(
    admin: Browser, payments: Client, cast: SimpleNamespace
) -> None:
    assert "is not suspended" in admin.get(resumption(payments)).content.decode()
    suspend_client(payments, note="Audit", by=cast.admin)
    page = admin.get(suspension(payments)).content.decode()
    assert "is already suspended" in page
    assert "<textarea" not in page
