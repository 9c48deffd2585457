"""`create_client`, `change_client`, `suspend_client`, `resume_client`."""

from __future__ import annotations

import re
from types import SimpleNamespace

import pytest
from django.utils import timezone
from pytest_django import Settings

from portal.registry.actions import change_client, create_client, resume_client, suspend_client
from portal.registry.choices import Role, Verb
from portal.registry.errors import ClientLimitReached, UnfitInput
from portal.registry.models import Client, Event
from tests.db.registry.recorded import events


def test_who_creates_a_client_owns_it(cast: SimpleNamespace) -> None:
    client = create_client(name=" Ledger ", contacts=["ops@example.com"], by=cast.bob)
    client.refresh_from_db()
    assert (client.name, client.contacts) == ("Ledger", ["ops@example.com"])
    assert client.created_by == cast.bob
    assert [(each.user, each.role) for each in client.memberships.all()] == [(cast.bob, Role.OWNER)]
    detail = {"name": "Ledger", "contacts": client.contacts, "redirect_uris": client.redirect_uris}
    assert events(Verb.CREATE_CLIENT) == [(cast.bob, client, None, detail)]


def test_a_client_id_is_160_random_bits(cast: SimpleNamespace) -> None:
    ids = {create_client(name="Same", by=cast.admin).client_id for _ in range(30)}
    assert len(ids) == 30
    assert all(re.fullmatch(r"[a-z2-7]{32}", client_id) for client_id in ids)


def test_a_person_creates_so_many_clients_and_no_more(
    cast: SimpleNamespace, settings: Settings
) -> None:
    settings.CLIENT_LIMIT = 1
    create_client(name="One", by=cast.bob)
    with pytest.raises(ClientLimitReached) as refusal:
        create_client(name="Two", by=cast.bob)
    sentence = "You have created the maximum number of clients (1)."
    assert str(refusal.value) == sentence


def test_admins_create_as_many_as_they_like(cast: SimpleNamespace, settings: Settings) -> None:
    settings.CLIENT_LIMIT = 0
    assert create_client(name="One", by=cast.admin).pk


def test_a_change_is_recorded_with_what_is_new_and_what_is_gone(
    payments: Client, cast: SimpleNamespace
) -> None:
    change_client(payments, name="Paying", contacts=[], redirect_uris=[], by=cast.alice)
    payments.refresh_from_db()
    assert (payments.name, payments.contacts) == ("Paying", [])
    detail = {
        "name": {"before": "Payments", "after": "Paying"},
        "contacts": {"added": [], "removed": ["team@example.com"]},
    }
    assert events(Verb.CHANGE_CLIENT) == [(cast.alice, payments, None, detail)]


def test_saying_what_already_stands_records_nothing(
    payments: Client, cast: SimpleNamespace
) -> None:
    change_client(
        payments, name="Payments ", contacts=["team@example.com"], redirect_uris=[], by=cast.alice
    )
    assert not events(Verb.CHANGE_CLIENT)


def test_a_suspended_client_says_who_when_and_why(payments: Client, cast: SimpleNamespace) -> None:
    before = timezone.now()
    suspend_client(payments, note="Asked by its bank", by=cast.admin)
    payments.refresh_from_db()
    assert payments.suspended_at is not None
    assert before <= payments.suspended_at <= timezone.now()
    assert payments.suspended_by == cast.admin
    assert payments.suspension_note == "Asked by its bank"
    detail = {"note": "Asked by its bank"}
    assert events(Verb.SUSPEND_CLIENT) == [(cast.admin, payments, None, detail)]


def test_suspending_again_changes_and_records_nothing(
    payments: Client, cast: SimpleNamespace
) -> None:
    suspend_client(payments, note="First", by=cast.admin)
    assert suspend_client(payments, note="Second", by=cast.admin).suspension_note == "First"
    assert len(events(Verb.SUSPEND_CLIENT)) == 1


def test_a_resumed_client_forgets_its_suspension(payments: Client, cast: SimpleNamespace) -> None:
    suspend_client(payments, note="First", by=cast.admin)
    resume_client(payments, by=cast.admin)
    payments.refresh_from_db()
    assert not payments.is_suspended
    assert (payments.suspended_by, payments.suspension_note) == (None, "")
    assert events(Verb.RESUME_CLIENT) == [(cast.admin, payments, None, {})]


