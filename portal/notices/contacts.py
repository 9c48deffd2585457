"""Questions to the addresses that clients name, and the contacts that have agreed."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from allauth.account.models import EmailAddress
from django.urls import reverse

from portal.accounts.mail import queue
from portal.core.dates import time_text
from portal.notices.addresses import question, token_of
from portal.notices.kinds import CAN, KEY_MANAGERS
from portal.notices.messages import absolute, message, one_click
from portal.notices.models import AskedAddress, Purpose
from portal.notices.quoting import address, quoted, unlinked
from portal.notices.recipients import Recipient
from portal.registry.choices import Role, Verb
from portal.registry.models import Client, Event, PendingMember

_LIFE: Final = timedelta(days=3)


def ask_contacts(client: Client, *, by_id: int, now: datetime) -> None:
    """Ask those contacts of the client that were never asked whether they want its notices.

    The caller holds the lock of the `Position`.
    """
    known = AskedAddress.objects.filter(client=client, purpose=Purpose.CONTACT)
    for email in sorted(listed(client) - set(known.values_list("email", flat=True))):
        if email in _key_managers(client):
            continue
        asked = question(client, email, Purpose.CONTACT, by_id=by_id, now=now)
        if asked is None:
            continue
        token = token_of(asked)
        context = {
            "client": quoted(client.name),
            "url": absolute(reverse("notices_agreement", args=[token])),
            "stop_url": absolute(reverse("notices_stop", args=[token])),
            "silence_url": absolute(reverse("notices_silence", args=[token])),
        }
        subject = f"{unlinked(client.name)}: do you want the notices of this client?"
        headers = one_click(token)
        sent = message("question", subject, context, to=email, now=now, headers=headers)
        queue(sent, life=_LIFE, now=now, is_notice=True)


def ask_to_join(pending: PendingMember, now: datetime) -> None:
    """Tell a person that they are asked to join a client.

    The caller holds the lock of the `Position`.
    """
    client, by = pending.client, pending.asked_by
    asked = question(client, pending.email, Purpose.MEMBER, by_id=by.pk, now=now)
    if asked is None:
        return
    token, role = token_of(asked), Role(pending.role).label.lower()
    context = {
        "client": quoted(client.name),
        "by": address(by.email),
        "role": role,
        "can": CAN[Role(pending.role)],
        "ends_at": time_text(pending.ends_at),
        "url": absolute(reverse("clients")),
        "silence_url": absolute(reverse("notices_silence", args=[token])),
    }
    subject = f"{unlinked(client.name)}: {address(by.email)} asks you to join as {role}"
    headers = one_click(token)
    sent = message("join", subject, context, to=pending.email, now=now, headers=headers)
    queue(sent, life=min(_LIFE, pending.ends_at - now), now=now, is_notice=True)


def ask_addresses(event: Event, now: datetime) -> None:
    """Ask the addresses that an event names: contacts of a client, and a person who is to join.

    The caller holds the lock of the `Position`.
    """
    client = event.client
    if client is None or client.deleted:
        return
    if event.verb in {Verb.CREATE_CLIENT, Verb.CHANGE_CLIENT}:
        ask_contacts(client, by_id=event.actor_user_id or client.created_by_id, now=now)
    elif event.verb == Verb.ASK_MEMBER:
        found = client.pending_members.filter(pk=event.detail["pending_id"])
        pending = found.open(now).select_related("client", "asked_by").first()
        if pending:
            ask_to_join(pending, now)


def agreed_contacts(client: Client) -> list[Recipient]:
    """Return the contacts that get the notices of the client, but no member that gets them."""
    agreed = AskedAddress.objects.filter(
        client=client,
        purpose=Purpose.CONTACT,
        agreed_at__isnull=False,
        email__in=listed(client) - _key_managers(client),
    )
    return [
        Recipient(
            f"contact {asked.pk}",
            asked.email,
            f"this address is a contact of {quoted(client.name)} and agreed to get its notices",
            token_of(asked),
        )
        for asked in agreed.order_by("pk")
    ]


def answers(client: Client) -> list[tuple[str, str]]:
    """Return each contact of the client with its answer; "" if it was not asked, as members are."""
    asked = AskedAddress.objects.filter(
        client=client, purpose=Purpose.CONTACT, email__in=listed(client)
    )
    answer = {each.email: each.answer for each in asked}
    return [(contact, answer.get(contact.lower(), "")) for contact in client.contacts]


def listed(client: Client) -> set[str]:
    """Return the addresses of the client's contacts, in lower case."""
    return {contact.lower() for contact in client.contacts}


def _key_managers(client: Client) -> set[str]:
    """Return the confirmed addresses of the owners and developers, who get notices anyway."""
    members = client.memberships.filter(role__in=KEY_MANAGERS, user__is_active=True)
    confirmed = EmailAddress.objects.filter(user__in=members.values("user"), verified=True)
    return set(confirmed.filter(email__in=listed(client)).values_list("email", flat=True))
