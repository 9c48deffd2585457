"""Checking the ledger: each event is what was hashed, and keys and clients are as events say."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from operator import itemgetter
from typing import Any, Final, TypeVar

from django.db import transaction
from django.db.models import FilteredRelation, Model, Q
from django.utils.dateparse import parse_datetime

from portal.core.jwk import published_jwk
from portal.core.ledger import VERSION, Entry, Tree
from portal.core.public_key.parse import parse_public_key
from portal.core.reasons import Refused
from portal.core.signed_note import Checkpoint
from portal.registry.choices import Verb
from portal.registry.models import BlockedKey, Client, ClientKey, Event, Ledger
from portal.registry.models.appending import entry_of, number_older, tree_of

Row = TypeVar("Row", bound=Model)

_BATCH: Final = 1000
_FEW: Final = 200
"""How many clients or keys are read at once, with their events."""
_KEY_VERBS: Final = (
    *(Verb.REGISTER_KEY, Verb.CONFIRM_KEY, Verb.RETIRE_KEY, Verb.KEEP_KEY, Verb.REVOKE_KEY),
)
_CLIENT_VERBS: Final = (Verb.CREATE_CLIENT, Verb.SUSPEND_CLIENT, Verb.RESUME_CLIENT)
_SWITCH: Final = (Verb.SUSPEND_CLIENT, Verb.RESUME_CLIENT)


@dataclass(frozen=True, slots=True)
class Stored:
    """An event as it was found: its facts, and the leaf hash and version that stand beside them."""

    entry: Entry
    leaf: str
    version: int


class LedgerDiffers(Exception):  # noqa: N818 - it reads as what it is
    """Events are not what was hashed; the text names the first number that differs."""


def rebuild(events: Iterable[Stored], checkpoint: Checkpoint | None = None) -> Tree:
    """Return the tree over the events, which come in the order of their numbers.

    Raises `LedgerDiffers` at the first event that is not the next one, or not what was hashed, and
    where the tree is not the one of a checkpoint that was kept elsewhere.
    """
    tree = Tree.empty()
    _compare(tree, checkpoint)
    for event in events:
        expected, number = tree.size + 1, event.entry.number
        if number != expected:
            raise LedgerDiffers(f"Event {expected} is missing: event {number} is next.")
        if event.version != VERSION:
            raise LedgerDiffers(
                f"Event {number} has version {event.version}; this portal knows {VERSION}."
            )
        try:
            leaf = event.entry.leaf
        except (ValueError, TypeError, AttributeError):
            leaf = b""
        if leaf.hex() != event.leaf:
            raise LedgerDiffers(f"Event {number} is not what was recorded: its leaf hash differs.")
        tree.append(leaf)
        _compare(tree, checkpoint)
    if checkpoint and tree.size < checkpoint.size:
        raise LedgerDiffers(
            f"The checkpoint was signed for {checkpoint.size} events, and there are {tree.size}: "
            "the newest were removed, or an older copy of the database was restored."
        )
    return tree


def verify_events(checkpoint: Checkpoint | None = None) -> Ledger:
    """Check all events against their hashes, the head and a checkpoint, and return the head.

    Events without a number, of a portal of the version before, are numbered first. Raises
    `LedgerDiffers`. Holds a thousand events in memory at a time.
    """
    while number_older(Event, Ledger, limit=_BATCH):
        pass
    head = Ledger.head()
    tree = rebuild(_stored(head.size), checkpoint)
    if tree.size < head.size:
        raise LedgerDiffers(f"Event {tree.size + 1} is missing: the head counts {head.size}.")
    if tree.root.hex() != head.root:
        expected = tree_of(head).frontier
        for first, last, subtree in tree.subtrees():
            if subtree not in expected:
                raise LedgerDiffers(
                    f"Events {first} to {last} are not those that the head was made of: "
                    "an event and its leaf hash were changed together."
                )
        raise LedgerDiffers(f"The root of the head is not that of its {head.size} events.")
    # One statement, so that an event that comes meanwhile is no surprise.
    beyond = Event.objects.filter(number__gt=Ledger.objects.values("size")).order_by("number")
    if extra := beyond.first():
        raise LedgerDiffers(f"Event {extra.number} is beyond the head, which counts fewer.")
    return head


def wrong_states() -> Iterator[str]:
    """Yield a sentence for each client, key and block whose state is not what its events say."""
    for clients in _grouped(Client, _CLIENT_VERBS):
        for client, events in clients:
            for problem in _client_problems(client, events):
                yield f"Client {client.client_id}: {problem}."
    for keys in _grouped(ClientKey, _KEY_VERBS):
        for key, events in keys:
            for problem in _key_problems(key, events):
                # A query for each problem, of which there are none or few.
                yield f"Key {key.kid} of client {key.client.client_id}: {problem}."
    yield from _missing_blocks()


def _compare(tree: Tree, checkpoint: Checkpoint | None) -> None:
    if checkpoint and tree.size == checkpoint.size and tree.root != checkpoint.root:
        raise LedgerDiffers(
            f"The root of events 1 to {tree.size} is {tree.root.hex()}, and the checkpoint was "
            f"signed for {checkpoint.root.hex()}: one of them was changed after that, together "
            "with all hashes."
        )


def _stored(size: int) -> Iterator[Stored]:
    """Yield the events with numbers up to `size`, in their order."""
    key = ("client", "key", "actor_key__client")
    unused = ("key__pem", "key__jwk", "actor_key__pem", "actor_key__jwk")
    rows = Event.objects.select_related(*key).defer(*unused).order_by("number")
    last = 0
    while batch := list(rows.filter(number__gt=last, number__lte=size)[:_BATCH]):
        for event in batch:
            yield Stored(entry_of(event), event.leaf or "", event.version or 0)
        last = batch[-1].number or 0


def _grouped(model: type[Row], verbs: Sequence[str]) -> Iterator[Iterator[tuple[Row, list[Event]]]]:
    """Yield all rows of the model, some at a time, each with its events of these verbs.

    Row and events come from one statement, so that a verb that commits meanwhile is in both.
    """
    last = 0
    rows = model._default_manager.order_by("pk")  # noqa: SLF001 - Django's name
    names = [field.attname for field in model._meta.concrete_fields]  # noqa: SLF001 - Django's name
    while pks := list(rows.filter(pk__gt=last).values_list("pk", flat=True)[:_FEW]):
        said = FilteredRelation("events", condition=Q(events__verb__in=verbs))
        joined = rows.filter(pk__in=pks).annotate(said=said).order_by("pk", "said__number")
        found = joined.values_list(*names, "said__verb", "said__client_id", "said__detail")
        # In a transaction the rows of a statement are fetched some at a time.
        with transaction.atomic():
            yield _rows_with_events(model, names, found.iterator(chunk_size=_BATCH))
        last = pks[-1]


def _rows_with_events(
    model: type[Row], names: Sequence[str], found: Iterable[tuple[Any, ...]]
) -> Iterator[tuple[Row, list[Event]]]:
    width = len(names)
    for _, joined in groupby(found, key=itemgetter(0)):
        lines = list(joined)
        row = model(**dict(zip(names, lines[0][:width], strict=True)))
        events = [
            Event(verb=verb, client_id=client, detail=detail)
            for verb, client, detail in (line[width:] for line in lines)
            if verb
        ]
        yield row, events


def _client_problems(client: Client, events: Sequence[Event]) -> Iterator[str]:
    verbs = [event.verb for event in events]
    if verbs.count(Verb.CREATE_CLIENT) != 1:
        yield "no event creates it"
    suspended = next(
        (verb == Verb.SUSPEND_CLIENT for verb in reversed(verbs) if verb in _SWITCH), False
    )
    if client.is_suspended != suspended:
        yield _unlike("suspended", is_so=client.is_suspended)


def _key_problems(key: ClientKey, events: Sequence[Event]) -> Iterator[str]:
    of = {verb: [event for event in events if event.verb == verb] for verb in _KEY_VERBS}
    if len(of[Verb.REGISTER_KEY]) != 1:
        yield "no event registers it"
        return
    [registered] = of[Verb.REGISTER_KEY]
    if registered.client_id != key.client_id:
        yield "it was registered for another client"
    yield from _material_problems(key, registered.detail)
    for name in ("not_before", "expires_at", "confirmation_required"):
        # Events of earlier versions do not have them.
        if name in registered.detail and getattr(key, name) != _fact(registered.detail[name]):
            yield f"its {name} is not what was registered"
    confirmed = bool(of[Verb.CONFIRM_KEY])
    if bool(key.confirmed_at) != confirmed:
        yield _unlike("confirmed", is_so=not confirmed)
    if key.retires_at != _end(events):
        yield "it retires at another time than its events say"
    revoked = bool(of[Verb.REVOKE_KEY])
    if bool(key.revoked_at) != revoked:
        yield _unlike("revoked", is_so=not revoked)
    elif revoked and of[Verb.REVOKE_KEY][-1].detail.get("reason") != key.revocation_reason:
        yield "it was revoked for another reason"


def _material_problems(key: ClientKey, registered: Mapping[str, Any]) -> Iterator[str]:
    """Yield what differs of the key itself: the kid is its thumbprint, so all of it is bound."""
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
    """Return when the last event that moved the key's end lets it retire."""
    for event in reversed(events):
        if event.verb == Verb.KEEP_KEY:
            return None
        if event.verb == Verb.RETIRE_KEY:
            return parse_datetime(str(event.detail.get("retires_at")))
    return None


def _missing_blocks() -> Iterator[str]:
    """Yield a sentence for each public key that an event blocks and that is not blocked."""
    events = Event.objects.filter(verb=Verb.BLOCK_KEY).order_by("pk")
    last = 0
    while batch := list(events.filter(pk__gt=last).values_list("pk", "detail")[:_BATCH]):
        said = [str(detail.get("spki_sha256")) for _, detail in batch]
        blocked = set(BlockedKey.objects.filter(pk__in=said).values_list("pk", flat=True))
        for spki_sha256 in said:
            if spki_sha256 not in blocked:
                yield f"Block of {spki_sha256}: an event blocks this key, and it is not blocked."
        last = batch[-1][0]


def _unlike(state: str, *, is_so: bool) -> str:
    return f"it is {state}, and no event says so" if is_so else f"an event says it is {state}"


def _fact(said: object) -> object:
    return parse_datetime(said) if isinstance(said, str) else said
