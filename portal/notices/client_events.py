"""What notices say of events about clients, and about their members and webhooks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Final, NamedTuple

from django.urls import reverse

from portal.core.dates import time_text
from portal.notices.event_letters import actor_text, client_of, event_occasion, on_client
from portal.notices.kinds import CAN, NoticeKind
from portal.notices.occasions import Occasion, client_path
from portal.notices.quoting import address, quoted, unlinked
from portal.registry.choices import Role, Verb
from portal.registry.models import PORTAL, Event


class _State(NamedTuple):
    """A change of the state of a client: "Ann suspended “Shop”", "Shop: was suspended"."""

    kind: NoticeKind
    did: str
    was: str
    meaning: str


_STATES: Final[dict[str, _State]] = {
    Verb.SUSPEND_CLIENT: _State(
        NoticeKind.CLIENT_SUSPENDED,
        "suspended",
        "suspended",
        "None of its keys is published now. Only an admin can resume it.",
    ),
    Verb.RESUME_CLIENT: _State(
        NoticeKind.CLIENT_SUSPENDED, "resumed", "resumed", "Its live keys are published again."
    ),
    Verb.ARCHIVE_CLIENT: _State(
        NoticeKind.CLIENT_ARCHIVED,
        "archived",
        "archived",
        "All its keys have ended, so it cannot sign in. An owner can take it back.",
    ),
    Verb.UNARCHIVE_CLIENT: _State(
        NoticeKind.CLIENT_ARCHIVED,
        "took back",
        "taken back",
        "Its earlier keys have ended. It can register new ones.",
    ),
}

_RIGHTS: Final = {
    "scopes": "Scopes",
    "grant_types": "Grant types",
    "resources": "Resources",
    "redirect_uris": "Redirect URIs",
}

_ON_WEBHOOK: Final[dict[str, str]] = {
    Verb.ADD_WEBHOOK: "added",
    Verb.CHANGE_WEBHOOK: "changed",
    Verb.REMOVE_WEBHOOK: "removed",
}


def _state_changed(event: Event, now: datetime) -> Iterator[Occasion]:
    change = _STATES[event.verb]
    note = str(event.detail.get("note") or "")
    yield event_occasion(
        change.kind,
        event,
        now,
        what=f"was {change.was} on {time_text(event.at)}",
        sentence=on_client(change.did, event),
        paragraphs=[change.meaning],
        facts=(("Note", unlinked(note)),) if note else (),
        step=("See the client", client_path(client_of(event))),
    )


def _settings_changed(event: Event, now: datetime) -> Iterator[Occasion]:
    client = client_of(event)
    facts = [
        (f"{title} {what}", _listed(values))
        for name, title in _RIGHTS.items()
        for what in ("added", "removed")
        if (values := (event.detail.get(name) or {}).get(what))
    ]
    if not facts:
        return  # the name or the contacts
    yield event_occasion(
        NoticeKind.SIGN_IN_CHANGED,
        event,
        now,
        what=f"redirect URIs or rights were changed on {time_text(event.at)}",
        sentence=on_client("changed the redirect URIs or rights of", event),
        paragraphs=["If you did not expect this, ask the person who did it, or an admin, now."],
        facts=tuple(facts),
        step=("Check the client", client_path(client)),
    )


def _members_changed(event: Event, now: datetime) -> Iterator[Occasion]:
    client, detail = client_of(event), event.detail
    member_id, can = detail.get("member_id"), Role(detail["role"])
    role = can.label.lower()
    member = address(str(detail.get("member", "somebody")))
    is_own = event.actor_user_id is not None and event.actor_user_id == member_id
    name = quoted(client.name)
    if event.verb == Verb.REMOVE_MEMBER:
        said = f"left {name}" if is_own else f"removed {member} from {name}"
        after = f"They were {role}, and can no longer see the client."
    elif event.verb == Verb.ACCEPT_MEMBERSHIP:
        said, after = f"joined {name} as {role}", CAN[can]
    else:
        said, after = f"made {member} {role} of {name}", CAN[can]
    yield event_occasion(
        NoticeKind.MEMBERS_CHANGED,
        event,
        now,
        what=f"its team changed on {time_text(event.at)}",
        sentence=f"{actor_text(event.actor)} {said} on {time_text(event.at)}.",
        paragraphs=[after],
        step=("See the team", reverse("team", args=[client.client_id])),
        concerned=(member_id,) if member_id and not is_own else (),
    )


def _member_asked(event: Event, now: datetime) -> Iterator[Occasion]:
    client, can = client_of(event), Role(event.detail["role"])
    member = address(str(event.detail.get("member", "somebody")))
    yield event_occasion(
        NoticeKind.MEMBER_ASKED,
        event,
        now,
        what=f"a person was asked to join on {time_text(event.at)}",
        sentence=on_client(f"asked {member} to join, as {can.label.lower()},", event),
        paragraphs=[CAN[can], "An owner can withdraw the request until it is accepted."],
        step=("See the team", reverse("team", args=[client.client_id])),
    )


def _webhook_changed(event: Event, now: datetime) -> Iterator[Occasion]:
    client = event.client
    # Of one for the whole portal there is no notice, and of its switching off another e-mail.
    if client is None or event.actor is PORTAL:
        return
    did = _ON_WEBHOOK[event.verb]
    yield event_occasion(
        NoticeKind.WEBHOOK_CHANGED,
        event,
        now,
        what=f"a webhook was {did} on {time_text(event.at)}",
        sentence=on_client(f"{did} a webhook of", event),
        # Its URL is left out: it may contain a secret.
        paragraphs=["A webhook sends what happens to the client to a server of your choice."],
        step=("See the client", client_path(client)),
    )


def _listed(values: Sequence[object]) -> str:
    shown = ", ".join(unlinked(str(each)) for each in values[:10])
    return f"{shown} and {len(values) - 10} more" if len(values) > 10 else shown


CLIENT_EVENTS: Final[dict[str, Callable[[Event, datetime], Iterator[Occasion]]]] = {
    **dict.fromkeys(_STATES, _state_changed),
    Verb.CHANGE_CLIENT: _settings_changed,
    Verb.CHANGE_RIGHTS: _settings_changed,
    Verb.ACCEPT_MEMBERSHIP: _members_changed,
    Verb.ADD_MEMBER: _members_changed,
    Verb.CHANGE_MEMBER: _members_changed,
    Verb.APPOINT_OWNER: _members_changed,
    Verb.REMOVE_MEMBER: _members_changed,
    Verb.ASK_MEMBER: _member_asked,
    **dict.fromkeys(_ON_WEBHOOK, _webhook_changed),
}
"""The function that describes the events of a verb."""
