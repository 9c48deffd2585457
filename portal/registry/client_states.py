"""Compare a client's row and its members with what its events record."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from django.db.models import Q

from portal.accounts.models import User
from portal.registry.choices import Role, Verb
from portal.registry.models import Client, Event, Membership, PendingMember
from portal.registry.rights import rights_of_new

_SUSPENSION: Final = (Verb.SUSPEND_CLIENT, Verb.RESUME_CLIENT)
_ARCHIVE: Final = (Verb.ARCHIVE_CLIENT, Verb.UNARCHIVE_CLIENT, Verb.DELETE_CLIENT)
_MEMBERS: Final = (
    *(Verb.ADD_MEMBER, Verb.ACCEPT_MEMBERSHIP, Verb.APPOINT_OWNER),
    *(Verb.CHANGE_MEMBER, Verb.REMOVE_MEMBER),
)
_ANSWERS: Final = (Verb.ACCEPT_MEMBERSHIP, Verb.DECLINE_MEMBERSHIP, Verb.WITHDRAW_MEMBER)
CLIENT_VERBS: Final = (
    *(Verb.CREATE_CLIENT, Verb.CHANGE_CLIENT, Verb.CHANGE_RIGHTS),
    *(*_SUSPENSION, *_ARCHIVE, *_MEMBERS, Verb.ASK_MEMBER),
    *(Verb.DECLINE_MEMBERSHIP, Verb.WITHDRAW_MEMBER),
)
"""The verbs whose events record a client's state."""


@dataclass(slots=True)
class _Items:
    """A list of a client according to events: for each item, whether the last event adds it.

    `is_whole` says whether events name all items. Earlier versions did not record what a new client
    had. `is_known` is false once an erased text makes the list unknown.
    """

    named: dict[str, bool] = field(default_factory=dict)
    is_whole: bool = False
    is_known: bool = True

    def start(self, items: object) -> None:
        """Start from the complete list in an event. Ignore anything that is not a list."""
        if isinstance(items, list):
            self.named, self.is_whole = {}, True
            self._name(items, present=True)

    def change(self, difference: Mapping[str, Any]) -> None:
        """Apply what an event added and removed."""
        self._name(difference.get("added") or (), present=True)
        self._name(difference.get("removed") or (), present=False)

    def contradict(self, found: Iterable[str]) -> bool:
        """Return whether the stored list contradicts the events."""
        there, present = set(found), {each for each, is_in in self.named.items() if is_in}
        if not self.is_known:
            return False
        if self.is_whole:
            return there != present
        return not present <= there or bool(there & self.named.keys() - present)

    def _name(self, items: Iterable[Any], *, present: bool) -> None:
        for each in items:
            if isinstance(each, str):
                self.named[each] = present
            else:
                self.is_known = False


class Member(NamedTuple):
    """A member of a client, as stored."""

    person: int
    role: str
    email: str


def members_of(clients: Iterable[int]) -> dict[int, list[Member]]:
    """Return the members of the clients with these primary keys, by primary key."""
    rows = Membership.objects.filter(client__in=clients).order_by("pk")
    members: dict[int, list[Member]] = {}
    for client, person, role, email in rows.values_list(
        "client_id", "user_id", "role", "user__email"
    ):
        members.setdefault(client, []).append(Member(person, role, email))
    return members


def pending_of(clients: Iterable[int]) -> dict[int, list[PendingMember]]:
    """Return the pending members of the clients with these primary keys, by primary key."""
    pending: dict[int, list[PendingMember]] = {}
    for each in PendingMember.objects.filter(client__in=clients).order_by("pk"):
        pending.setdefault(each.client_id, []).append(each)
    return pending


def client_problems(
    client: Client,
    members: Iterable[Member],
    pending: Iterable[PendingMember],
    events: Sequence[Event],
) -> Iterator[str]:
    """Yield the differences between a client and its events, which must be ordered by number.

    Each is a clause that follows the client's name.
    """
    verbs = [event.verb for event in events]
    if verbs.count(Verb.CREATE_CLIENT) != 1:
        yield "no event creates it"
    states = {
        "suspended": (client.is_suspended, _last(verbs, _SUSPENSION) == Verb.SUSPEND_CLIENT),
        "archived": (
            client.is_archived,
            _last(verbs, _ARCHIVE) in {Verb.ARCHIVE_CLIENT, Verb.DELETE_CLIENT},
        ),
        "deleted": (client.deleted, Verb.DELETE_CLIENT in verbs),
    }
    for state, (is_so, said) in states.items():
        if is_so != said:
            yield unlike(state, is_so=is_so)
    yield from _text_problems(client, events)
    for name in rights_of_new():
        if _is_right_wrong(client, name, events):
            yield f"it has other {name} than its events say"
    yield from _member_problems(members, events)
    yield from _pending_problems(pending, events)


def _last(verbs: Sequence[str], among: Collection[Verb]) -> str | None:
    return next((verb for verb in reversed(verbs) if verb in among), None)


