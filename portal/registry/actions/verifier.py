"""Add, change and remove a verifier, with the times after which it knows a new key."""

from __future__ import annotations

from portal.accounts.models import User
from portal.registry.choices import Verb
from portal.registry.errors import UnfitInput
from portal.registry.models import Event, Verifier, recording
from portal.registry.models.verifier import LONGEST_S
from portal.registry.replacements import MOST_VERIFIERS
from portal.registry.validation import clean_line


@recording()
def save_verifier(
    verifier: Verifier | None,
    *,
    name: str,
    keeps_s: int | None,
    looks_after_s: int | None,
    by: User,
) -> Verifier:
    """Change the verifier, or add one (None). Without a change it records nothing.

    Raises `UnfitInput`, also if another verifier has the name or there are too many.
    """
    after = {
        "name": clean_line(name, field="name"),
        "keeps_s": _seconds(keeps_s, "keeps_s"),
        "looks_after_s": _seconds(looks_after_s, "looks_after_s"),
    }
    others = Verifier.objects.all()
    if verifier is not None:
        others = others.exclude(pk=verifier.pk)
    if others.filter(name__iexact=after["name"]).exists():
        raise UnfitInput("There is a verifier with this name.", field="name")
    if verifier is None and others.count() >= MOST_VERIFIERS:
        raise UnfitInput(f"There are {MOST_VERIFIERS} verifiers. Remove one first.", field="name")
    saved = verifier or Verifier()
    before = {field: getattr(saved, field) for field in after}
    if before == after:
        return saved
    for field, value in after.items():
        setattr(saved, field, value)
    saved.save()
    detail = {"before": before if verifier else None, "after": after}
    Event.objects.record(Verb.CHANGE_VERIFIER, by=by, detail=detail)
    return saved


@recording()
def remove_verifier(verifier: Verifier, *, by: User) -> None:
    """Remove the verifier: nobody here verifies with it. Idempotent."""
    before = {name: getattr(verifier, name) for name in ("name", "keeps_s", "looks_after_s")}
    removed, _ = Verifier.objects.filter(pk=verifier.pk).delete()
    if removed:
        detail = {"before": before, "after": None}
        Event.objects.record(Verb.CHANGE_VERIFIER, by=by, detail=detail)


def _seconds(value: int | None, field: str) -> int | None:
    if value is not None and not 0 <= value <= LONGEST_S:
        raise UnfitInput(f"Enter at most {LONGEST_S} seconds, which is 30 days.", field=field)
    return value
