"""E-mail addresses that a client names: each is asked one question, and gets nothing before yes.

Anybody can enter anybody's address, as a contact or as a person to join. So there are few open
questions at a time: to an address, about a client, and in the name of a person.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from django.core.signing import BadSignature, Signer
from django.db import transaction
from django.utils import timezone

from portal.notices.models import AskedAddress, Purpose, SilentAddress
from portal.registry.models import Client
from portal.registry.models.pending_member import OPEN_FOR

MAX_PER_ADDRESS: Final = 3
MAX_PER_CLIENT: Final = 10
MAX_PER_PERSON: Final = 20
"""How many questions may be open at a time: in the 14 days in which a person can join."""

_SIGNER: Final = "portal.notices.addresses"


def question(
    client: Client, email: str, purpose: Purpose, *, by_id: int, now: datetime
) -> AskedAddress | None:
    """Return the question that may be sent to the address now; None if it may not be.

    The caller holds the lock of the `Position`. A contact is asked once, ever. A person who is
    asked to join again is asked again when the earlier question has ended.
    """
    email = email.lower()
    if SilentAddress.objects.filter(pk=email).exists():
        return None
    asked = AskedAddress.objects.filter(client=client, email=email, purpose=purpose).first()
    begin = now - OPEN_FOR
    if asked and (purpose == Purpose.CONTACT or asked.stopped_at or asked.asked_at > begin):
        return None
    is_open = AskedAddress.objects.filter(asked_at__gt=begin, agreed_at=None, stopped_at=None)
    if (
        is_open.filter(email=email)[:MAX_PER_ADDRESS].count() == MAX_PER_ADDRESS
        or is_open.filter(client=client)[:MAX_PER_CLIENT].count() == MAX_PER_CLIENT
        or is_open.filter(asked_by=by_id)[:MAX_PER_PERSON].count() == MAX_PER_PERSON
    ):
        return None
    asked = asked or AskedAddress(client=client, email=email, purpose=purpose)
    asked.asked_at, asked.asked_by_id = now, by_id
    asked.save()
    return asked


def token_of(asked: AskedAddress) -> str:
    """Return what proves that somebody has read an e-mail to this address."""
    return Signer(salt=_SIGNER, sep=".").sign(str(asked.pk))


def asked_of(token: str) -> AskedAddress | None:
    """Return the question with this token; None if there is none, or if its client is deleted."""
    try:
        pk = Signer(salt=_SIGNER, sep=".").unsign(token)
    except BadSignature:
        return None
    found = AskedAddress.objects.filter(pk=pk, client__deleted=False)
    return found.select_related("client").first()


@transaction.atomic
def agree(asked: AskedAddress) -> None:
    """Send the address the notices of the client from now on."""
    SilentAddress.objects.filter(pk=asked.email).delete()
    same = AskedAddress.objects.filter(pk=asked.pk)
    same.update(agreed_at=timezone.now(), stopped_at=None)


def stop(asked: AskedAddress) -> None:
    """Send the address nothing more about the client."""
    same = AskedAddress.objects.filter(pk=asked.pk)
    same.update(agreed_at=None, stopped_at=timezone.now())


@transaction.atomic
def silence(asked: AskedAddress) -> None:
    """Send the address no question and no notice of any client."""
    now = timezone.now()
    AskedAddress.objects.filter(email=asked.email).update(agreed_at=None, stopped_at=now)
    SilentAddress.objects.get_or_create(pk=asked.email, defaults={"at": now})
