"""Addresses that clients name: one question each, and nothing before yes."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.core import mail
from django.core.mail import EmailMessage, EmailMultiAlternatives
from django.test import Client as Browser
from django.utils import timezone

from portal.accounts.mail import MESSAGE, queue
from portal.notices.addresses import MAX_PER_ADDRESS, MAX_PER_CLIENT
from portal.notices.follow import follow
from portal.notices.models import AskedAddress
from portal.registry import actions
from portal.registry.choices import Role
from portal.registry.models import Client, ClientKey
from portal.work.models import Task
from portal.work.worker import Worker
from tests.db.notices.conftest import said
from tests.db.pages import text_of

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]

Sent = Callable[..., list[EmailMultiAlternatives]]
CONTACT = "team@example.com"


def to(messages: list[EmailMultiAlternatives], email: str) -> list[EmailMultiAlternatives]:
    return [each for each in messages if each.to == [email]]


def links(message: EmailMultiAlternatives) -> dict[str, str]:
    """Return the paths of the links of a message by their last part."""
    paths = re.findall(r"http://testserver(/account/notices/\S+/(\w+)/)", str(message.body))
    return {name: path for path, name in paths}


def suspend(client: Client, by: Any) -> None:
    actions.suspend_client(client, note="", by=by)


@pytest.fixture
def question(sent: Sent, payments: Client) -> EmailMultiAlternatives:
    """The question to the contact of `payments`."""
    [message] = to(sent(), CONTACT)
    return message


def test_contact_gets_nothing_but_one_question_before_it_agrees(
    sent: Sent, question: EmailMultiAlternatives, payments: Client, cast: SimpleNamespace
) -> None:
    assert question.subject == "Payments: do you want the notices of this client?"
    assert "Agree to get notices" in str(question.alternatives[0][0])
    suspend(payments, cast.admin)
    actions.resume_client(payments, by=cast.admin)
    settings: dict[str, Any] = {"name": "Payments", "redirect_uris": []}
    actions.change_client(payments, **settings, contacts=[], by=cast.alice)
    actions.change_client(payments, **settings, contacts=[CONTACT.upper()], by=cast.alice)
    assert to(sent(), CONTACT) == []


def test_contact_agrees_by_one_click_and_stops_by_another(
    sent: Sent, question: EmailMultiAlternatives, payments: Client, cast: SimpleNamespace
) -> None:
    agree = links(question)["agreement"]
    browser = Browser(enforce_csrf_checks=True)
    # A program that checks links changes nothing.
    assert "Nothing is sent before you agree" in text_of(browser.get(agree))
    assert not AskedAddress.objects.filter(agreed_at__isnull=False).exists()
    token = browser.cookies["csrftoken"].value
    page = browser.post(agree, headers={"X-CSRFToken": token, "Referer": "http://testserver/"})
    assert "You get the notices of “Payments”" in text_of(page)
    suspend(payments, cast.admin)
    [notice] = to(sent(), CONTACT)
    assert str(notice.subject).startswith("Payments: was suspended on")
    assert "this address is a contact of “Payments” and agreed" in str(notice.body)

    # As a mail program does it: without a cookie or CSRF token (RFC 8058 §3.2).
    headers = notice.extra_headers
    assert headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    stop = headers["List-Unsubscribe"].removeprefix("<http://testserver").rstrip(">")
    assert stop in str(notice.body)
    program = Browser(enforce_csrf_checks=True)
    assert "Nothing has changed yet" in text_of(program.get(stop))
    assert AskedAddress.objects.get(purpose="contact").agreed_at
    assert program.post(stop, {"List-Unsubscribe": "One-Click"}).status_code == 200
    actions.resume_client(payments, by=cast.admin)
    assert to(sent(), CONTACT) == []


def test_client_page_shows_the_answers_of_its_contacts(
    question: EmailMultiAlternatives, payments: Client, browser_of: Callable[[str], Browser]
) -> None:
    Client.objects.filter(pk=payments.pk).update(contacts=[CONTACT, "alice@example.com"])
    page = f"/clients/{payments.client_id}/"

    def contacts(person: str) -> str:
        html = browser_of(person).get(page).content.decode()
        return "".join(re.findall(r"<p>Contacts: (.*?)</p>", html))

    others = ", alice@example.com"
    assert contacts("alice") == f"{CONTACT} (has not answered){others}"
    agree = links(question)["agreement"]
    Browser().post(agree)
    assert contacts("alice") == f"{CONTACT} (gets notices){others}"
    Browser().post(agree.replace("agreement", "stop"))
    assert contacts("viewer") == f"{CONTACT} (wants no notices){others}"


def test_flood_of_notices_delays_no_other_messages(
    sent: Sent, payments: Client, cast: SimpleNamespace
) -> None:
    sent()
    mail.outbox.clear()
    suspend(payments, cast.admin)
    queue(EmailMessage("Your code", "ABCD", to=["new@example.com"]), life=timedelta(hours=1))
    follow(Task(), timezone.now())
    Worker(kinds=[MESSAGE.name]).step()
    assert [each.subject for each in mail.outbox] == ["Your code"]


@pytest.mark.parametrize("part", ["agreement", "stop", "silence"])
@pytest.mark.parametrize("token", ["1", "1.x", f"1.{'A' * 43}", "%00"])
def test_forged_address_is_not_found(db: None, part: str, token: str) -> None:
    assert Browser().post(f"/account/notices/{token}/{part}/").status_code == 404


def test_agreement_needs_a_csrf_token(question: EmailMultiAlternatives) -> None:
    browser = Browser(enforce_csrf_checks=True)
    for name in ("agreement", "silence"):
        path = links(question)[name]
        assert browser.post(path).status_code == 403
    assert not AskedAddress.objects.filter(agreed_at__isnull=False).exists()


def test_address_that_wants_no_questions_gets_none(
    sent: Sent, question: EmailMultiAlternatives, cast: SimpleNamespace
) -> None:
    Browser().post(links(question)["agreement"])
    Browser().post(links(question)["silence"])
    assert not AskedAddress.objects.filter(agreed_at__isnull=False).exists()
    client = actions.create_client(name="Other", contacts=[CONTACT], by=cast.bob)
    actions.ask_member(client, email=CONTACT, role=Role.VIEWER, by=cast.bob)
    assert to(sent(), CONTACT) == []


def test_nobody_has_many_open_questions(sent: Sent, cast: SimpleNamespace) -> None:
    """Neither an address of several clients, nor the contacts of one client."""
    for number in range(MAX_PER_ADDRESS + 1):
        actions.create_client(name=f"Client {number}", contacts=["victim@example.com"], by=cast.bob)
    assert len(to(sent(), "victim@example.com")) == MAX_PER_ADDRESS
    many = [f"contact-{number}@example.com" for number in range(MAX_PER_CLIENT + 5)]
    client = actions.create_client(name="Many", contacts=many, by=cast.alice)
    assert len(sent()) == MAX_PER_CLIENT
    # The next ones are asked when there is room again, and something happens.
    suspend(client, cast.admin)
    later = timezone.now() + timedelta(days=15)
    assert len([each for each in sent(later) if "contact-" in each.to[0]]) == 5


def test_contact_that_is_an_owner_is_not_asked(sent: Sent, cast: SimpleNamespace) -> None:
    client = actions.create_client(name="Own", contacts=["bob@example.com"], by=cast.bob)
    assert sent() == []
    suspend(client, cast.admin)
    assert len(sent()) == 1


def test_person_who_is_asked_to_join_gets_one_message(
    sent: Sent, payments: Client, key: ClientKey, cast: SimpleNamespace
) -> None:
    sent()
    pending = actions.ask_member(
        payments, email="new@example.com", role=Role.DEVELOPER, by=cast.alice
    )
    [message] = sent()
    assert said([message]) == [("new", "Payments: alice@example.com asks you to join as developer")]
    assert "http://testserver/clients/" in str(message.body)
    assert "Developers manage the client's keys" in str(message.body)
    actions.withdraw_member(pending, by=cast.alice)
    for _ in range(2):
        actions.ask_member(payments, email="new@example.com", role=Role.VIEWER, by=cast.alice)
    assert to(sent(), "new@example.com") == []
    # One who has answered or was forgotten is not written to.
    gone = actions.ask_member(payments, email="gone@example.com", role=Role.VIEWER, by=cast.alice)
    actions.withdraw_member(gone, by=cast.alice)
    assert to(sent(), "gone@example.com") == []
