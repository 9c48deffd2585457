"""Replace a key: begin, choose the new key, retire the old one, and take the replacement back."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.utils import timezone

from portal.accounts.models import User
from portal.core.dates import time_text
from portal.registry.actions.retire_key import keep_key, retire_key
from portal.registry.choices import Verb
from portal.registry.errors import KeyNotLive, ReplacementWithdrawn, TooEarly, UnfitInput
from portal.registry.locks import lock_client, lock_current_key, lock_with_replaced
from portal.registry.models import ClientKey, Event, Replacement, recording
from portal.registry.replacements import PUBLICATION, facts_of
from portal.work.tasks import put


@recording()
def begin_replacement(key: ClientKey, *, by: User) -> Replacement:
    """Begin to replace the key. Idempotent. Raises `KeyNotLive` if it has ended."""
    key = lock_current_key(key)
    known = key.replacements.standing().first()
    if known is not None:
        return known
    now = timezone.now()
    begun = Replacement.objects.create(client=key.client, old=key, begun_at=now, begun_by=by)
    Event.objects.record(Verb.BEGIN_REPLACEMENT, by=by, client=key.client, key=key)
    return begun


@recording()
def choose_successor(replacement: Replacement, new: ClientKey, *, by: User) -> Replacement:
    """Let this key of the client replace the old one. Idempotent.

    A retirement of the old key that was planned for another new key is cancelled: verifiers may not
    know this one by then. Raises `KeyNotLive` if either key has ended, `UnfitInput` if the new one
    is the old key or not the client's, and `ReplacementWithdrawn`.
    """
    replacement = _locked_standing(replacement)
    locked = lock_with_replaced(replacement.old_id, new.pk)
    old, new = locked[replacement.old_id], locked[new.pk]
    if new.client_id != replacement.client_id or new.pk == replacement.old_id:
        raise UnfitInput("Choose another key of this client.", field="new")
    now = timezone.now()
    if old.lifecycle.is_over(now):
        raise KeyNotLive(f"“{old.label}” has ended, so no key can replace it.")
    if new.lifecycle.is_over(now):
        raise KeyNotLive(f"“{new.label}” has ended, so it cannot replace a key.")
    if replacement.new_id != new.pk:
        if replacement.new_id:
            replacement.old = keep_key(old, by=by)
        replacement.new, replacement.published_at = new, None
        replacement.save(update_fields=["new", "published_at"])
        detail = {"new_kid": new.kid, "new_label": new.label}
        Event.objects.record(
            Verb.CHOOSE_SUCCESSOR, by=by, client=replacement.client, key=old, detail=detail
        )
    put(PUBLICATION, str(replacement.pk), due_at=timezone.now())
    return replacement


@recording()
def retire_replaced(
    replacement: Replacement, *, at: datetime | None, insists: bool, by: User
) -> ClientKey:
    """Retire the old key at a time, or now (None).

    Raises `TooEarly` if verifiers may not know the new key by then, or if that has ended by then,
    unless the person `insists`, `ReplacementWithdrawn`, and otherwise as `retire_key`.
    """
    replacement = _locked_standing(replacement)
    # The new key too: nobody can end it between the check and the retirement.
    pks = [pk for pk in (replacement.old_id, replacement.new_id) if pk]
    locked = lock_with_replaced(*pks)
    replacement.old = locked[replacement.old_id]
    replacement.new = new = locked.get(replacement.new_id or 0)
    now = timezone.now()
    end, facts = at or now, facts_of(replacement)
    if not insists and facts.is_too_early(end, now):
        ends = new.lifecycle.ends_at if new and facts.is_known(now) else None
        if new and ends:
            raise TooEarly(
                f"“{new.label}” ends on {time_text(ends)}, before the old key would. Move its end, "
                "or let the old key retire earlier."
            )
        raise TooEarly(
            "The old key would end before every verifier can know the new one. Choose a later "
            "time, or insist."
        )
    return retire_key(replacement.old, grace=max(end - now, timedelta()), by=by)


@recording()
def withdraw_replacement(replacement: Replacement, *, by: User) -> None:
    """Take the replacement back: a planned retirement of the old key is cancelled. Idempotent.

    Raises `KeyNotLive` if the old key has ended.
    """
    lock_current_key(replacement.old)
    replacement = _locked(replacement)
    if replacement.withdrawn_at:
        return
    replacement.withdrawn_at, replacement.withdrawn_by = timezone.now(), by
    replacement.save(update_fields=["withdrawn_at", "withdrawn_by"])
    keep_key(replacement.old, by=by)
    Event.objects.record(
        Verb.WITHDRAW_REPLACEMENT, by=by, client=replacement.client, key=replacement.old
    )


def _locked_standing(replacement: Replacement) -> Replacement:
    """Return the current row, locked with its client. Raises `ReplacementWithdrawn`."""
    lock_client(replacement.client)
    replacement = _locked(replacement)
    if replacement.withdrawn_at:
        raise ReplacementWithdrawn(
            f"Somebody took the replacement of “{replacement.old.label}” back. Begin it again."
        )
    return replacement


def _locked(replacement: Replacement) -> Replacement:
    rows = Replacement.objects.select_for_update(of=("self",))
    return rows.select_related("client", "old__client", "new").get(pk=replacement.pk)
