"""Check the ledger: each event is what was hashed, and none is missing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from portal.core.ledger import VERSION, Entry, Tree
from portal.core.signed_note import Checkpoint
from portal.registry.models import Event, Ledger
from portal.registry.models.appending import entry_of, number_older, tree_of

_BATCH: Final = 1000


@dataclass(frozen=True, slots=True)
class Stored:
    """An event as stored: its content, and the leaf hash and version stored with it."""

    entry: Entry
    leaf: str
    version: int


class LedgerDiffers(Exception):  # noqa: N818 - the name says what happened
    """Events are not what was hashed. The message names the first number that differs."""


def rebuild(events: Iterable[Stored], checkpoint: Checkpoint | None = None) -> Tree:
    """Return the tree over the events, which must be ordered by number.

    Raises `LedgerDiffers` at the first event that is missing or is not what was hashed, and if the
    tree does not match the checkpoint.
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
    """Check all events against their hashes, the head and a checkpoint; return the head.

    First numbers the events that an older version of the portal wrote without a number. Holds a
    thousand events in memory at a time. Raises `LedgerDiffers`.
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
    # One statement reads size and events, so an event added meanwhile is not reported.
    beyond = Event.objects.filter(number__gt=Ledger.objects.values("size")).order_by("number")
    if extra := beyond.first():
        raise LedgerDiffers(f"Event {extra.number} is beyond the head, which counts fewer.")
    return head


def _compare(tree: Tree, checkpoint: Checkpoint | None) -> None:
    if checkpoint and tree.size == checkpoint.size and tree.root != checkpoint.root:
        raise LedgerDiffers(
            f"The root of events 1 to {tree.size} is {tree.root.hex()}, and the checkpoint was "
            f"signed for {checkpoint.root.hex()}: one of them was changed after that, together "
            "with all hashes."
        )


def _stored(size: int) -> Iterator[Stored]:
    """Yield the events with numbers up to `size`, in order."""
    key = ("client", "key", "actor_key__client")
    unused = ("key__pem", "key__jwk", "actor_key__pem", "actor_key__jwk")
    rows = Event.objects.select_related(*key).defer(*unused).order_by("number")
    last = 0
    while batch := list(rows.filter(number__gt=last, number__lte=size)[:_BATCH]):
        for event in batch:
            yield Stored(entry_of(event), event.leaf or "", event.version or 0)
        last = batch[-1].number or 0