def unlike(state: str, *, is_so: bool) -> str:
    """Return the clause for a row that is in this state against its events, or the reverse."""
    return f"it is {state}, and no event says so" if is_so else f"an event says it is {state}"


def _text_problems(client: Client, events: Iterable[Event]) -> Iterator[str]:
    name: object = None
    lists = {"contacts": _Items(), "redirect_uris": _Items()}
    for event in events:
        detail = event.detail
        if event.verb == Verb.CREATE_CLIENT:
            name = detail.get("name")
            for field_name, items in lists.items():
                items.start(detail.get(field_name))
        elif event.verb == Verb.CHANGE_CLIENT:
            # The earliest versions recorded all fields in `before` and `after`.
            whole = detail.get("after", {})
            name = detail["name"].get("after") if "name" in detail else whole.get("name", name)
            for field_name, items in lists.items():
                items.start(whole.get(field_name))
                items.change(detail.get(field_name, {}))
    if isinstance(name, str) and name != client.name:
        yield f"an event names it “{name}”"
    for field_name, items in lists.items():
        if items.contradict(getattr(client, field_name)):
            yield f"it has other {field_name} than its events say"


def _is_right_wrong(client: Client, name: str, events: Iterable[Event]) -> bool:
    stored = getattr(client, name)
    changes = [
        event.detail[name]
        for event in events
        if event.verb == Verb.CHANGE_RIGHTS and name in event.detail
    ]
    if not changes:
        return stored is not None
    if "after" in changes[-1]:
        return bool(stored != changes[-1]["after"])
    # Earlier versions recorded only the differences.
    items = _Items()
    for change in changes:
        items.change(change)
    return items.contradict(rights_of_new()[name] if stored is None else stored)


def _member_problems(members: Iterable[Member], events: Sequence[Event]) -> Iterator[str]:
    said = _roles_said(events)
    unsaid = []
    for member in members:
        role = said.pop(member.person, None)
        if role is None:
            unsaid.append(member)
        elif role != member.role:
            yield f"{member.email} is {_named(member.role)}, and events say {_named(role)}"
    # People named in earlier versions' events by an address that they no longer have.
    gone = [role for person, role in said.items() if isinstance(person, str)]
    for member in unsaid:
        if member.role in gone:
            gone.remove(member.role)
        else:
            yield f"{member.email} is {_named(member.role)}, and no event says so"
    for person, role in said.items():
        if isinstance(person, int):
            yield f"an event says that person {person} is {_named(role)}"


def _pending_problems(pending: Iterable[PendingMember], events: Iterable[Event]) -> Iterator[str]:
    """Yield who joins without a request to join in this role, and where requests differ."""
    asked: dict[int, tuple[object, object]] = {}
    for event in events:
        detail = event.detail
        if event.verb == Verb.ASK_MEMBER:
            asked[detail["pending_id"]] = (detail["member"], detail["role"])
        elif event.verb in _ANSWERS:
            _, role = asked.pop(detail["pending_id"], (None, None))
            if role != detail["role"]:
                yield f"no event asks for what “{Verb(event.verb).label}” as {detail['role']} says"
        elif event.verb == Verb.DELETE_CLIENT:
            asked.clear()
    for each in pending:
        email, role = asked.pop(each.pk, (None, None))
        if role != each.role or (isinstance(email, str) and email != each.email):
            yield f"{each.email} is asked to join as {_named(each.role)}, and no event says so"
    for email, role in asked.values():
        yield f"an event asks {email} to join as {_named(str(role))}"


def _roles_said(events: Sequence[Event]) -> dict[int | str, str]:
    """Return the role of each member according to events, by the person's primary key.

    Earlier versions recorded only the address. An address that nobody has any more stays the key.
    """
    addresses = {
        str(event.detail.get("member"))
        for event in events
        if event.verb in _MEMBERS and "member_id" not in event.detail
    }
    known = _people_of(addresses) if addresses else {}
    roles: dict[int | str, str] = {}
    for event in events:
        detail = event.detail
        if event.verb == Verb.CREATE_CLIENT and event.actor_user_id:
            roles[event.actor_user_id] = Role.OWNER
        elif event.verb == Verb.DELETE_CLIENT:
            roles.clear()
        elif event.verb in _MEMBERS:
            address = str(detail.get("member"))
            person = detail.get("member_id") or known.get(address, address)
            if event.verb == Verb.REMOVE_MEMBER:
                roles.pop(person, None)
            else:
                roles[person] = str(detail.get("role"))
    return roles


def _people_of(addresses: Iterable[str]) -> dict[str, int]:
    found = User.objects.filter(Q(email__in=addresses) | Q(emailaddress__email__in=addresses))
    pairs = found.values_list("pk", "email", "emailaddress__email")
    return {address: pk for pk, *both in pairs for address in both if address}


def _named(role: str) -> str:
    return str(Role(role).label).lower() if role in Role.values else role
