"""Check that clients, keys, blocks and people are in the state that events record."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import groupby
from operator import itemgetter
from typing import Any, Final, TypeVar

from django.db import transaction
from django.db.models import FilteredRelation, Model, Q
from django.utils.dateparse import parse_datetime

from portal.core.jwk import published_jwk
from portal.core.public_key.parse import parse_public_key
from portal.core.reasons import Refused
from portal.registry.choices import Verb
from portal.registry.client_states import (
    CLIENT_VERBS,
    client_problems,
    members_of,
    pending_of,
    unlike,
)
from portal.registry.locks import lock_client
from portal.registry.models import BlockedKey, Client, ClientKey, Event
from portal.registry.person_states import person_problems
from portal.registry.policy_states import policy_problems

Row = TypeVar("Row", bound=Model)

_BATCH: Final = 1000
_FEW: Final = 200
"""How many clients or keys one query reads, with their events."""
_EVENT: Final = ("verb", "client_id", "actor_user_id", "detail")
_KEY_VERBS: Final = (
    *(Verb.REGISTER_KEY, Verb.CHANGE_KEY, Verb.CONFIRM_KEY, Verb.RETIRE_KEY, Verb.KEEP_KEY),
    Verb.REVOKE_KEY,
)


def wrong_states() -> Iterator[str]:
    """Yield a sentence for each row that contradicts the events.

    Of clients, keys, blocks, people, rules of the key policy, and calendar addresses.
    """
    for pks, clients in _grouped(Client, CLIENT_VERBS):
        members, pending = members_of(pks), pending_of(pks)
        suspects = [
            client
            for client, events in clients
            if any(
                _told(
                    client_problems(
                        client, members.get(client.pk, []), pending.get(client.pk, []), events
                    )
                )
            )
        ]
        for client in suspects:
            yield from _lasting_problems(client)
    for _, keys in _grouped(ClientKey, _KEY_VERBS):
        for key, events in keys:
            for problem in _told(_key_problems(key, events)):
                # One query for each problem: there are few or none.
                yield f"Key {key.kid} of client {key.client.client_id}: {problem}."
    yield from _missing_blocks()
    yield from person_problems()
    yield from _told(policy_problems())


def _lasting_problems(client: Client) -> list[str]:
    """Check a client again with its lock held, so that no verb is changing it; return problems."""
    with transaction.atomic():
        locked = lock_client(client)
        events = list(locked.events.in_order(CLIENT_VERBS))
        members = members_of([locked.pk]).get(locked.pk, [])
        pending = pending_of([locked.pk]).get(locked.pk, [])
        problems = _told(client_problems(locked, members, pending, events))
        return [f"Client {locked.client_id}: {problem}." for problem in problems]


def _told(problems: Iterator[str]) -> Iterator[str]:
    """Yield the problems. An event that cannot be read is one too and does not stop the check."""
    try:
        yield from problems
    except (AttributeError, KeyError, TypeError, ValueError):
        yield "the detail of an event is not what the portal records"


def _grouped(
    model: type[Row], verbs: Sequence[str]
) -> Iterator[tuple[list[int], Iterator[tuple[Row, list[Event]]]]]:
    """Yield batches of the model's rows: their ids, and each row with its events of these verbs.

    One statement reads rows and events, so a verb that commits meanwhile is in both or in neither.
    """
    last = 0
    rows = model._default_manager.order_by("pk")  # noqa: SLF001 - Django's name
    names = [field.attname for field in model._meta.concrete_fields]  # noqa: SLF001 - Django's name
    while pks := list(rows.filter(pk__gt=last).values_list("pk", flat=True)[:_FEW]):
        said = FilteredRelation("events", condition=Q(events__verb__in=verbs))
        joined = rows.filter(pk__in=pks).annotate(said=said).order_by("pk", "said__number")
        found = joined.values_list(*names, *(f"said__{name}" for name in _EVENT))
        # A server-side cursor, which fetches rows in chunks, needs a transaction.
        with transaction.atomic():
            yield pks, _rows_with_events(model, names, found.iterator(chunk_size=_BATCH))
        last = pks[-1]


def _rows_with_events(
    model: type[Row], names: Sequence[str], found: Iterable[tuple[Any, ...]]
) -> Iterator[tuple[Row, list[Event]]]:
    width = len(names)
    for _, joined in groupby(found, key=itemgetter(0)):
        lines = list(joined)
        row = model(**dict(zip(names, lines[0][:width], strict=True)))
        said = (dict(zip(_EVENT, line[width:], strict=True)) for line in lines)
        events = [Event(**event) for event in said if event["verb"]]
        yield row, events


def _key_problems(key: ClientKey, events: Sequence[Event]) -> Iterator[str]:
    of = {verb: [event for event in events if event.verb == verb] for verb in _KEY_VERBS}
    if len(of[Verb.REGISTER_KEY]) != 1:
        yield "no event registers it"
        return
    [registered] = of[Verb.REGISTER_KEY]
    if registered.client_id != key.client_id:
        yield "it was registered for another client"
    yield from _material_problems(key, registered.detail)
    said = dict(registered.detail)
    for change in of[Verb.CHANGE_KEY]:
        said |= {name: values["after"] for name, values in change.detail.items()}
    label = said.get("label")
    if isinstance(label, str) and label != key.label:
        yield f"an event labels it “{label}”"
    for name in ("not_before", "expires_at", "confirmation_required"):
        # Earlier versions did not record these members.
        if name in said and getattr(key, name) != _fact(said[name]):
            yield f"its {name} is not what its events say"
    confirmed = bool(of[Verb.CONFIRM_KEY])
    if bool(key.confirmed_at) != confirmed:
        yield unlike("confirmed", is_so=not confirmed)
    if key.retires_at != _end(events):
        yield "it retires at another time than its events say"
    revoked = bool(of[Verb.REVOKE_KEY])
    if bool(key.revoked_at) != revoked:
        yield unlike("revoked", is_so=not revoked)
    elif revoked and of[Verb.REVOKE_KEY][-1].detail.get("reason") != key.revocation_reason:
        yield "it was revoked for another reason"


def _material_problems(key: ClientKey, registered: Mapping[str, Any]) -> Iterator[str]:
    """Yield what differs in the key material. The kid is a thumbprint, so it covers all of it."""
    if (key.kid, key.alg) != (registered.get("kid"), registered.get("alg")):
        yield "it was registered with another kid or algorithm"
    try:
        material = parse_public_key(key.pem)
    except Refused:
        yield "its PEM is not a public key"
        return
    if (material.thumbprint, material.spki_sha256) != (key.kid, key.spki_sha256):
        yield "its PEM is another key than the one that was registered"
    elif published_jwk(material, key.alg) != key.jwk:
        yield "its JWK is not that of its PEM"


def _end(events: Sequence[Event]) -> datetime | None:
    """Return when the key retires according to its newest retire or keep event."""
    for event in reversed(events):
        if event.verb == Verb.KEEP_KEY:
            return None
        if event.verb == Verb.RETIRE_KEY:
            return parse_datetime(str(event.detail.get("retires_at")))
    return None


def _missing_blocks() -> Iterator[str]:
    """Yield a sentence for each public key that an event blocks and that has no block."""
    events = Event.objects.filter(verb=Verb.BLOCK_KEY).order_by("pk")
    last = 0
    rows = events.values_list("pk", "detail__spki_sha256")
    while batch := list(rows.filter(pk__gt=last)[:_BATCH]):
        said = [str(spki_sha256) for _, spki_sha256 in batch]
        blocked = set(BlockedKey.objects.filter(pk__in=said).values_list("pk", flat=True))
        for spki_sha256 in said:
            if spki_sha256 not in blocked:
                yield f"Block of {spki_sha256}: an event blocks this key, and it is not blocked."
        last = batch[-1][0]


def _fact(said: object) -> object:
    return parse_datetime(said) if isinstance(said, str) else said