def test_resuming_a_client_that_is_not_suspended_records_nothing(
    payments: Client, cast: SimpleNamespace
) -> None:
    resume_client(payments, by=cast.admin)
    assert not events(Verb.RESUME_CLIENT)


@pytest.mark.parametrize("name", ["", " \t", "\u200b\u2060", "a\nb", "a\0b", "x" * 101, "\u202ea"])
def test_a_name_that_nobody_can_read_is_refused(
    payments: Client, cast: SimpleNamespace, name: str
) -> None:
    before = Event.objects.count()
    with pytest.raises(UnfitInput) as creating:
        create_client(name=name, by=cast.alice)
    with pytest.raises(UnfitInput) as changing:
        change_client(payments, name=name, contacts=[], redirect_uris=[], by=cast.alice)
    assert creating.value.field == changing.value.field == "name"
    assert Event.objects.count() == before


INVISIBLE = [
    *("Pay\u200bments", "Payments\u00ad", "Pay\u200dments", "\ufeffPayments", "Pay\u3164ments"),
    *("Payments\ufe0f", "Pay\u2800ments", "Payments\U000e0020", "日\u200c本", "Pay\u2060ments"),
]


@pytest.mark.parametrize("name", INVISIBLE, ids=ascii)
def test_a_name_that_looks_like_another_is_refused(cast: SimpleNamespace, name: str) -> None:
    with pytest.raises(UnfitInput, match="invisible character"):
        create_client(name=name, by=cast.bob)


@pytest.mark.parametrize(
    "name",
    [
        *("Key portal", "The KEY-PORTAL", "Keyportal: sign in", "K e y p0rta1", "K\u00e9y portal"),
        *("\uff2bey portal", "\u041a\u0435\u0443 \u0440\u043e\u0433\u0442\u0430\u04cf"),
    ],
    ids=ascii,
)
def test_no_client_has_the_portals_name(payments: Client, cast: SimpleNamespace, name: str) -> None:
    with pytest.raises(UnfitInput, match="the portal's own name"):
        create_client(name=name, by=cast.alice)
    with pytest.raises(UnfitInput, match="the portal's own name"):
        change_client(payments, name=name, contacts=[], redirect_uris=[], by=cast.alice)


def test_no_word_of_a_name_mixes_scripts(cast: SimpleNamespace) -> None:
    with pytest.raises(UnfitInput, match="mixes Latin and Cyrillic letters"):
        create_client(name="P\u0430yments", by=cast.bob)
    create_client(name="Payments \u0411\u0430\u043d\u043a", by=cast.bob)


@pytest.mark.parametrize(
    "name",
    [
        *("x" * 100, "日本の銀行", "بانک\u200cملی", "👩‍💻 Team", "❤️ Pay", "O'Brien & <Sons>"),
        *("क्\u200dष", "Monkey portals"),
    ],
)
def test_a_name_may_be_of_any_script(cast: SimpleNamespace, name: str) -> None:
    assert Client.objects.get(pk=create_client(name=name, by=cast.bob).pk).name == name


@pytest.mark.parametrize(
    "contacts",
    [["nobody"], [""], ["a\0@example.com"], [f"{'x' * 250}@example.com"]],
)
def test_contacts_are_email_addresses(cast: SimpleNamespace, contacts: list[str]) -> None:
    with pytest.raises(UnfitInput) as refusal:
        create_client(name="A", contacts=contacts, by=cast.bob)
    assert refusal.value.field == "contacts"


def test_a_contact_given_twice_is_kept_once(cast: SimpleNamespace) -> None:
    given = ["a@example.com", " a@example.com\n"]
    assert create_client(name="A", contacts=given, by=cast.bob).contacts == ["a@example.com"]


def test_contacts_are_no_mailing_list(cast: SimpleNamespace) -> None:
    with pytest.raises(UnfitInput, match=r"These are 21 contacts\. Enter at most 20"):
        create_client(name="A", contacts=[f"{n}@example.com" for n in range(21)], by=cast.bob)
