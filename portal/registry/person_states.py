"""Compare accounts with what events record: who is an admin, and who is deactivated."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from django.db import transaction

from portal.accounts.models import User
from portal.registry.choices import Verb
from portal.registry.models import Event

_ADMIN: Final = {Verb.GRANT_ADMIN: True, Verb.WITHDRAW_ADMIN: False}
_DEACTIVATED: Final = {Verb.DEACTIVATE_PERSON: True, Verb.ACTIVATE_PERSON: False}


class _State(NamedTuple):
    is_admin: bool = False
    is_deactivated: bool = False


def person_problems() -> Iterator[str]:
    """Yield a sentence for each person whose account contradicts the events."""
    said = _said()
    people = User.objects.order_by("pk").values_list("pk", "is_staff", "is_active")
    suspects = [
        pk
        for pk, is_admin, is_active in people.iterator()
        if said.get(pk, _State()) != (is_admin, not is_active)
    ]
    for pk in suspects:
        yield from _lasting_problems(pk)


def _lasting_problems(pk: int) -> list[str]:
    """Check a person again with the row locked, so that no action is changing it."""
    with transaction.atomic():
        person = User.objects.select_for_update(no_key=True).get(pk=pk)
        said = _said().get(pk, _State())
    clauses = {
        "an admin": (person.is_staff, said.is_admin),
        "deactivated": (not person.is_active, said.is_deactivated),
    }
    return [
        f"Person {person.email} is {state}, and no event says so."
        if is_so
        else f"Person {person.email} is not {state}, but an event says so."
        for state, (is_so, is_said) in clauses.items()
        if is_so != is_said
    ]


def _said() -> dict[int, _State]:
    """Return the state that the newest events give each person that they name, by primary key."""
    events = Event.objects.in_order([*_ADMIN, *_DEACTIVATED])
    found = list(events.values_list("verb", "detail__person_id", "detail__person"))
    # Events of earlier versions name a person only by address.
    addresses = {email for _, pk, email in found if pk is None and isinstance(email, str)}
    by_email = User.objects.in_bulk(list(addresses), field_name="email") if addresses else {}
    states: dict[int, _State] = {}
    for verb, person_id, email in found:
        person = by_email.get(email) if person_id is None and isinstance(email, str) else None
        pk = person.pk if person else person_id
        if not isinstance(pk, int):
            continue
        state = states.get(pk, _State())
        if verb in _ADMIN:
            states[pk] = state._replace(is_admin=_ADMIN[Verb(verb)])
        else:
            states[pk] = state._replace(is_deactivated=_DEACTIVATED[Verb(verb)])
    return states
