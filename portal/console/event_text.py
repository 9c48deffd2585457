"""The text of each event, in one sentence."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from string import Formatter
from typing import Any, Final, NamedTuple

from django.db.models import Prefetch, QuerySet
from django.utils.dateparse import parse_datetime

from portal.core.dates import time_text
from portal.registry.choices import BlockedWhy, RevocationReason, Role, Verb
from portal.registry.models import PORTAL, ClientKey, Event, describe_actor

Detail = dict[str, Any]


class EventFacts(NamedTuple):
    """What the text of an event names."""

    verb: str
    detail: Detail
    actor: str
    """The actor as text, in the middle of a sentence."""
    person_id: int | None
    """The id of the actor, if it is a person."""
    is_portal: bool
    client: str | None
    """The current name of the client, if the event is about one."""
    key: str | None
    """The label of the key, if the event is about one."""


def event_text(event: Event) -> str:
    """Return the event as a sentence that begins with its actor.

    Reads the event's `actor`, `client` and `key`; see `with_named`.
    """
    return sentence(
        EventFacts(
            verb=event.verb,
            detail=event.detail,
            actor=describe_actor(event.actor),
            person_id=event.actor_user_id,
            is_portal=event.actor is PORTAL,
            client=event.client.name if event.client else None,
            key=event.key.label if event.key else None,
        )
    )


def sentence(event: EventFacts) -> str:
    """Return the event as a sentence that begins with its actor."""
    return f"{_first(event)} {_what(event, readable(event.detail))}."


def with_named(events: QuerySet[Event]) -> QuerySet[Event]:
    """Return the events with the objects that their texts name, loaded for each batch."""
    key = Prefetch("key", ClientKey.objects.defer("pem", "jwk"))
    return events.prefetch_related(*Event.actor.related, "client", key)


def _what(event: EventFacts, detail: Detail) -> str:
    if event.verb in _DESCRIBE:
        return _DESCRIBE[event.verb](event, detail)
    if event.verb in _TEXTS:
        text = _TEXTS[event.verb]
        return text.format(**{name: _NAMED[name](event, detail) for name in _names_in(text)})
    return _verb(event)


def readable(value: Any) -> Any:
    """Return a value of a detail, with "(erased)" for each text that was erased to its hash."""
    match value:
        case {"sha256": str(), **others} if not others:
            return "(erased)"
        case dict():
            return {name: readable(each) for name, each in value.items()}
        case list():
            return [readable(each) for each in value]
    return value


def _first(event: EventFacts) -> str:
    """Return the actor for the start of a sentence: capitalized, except for an e-mail address."""
    actor = event.actor
    return actor if event.person_id else actor[0].upper() + actor[1:]


def _verb(event: EventFacts) -> str:
    return _labels(Verb).get(event.verb, event.verb)


def _client(event: EventFacts) -> str:
    return "a client" if event.client is None else f"the client “{event.client}”"


def _key(event: EventFacts) -> str:
    if event.key is None:
        return "a key"
    of = "" if event.client is None else f" of “{event.client}”"
    return f"the key “{event.key}”{of}"


def _note(detail: Detail) -> str:
    note = str(detail.get("note") or "").strip().rstrip(".")
    return f", with the note “{note}”" if note else ""


def _changed(event: EventFacts, detail: Detail) -> str:
    differences = _differences(detail)
    changes = []
    if name := differences.get("name"):
        changes.append(f"renamed the client “{name.get('before')}” to “{name.get('after')}”")
    for field, plural in (("contacts", "contacts"), ("redirect_uris", "redirect URIs")):
        if difference := differences.get(field):
            of = "its" if changes else f"{_client(event)}'s"
            changes.append(f"changed {of} {plural} ({_listed(difference)})")
    if wants := differences.get("wants_successor"):
        changes.append(f"{'asked' if wants.get('after') else 'no longer asks'} for a successor")
    return " and ".join(changes) or f"changed {_client(event)}"


def _differences(detail: Detail) -> Detail:
    """Return what changed. Events of earlier versions contain all values before and after."""
    before, after = detail.get("before"), detail.get("after")
    if isinstance(before, dict) and isinstance(after, dict):
        return {
            field: {"before": was, "removed": was, "after": now, "added": now}
            for field, was in before.items()
            if was != (now := after.get(field))
        }
    return {field: value for field, value in detail.items() if isinstance(value, dict)}


def _listed(difference: Detail) -> str:
    parts = [
        f"{what} {', '.join(map(str, difference[what]))}"
        for what in ("added", "removed")
        if difference.get(what)
    ]
    return "; ".join(parts) or "in a different order"


_RIGHTS: Final = {
    "scopes": "the scope",
    "grant_types": "the grant type",
    "resources": "the resource",
}


def _rights(event: EventFacts, detail: Detail) -> str:
    changes = []
    for name, what in _RIGHTS.items():
        change = detail.get(name) or {}
        for verb, kind in (("allowed", "added"), ("no longer allowed", "removed")):
            given = [str(each) for each in change.get(kind) or ()]
            if given:
                changes.append(f"{verb} {what}{'s' * (len(given) > 1)} {', '.join(given)}")
    return f"{' and '.join(changes) or 'changed the rights'} for {_client(event)}"


def _removed(event: EventFacts, detail: Detail) -> str:
    role = _label(Role, detail.get("role")).lower()
    if event.person_id and event.person_id == detail.get("member_id"):
        return f"left {_client(event)}, where they were {role}"
    return f"removed {detail.get('member', 'somebody')}, who was {role}, from {_client(event)}"


def _changed_key(event: EventFacts, detail: Detail) -> str:
    changes, differences = [], _differences(detail)
    if label := differences.get("label"):
        changes.append(f"renamed “{label.get('before')}” to “{label.get('after')}”")
    if expiry := differences.get("expires_at"):
        of = "its expiry" if changes else f"the expiry of {_key(event)}"
        before, after = (_date(expiry.get(name)) or "never" for name in ("before", "after"))
        changes.append(f"moved {of} from {before} to {after}")
    return " and ".join(changes) or f"changed {_key(event)}"


def _date(recorded: object) -> str:
    when = parse_datetime(str(recorded))
    return time_text(when) if when else ""


def _retired(event: EventFacts, detail: Detail) -> str:
    end = _date(detail.get("retires_at"))
    return f"retired {_key(event)}" + (f", which leaves the JWKS on {end}" if end else "")


def _revoked(event: EventFacts, detail: Detail) -> str:
    reason = _label(RevocationReason, detail.get("reason")).split(":")[0].lower()
    return f"revoked {_key(event)} ({reason}){_note(detail)}"


def _blocked(event: EventFacts, detail: Detail) -> str:
    name = f"the key with SHA-256 {str(detail.get('spki_sha256', ''))[:16]}…"
    if detail.get("why") == BlockedWhy.PRIVATE_KEY_SEEN and event.is_portal:
        return f"found a private key in a token request and blocked {name}"
    if detail.get("why") == BlockedWhy.PRIVATE_KEY_SEEN:
        where = f" for {_client(event)}" if event.client is not None else ""
        return f"sent a private key{where}, which blocked {name}{_note(detail)}"
    return f"blocked {name}{_note(detail)}"


def _refused(event: EventFacts, detail: Detail) -> str:
    reason = str(detail.get("reason", "")).replace("_", " ")
    return f"tried a key for {_client(event)} that was refused" + (f" ({reason})" if reason else "")


def _webhook(event: EventFacts, _detail: Detail) -> str:
    of = _client(event) if event.client else "the whole portal"
    return f"{_verb(event)} of {of}"


def _policy(event: EventFacts, detail: Detail) -> str:
    rule = f"the rule “{detail.get('name')}” of the key policy"
    until = _date(detail.get("until"))
    match detail.get("what"):
        case "saved" if detail.get("replaces"):
            return f"changed {rule}, from {_date(detail.get('applies_from'))}"
        case "saved":
            return f"added {rule}, from {_date(detail.get('applies_from'))}"
        case "ended":
            return f"ended {rule}"
        case "exempted":
            return f"exempted {_client(event)} from {rule} until {until}{_note(detail)}"
    return f"ended the exemption of {_client(event)} from {rule}"


def _verifier(_event: EventFacts, detail: Detail) -> str:
    before, after = detail.get("before") or {}, detail.get("after") or {}
    name = (after or before).get("name")
    if not before:
        return f"added the verifier “{name}”"
    return f"{'changed' if after else 'removed'} the verifier “{name}”"


def _label(words: type[Role | RevocationReason], value: object) -> str:
    return _labels(words).get(str(value), str(value))


@cache
def _labels(words: type[Role | RevocationReason | Verb]) -> dict[str, str]:
    return {str(each): str(each.label) for each in words}


_NAMED: Final[dict[str, Callable[[EventFacts, Detail], str]]] = {
    "client": lambda event, _: _client(event),
    "key": lambda event, _: _key(event),
    "person": lambda _, detail: str(detail.get("person", "somebody")),
    "member": lambda _, detail: str(detail.get("member", "somebody")),
    "role": lambda _, detail: _label(Role, detail.get("role")).lower(),
    "new": lambda _, detail: f"“{detail.get('new_label')}”" if "new_label" in detail else "a key",
    "ending": lambda _, detail: (
        f", as “{detail['new_label']}” ends before it" if "new_label" in detail else ""
    ),
    "alg": lambda _, detail: str(detail.get("alg", "signing")),
    "note": lambda _, detail: _note(detail),
}
"""What a text of `_TEXTS` can name."""


@cache
def _names_in(text: str) -> tuple[str, ...]:
    return tuple(name for _, name, _, _ in Formatter().parse(text) if name)


_TEXTS: Final[dict[str, str]] = {
    Verb.CREATE_CLIENT: "created {client}",
    Verb.SUSPEND_CLIENT: "suspended {client}{note}",
    Verb.RESUME_CLIENT: "resumed {client}",
    Verb.ARCHIVE_CLIENT: "archived {client}",
    Verb.UNARCHIVE_CLIENT: "took {client} out of the archive",
    Verb.DELETE_CLIENT: "deleted {client}",
    Verb.MAKE_CALENDAR: "made a calendar address of {client}",
    Verb.REVOKE_CALENDAR: "revoked the calendar address of {client}",
    Verb.ASK_MEMBER: "asked {member} to join {client} as {role}",
    Verb.WITHDRAW_MEMBER: "withdrew the request to {member} to join {client}",
    Verb.ACCEPT_MEMBERSHIP: "joined {client} as {role}",
    Verb.DECLINE_MEMBERSHIP: "declined to join {client} as {role}",
    Verb.ADD_MEMBER: "added {member} to {client} as {role}",
    Verb.APPOINT_OWNER: "appointed {member} owner of {client}, which had none",
    Verb.CHANGE_MEMBER: "made {member} {role} of {client}",
    Verb.INVITE_PERSON: "invited {person}",
    Verb.DEACTIVATE_PERSON: "deactivated the account of {person}",
    Verb.ACTIVATE_PERSON: "reactivated the account of {person}",
    Verb.GRANT_ADMIN: "made {person} an admin of the portal",
    Verb.WITHDRAW_ADMIN: "withdrew admin rights from {person}",
    Verb.REGISTER_KEY: "registered {key} for {alg}",
    Verb.KEEP_KEY: "cancelled the retirement of {key}{ending}",
    Verb.BEGIN_REPLACEMENT: "began to replace {key}",
    Verb.CHOOSE_SUCCESSOR: "chose {new} to replace {key}",
    Verb.WITHDRAW_REPLACEMENT: "took the replacement of {key} back",
    Verb.USE_SUCCESSOR: "noticed that {key}, the standing successor, signed",
    Verb.CONFIRM_KEY: "confirmed {key} by signing with it",
    Verb.FIND_WEAKNESS: "found a weakness in {key}{note}",
}

_DESCRIBE: Final[dict[str, Callable[[EventFacts, Detail], str]]] = {
    Verb.CHANGE_CLIENT: _changed,
    Verb.CHANGE_RIGHTS: _rights,
    Verb.CHANGE_POLICY: _policy,
    Verb.REMOVE_MEMBER: _removed,
    Verb.CHANGE_KEY: _changed_key,
    Verb.RETIRE_KEY: _retired,
    Verb.REVOKE_KEY: _revoked,
    Verb.BLOCK_KEY: _blocked,
    Verb.REFUSE_KEY: _refused,
    **dict.fromkeys((Verb.ADD_WEBHOOK, Verb.CHANGE_WEBHOOK, Verb.REMOVE_WEBHOOK), _webhook),
    Verb.CHANGE_VERIFIER: _verifier,
}
