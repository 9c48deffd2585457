"""The evidence on the page of a replacement: what is known about each step, and since when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from portal.core.algorithms import ALGORITHMS, PUBLIC_HALF
from portal.core.replacement import STEPS, Cache, Facts, Step
from portal.registry.choices import Verb
from portal.registry.models import ClientKey, Replacement
from portal.registry.replacements import (
    Reports,
    caches,
    facts_of,
    note_published,
    shared_seconds,
)
from portal.registry.uses import Uses, uses_of
from portal.web.addresses import addresses_of
from portal.web.keys.usage import RECENT

_TITLES = {
    Step.REGISTER: "Register the new key",
    Step.CONFIRM: "Confirm the new key",
    Step.PUBLISH: "Publish the new key",
    Step.USE: "Sign with the new key",
    Step.RETIRE: "Retire the old key",
}


@dataclass(frozen=True, slots=True)
class StepRow:
    """A step as the page lists it."""

    step: Step
    title: str
    is_done: bool
    is_next: bool


@dataclass(frozen=True, slots=True)
class VerifierRow:
    """When a kind of verifier knows the new key; None if only its operators know."""

    cache: Cache
    knows_at: datetime | None


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything that the page says about a replacement at one moment."""

    step: Step
    steps: list[StepRow]
    facts: Facts
    known: bool
    reports: Reports
    old_uses: Uses
    old_in_use: bool
    """Whether the old key was used within `RECENT`."""
    new_uses: Uses | None
    verifiers: list[VerifierRow]
    commands: tuple[str, str]
    """They make the key pair and its public half."""
    look: str
    """The command that looks for the new key in the JWKS."""
    lost_new: bool
    """Whether a planned retirement was cancelled because the new key ends before it."""
    undo_until: datetime | None
    """Until when the retirement of the old key can be undone; None if it cannot."""


def evidence_of(replacement: Replacement, now: datetime) -> Evidence:
    """Return the evidence; also stores since when the new key is published."""
    found = note_published(replacement, now)
    facts = facts_of(replacement)
    step = facts.next_step(now)
    old, new = replacement.old, replacement.new
    old_uses = uses_of(old, now)
    last = old_uses.last_at
    order = [*STEPS, Step.DONE]
    place = order.index(step)
    return Evidence(
        step=step,
        steps=[
            StepRow(each, _TITLES[each], order.index(each) < place, each == step) for each in STEPS
        ],
        facts=facts,
        known=facts.is_known(now),
        reports=found,
        old_uses=old_uses,
        old_in_use=last is not None and now - last < RECENT,
        new_uses=uses_of(new, now) if new else None,
        verifiers=_verifiers(replacement.published_at),
        commands=(ALGORITHMS[old.alg].generate, PUBLIC_HALF),
        look=_look(new) if new else "",
        lost_new=_is_kept(replacement),
        undo_until=old.lifecycle.undo_until(now),
    )


def _is_kept(replacement: Replacement) -> bool:
    decides = replacement.old.events.filter(verb__in=[Verb.KEEP_KEY, Verb.RETIRE_KEY])
    last = decides.order_by("-pk").first()
    new = replacement.new
    return bool(last and new and last.detail.get("new_kid") == new.kid)


def other_keys(key: ClientKey, now: datetime) -> list[ClientKey]:
    """Return the client's other current keys, newest first, with their last use."""
    keys = key.client.keys.current(now).exclude(pk=key.pk).with_last_used()
    return list(keys.order_by("-registered_at", "-pk"))


def _verifiers(published_at: datetime | None) -> list[VerifierRow]:
    """Return the verifiers, those that know a new key last first, and the unknown ones last."""
    found = [VerifierRow(cache, _knows_at(cache, published_at)) for cache in caches()]
    return sorted(found, key=_slowest_first)


def _slowest_first(row: VerifierRow) -> int:
    after = row.cache.knows_after_s
    return 1 if after is None else -after


def _knows_at(cache: Cache, published_at: datetime | None) -> datetime | None:
    if published_at is None or cache.knows_after_s is None:
        return None
    return published_at + timedelta(seconds=shared_seconds() + cache.knows_after_s)


def _look(key: ClientKey) -> str:
    addresses = addresses_of(key.client)
    jwks = addresses.jwks_extended if ALGORITHMS[key.alg].extended else addresses.jwks
    return f"curl --silent {jwks} | grep --fixed-strings -- {key.kid}"
