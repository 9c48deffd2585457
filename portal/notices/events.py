"""Which events of the ledger are occasions for notices, and what the notices say."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from django.urls import reverse
from django.utils.dateparse import parse_datetime

from portal.core.dates import time_text
from portal.notices.ends import occasions_of_lost_successor
from portal.notices.kinds import CAN, NoticeKind
from portal.notices.occasions import (
    Facts,
    Letter,
    Occasion,
    client_path,
    has_others_live,
    key_path,
    moment,
    others_live,
)
from portal.notices.quoting import address, quoted, unlinked
from portal.registry.choices import BlockedWhy, RevocationReason, Role, Verb
from portal.registry.models import PORTAL, Actor, BlockedKey, Client, ClientKey, Event

Detail = Mapping[str, Any]

_LEAKED: Final = (
    "A private key that has left its machine counts as leaked. Create a new key pair, and register "
    "only its public key."
)

_ARCHIVING: Final = timedelta(seconds=30)
"""An archived client whose key retired so shortly before: the archiving retired it."""

_RIGHTS: Final = {
    "scopes": "Scopes",
    "grant_types": "Grant types",
    "resources": "Resources",
    "redirect_uris": "Redirect URIs",
}


def occasions_of(event: Event, now: datetime) -> Iterator[Occasion]:
    """Yield what people are to know of an event; most kinds of events are no occasion.

    Reads the event's actor, client and key.
    """
    is_gone = event.client is not None and event.client.deleted
    describe = _DESCRIBE.get(event.verb)
    if describe and not is_gone:
        yield from describe(event, now)
        if event.verb in {Verb.REVOKE_KEY, Verb.RETIRE_KEY, Verb.CHANGE_KEY}:
            yield from occasions_of_lost_successor(event, now)


def _key_registered(event: Event, now: datetime) -> Iterator[Occasion]:
    key, detail = _key(event), event.detail
    ends, starts = _date(detail.get("expires_at")), _date(detail.get("not_before"))
    facts = [*_facts_of(key)]
    if starts:
        facts.append(("Starts", moment(starts, now)))
    facts.append(("Ends", moment(ends, now) if ends else "Never, until it is retired or revoked"))
    waits = detail.get("confirmation_required")
    paragraphs = [
        "The key is not published until it is confirmed: its program signs once with it."
        if waits
        else "Its private key can sign in as this client.",
        (
            "If nobody in your team did this, revoke the key now, and reset the password of the "
            "person who is named here."
        ),
    ]
    yield _notice(
        NoticeKind.KEY_REGISTERED,
        event,
        now,
        what=f"was registered on {time_text(event.at)}",
        sentence=_on_key("registered", event),
        paragraphs=paragraphs,
        facts=tuple(facts),
        step=("Confirm the key" if waits else "See the key", key_path(key)),
    )


def _key_confirmed(event: Event, now: datetime) -> Iterator[Occasion]:
    key = _key(event)
    # The first use confirms a key too: nobody else has a hand in that.
    if event.actor_user_id in {None, key.registered_by_id}:
        return
    registrant = address(key.registered_by.email)
    yield _notice(
        NoticeKind.KEY_CONFIRMED,
        event,
        now,
        what=f"was confirmed on {time_text(event.at)}",
        sentence=f"{_on_key('confirmed', event)} {registrant} had registered it.",
        paragraphs=["To confirm a key, one signs with its private key."],
        facts=_facts_of(key),
        step=("See the key", key_path(key)),
    )


def _key_retired(event: Event, now: datetime) -> Iterator[Occasion]:
    key = _key(event)
    ends = _date(event.detail.get("retires_at")) or event.at
    archived_at = key.client.archived_at
    if archived_at and timedelta(0) <= archived_at - ends <= _ARCHIVING:
        return  # the notice about the client says it
    is_over = ends <= event.at
    after = "It has left the JWKS." if is_over else f"It leaves the JWKS on {time_text(ends)}."
    done, planned = f"was retired on {time_text(event.at)}", f"retires on {time_text(ends)}"
    yield _notice(
        NoticeKind.KEY_END_MOVED,
        event,
        now,
        what=done if is_over else planned,
        sentence=f"{_on_key('retired', event)} {after}",
        paragraphs=[others_live(key, now)],
        facts=(*_facts_of(key), ("Ends", moment(ends, now))),
        step=("See the client's keys", client_path(key.client)),
    )


def _key_kept(event: Event, now: datetime) -> Iterator[Occasion]:
    key = _key(event)
    ends = key.expires_at
    yield _notice(
        NoticeKind.KEY_END_MOVED,
        event,
        now,
        what=f"does not retire, since {time_text(event.at)}",
        sentence=_on_key("cancelled the retirement of", event),
        paragraphs=[f"It ends on {moment(ends, now)}." if ends else "It has no end now."],
        facts=_facts_of(key),
        step=("See the key", key_path(key)),
    )


def _key_changed(event: Event, now: datetime) -> Iterator[Occasion]:
    moved = event.detail.get("expires_at")
    if not moved:
        return
    key = _key(event)
    before, after = _date(moved.get("before")), _date(moved.get("after"))
    ends = f"It ends on {time_text(after)}." if after else "It has no end now."
    yield _notice(
        NoticeKind.KEY_END_MOVED,
        event,
        now,
        what=f"ends on {time_text(after)}" if after else "has no end now",
        sentence=f"{_on_key('moved the end of', event)} {ends}",
        paragraphs=[f"Before, its end was {time_text(before) if before else 'open'}."],
        facts=(*_facts_of(key), *((("Ends", moment(after, now)),) if after else ())),
        step=("See the key", key_path(key)),
    )


def _key_revoked(event: Event, now: datetime) -> Iterator[Occasion]:
    key = _key(event)
    block = BlockedKey.objects.filter(pk=key.spki_sha256).first()
    why = BlockedWhy(block.why) if block else None
    kind = {
        None: NoticeKind.KEY_REVOKED,
        BlockedWhy.PRIVATE_KEY_SEEN: NoticeKind.PRIVATE_KEY_SEEN,
    }.get(why, NoticeKind.KEY_BLOCKED)
    reason = _reason(event.detail.get("reason"))
    facts = [*_facts_of(key), ("Reason", why.label if why else reason)]
    note = str(event.detail.get("note") or "")
    if note and note != facts[-1][1]:
        facts.append(("Note", unlinked(note)))
    did = "blocked, and so revoked," if why else "revoked"
    meaning = (
        "The key is blocked for every client and cannot be used again. Create a new key pair."
        if why
        else "A revocation is permanent: this key cannot be registered again."
    )
    lives = has_others_live(key, now)
    yield _notice(
        kind,
        event,
        now,
        what=f"was {'blocked' if why else 'revoked'} on {time_text(event.at)}",
        sentence=f"{_on_key(did, event)} It has left the JWKS.",
        paragraphs=[meaning, others_live(key, now)],
        facts=tuple(facts),
        step=("See the key", key_path(key))
        if lives
        else ("Register a new key", f"{client_path(key.client)}#add-key"),
    )


def _key_blocked(event: Event, now: datetime) -> Iterator[Occasion]:
    """Yield a notice for who sent a private key. Of a registered key, its revocation tells."""
    client, fingerprint = event.client, str(event.detail.get("spki_sha256", ""))
    if event.detail.get("why") != BlockedWhy.PRIVATE_KEY_SEEN or event.actor_user_id is None:
        return
    told = Event.objects.filter(
        verb=Verb.REVOKE_KEY, key__spki_sha256=fingerprint, number__gt=event.number
    )
    if client and told.filter(client=client).exists():
        return
    where = f" for {quoted(client.name)}" if client else ""
    yield Occasion(
        NoticeKind.PRIVATE_KEY_SEEN,
        f"client {client.pk}" if client else f"block {fingerprint[:32]}",
        f"event {event.number}",
        Letter(
            f"{_named(client)}A private key was sent to the portal on {time_text(event.at)}",
            f"{_actor(event.actor)} sent a private key to the portal{where} on "
            f"{time_text(event.at)}. The portal kept nothing of it, and blocked its public key "
            "for every client.",
            (_LEAKED,),
            (("When", moment(event.at, now)), ("SHA-256 of the public key", fingerprint)),
            *("See the client's keys", client_path(client))
            if client
            else ("See your clients", reverse("clients")),
        ),
        client=client,
        actor_id=event.actor_user_id,
        concerned=(event.actor_user_id,),
    )


def _client_suspended(event: Event, now: datetime) -> Iterator[Occasion]:
    client = _client(event)
    note = str(event.detail.get("note") or "")
    yield _notice(
        NoticeKind.CLIENT_SUSPENDED,
        event,
        now,
        what=f"was suspended on {time_text(event.at)}",
        sentence=_on_client("suspended", event),
        paragraphs=["None of its keys is published now. Only an admin can resume it."],
        facts=(("Note", unlinked(note)),) if note else (),
        step=("See the client", client_path(client)),
    )


def _client_resumed(event: Event, now: datetime) -> Iterator[Occasion]:
    client = _client(event)
    yield _notice(
        NoticeKind.CLIENT_SUSPENDED,
        event,
        now,
        what=f"was resumed on {time_text(event.at)}",
        sentence=_on_client("resumed", event),
        paragraphs=["Its live keys are published again."],
        facts=(),
        step=("See the client", client_path(client)),
    )


def _client_archived(event: Event, now: datetime) -> Iterator[Occasion]:
    client, is_archived = _client(event), event.verb == Verb.ARCHIVE_CLIENT
    yield _notice(
        NoticeKind.CLIENT_ARCHIVED,
        event,
        now,
        what=f"was {'archived' if is_archived else 'taken back'} on {time_text(event.at)}",
        sentence=_on_client("archived" if is_archived else "took back", event),
        paragraphs=[
            "All its keys have ended, so it cannot sign in. An owner can take it back."
            if is_archived
            else "Its earlier keys have ended. It can register new ones."
        ],
        facts=(),
        step=("See the client", client_path(client)),
    )


def _settings_changed(event: Event, now: datetime) -> Iterator[Occasion]:
    client = _client(event)
    facts = [
        (f"{title} {what}", _listed(values))
        for name, title in _RIGHTS.items()
        for what in ("added", "removed")
        if (values := (event.detail.get(name) or {}).get(what))
    ]
    if not facts:
        return  # the name or the contacts
    yield _notice(
        NoticeKind.SIGN_IN_CHANGED,
        event,
        now,
        what=f"redirect URIs or rights were changed on {time_text(event.at)}",
        sentence=_on_client("changed the redirect URIs or rights of", event),
        paragraphs=["If you did not expect this, ask the person who did it, or an admin, now."],
        facts=tuple(facts),
        step=("Check the client", client_path(client)),
    )


def _members_changed(event: Event, now: datetime) -> Iterator[Occasion]:
    client, detail = _client(event), event.detail
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
    yield _notice(
        NoticeKind.MEMBERS_CHANGED,
        event,
        now,
        what=f"its team changed on {time_text(event.at)}",
        sentence=f"{_actor(event.actor)} {said} on {time_text(event.at)}.",
        paragraphs=[after],
        facts=(),
        step=("See the team", reverse("team", args=[client.client_id])),
        concerned=(member_id,) if member_id and not is_own else (),
    )


def _member_asked(event: Event, now: datetime) -> Iterator[Occasion]:
    client, can = _client(event), Role(event.detail["role"])
    member = address(str(event.detail.get("member", "somebody")))
    yield _notice(
        NoticeKind.MEMBER_ASKED,
        event,
        now,
        what=f"a person was asked to join on {time_text(event.at)}",
        sentence=_on_client(f"asked {member} to join, as {can.label.lower()},", event),
        paragraphs=[CAN[can], "An owner can withdraw the request until it is accepted."],
        facts=(),
        step=("See the team", reverse("team", args=[client.client_id])),
    )


def _successor_used(event: Event, now: datetime) -> Iterator[Occasion]:
    key = _key(event)
    current = key.client.keys.filter(kid=str(event.detail.get("current"))).first()
    used = f", while {quoted(current.label)} is in use" if current else ""
    yield _notice(
        NoticeKind.SUCCESSOR_USED,
        event,
        now,
        what=f"signed on {time_text(event.at)}, though it stands by",
        sentence=f"The key {quoted(key.label)} of {quoted(key.client.name)} signed for the first "
        f"time{used}. The portal saw it on {time_text(event.at)}.",
        paragraphs=[
            "Nobody expected this successor to sign.",
            "If your team did not switch to it, its private key may have leaked: revoke it.",
        ],
        facts=_facts_of(key),
        step=("See the key", key_path(key)),
    )


def _webhook_changed(event: Event, now: datetime) -> Iterator[Occasion]:
    client = event.client
    # Of one for the whole portal there is no notice, and of its switching off another e-mail.
    if client is None or event.actor is PORTAL:
        return
    did = _ON_WEBHOOK[event.verb]
    yield _notice(
        NoticeKind.WEBHOOK_CHANGED,
        event,
        now,
        what=f"a webhook was {did} on {time_text(event.at)}",
        sentence=_on_client(f"{did} a webhook of", event),
        # Its URL is left out: it may contain a secret.
        paragraphs=["A webhook sends what happens to the client to a server of your choice."],
        facts=(),
        step=("See the client", client_path(client)),
    )


_ON_WEBHOOK: Final[dict[str, str]] = {
    Verb.ADD_WEBHOOK: "added",
    Verb.CHANGE_WEBHOOK: "changed",
    Verb.REMOVE_WEBHOOK: "removed",
}


def _notice(
    kind: NoticeKind,
    event: Event,
    now: datetime,
    *,
    what: str,
    sentence: str,
    paragraphs: Sequence[str],
    facts: Facts,
    step: tuple[str, str],
    concerned: tuple[int, ...] = (),
) -> Occasion:
    """Return the occasion of an event about a key, or about a client and no key."""
    client, key = _client(event), event.key
    about = f"key {quoted(key.label)} {what}" if key else what
    facts = (("When", moment(event.at, now)), *facts)
    return Occasion(
        kind,
        f"key {key.pk}" if key else f"client {client.pk}",
        f"event {event.number}",
        Letter(f"{_named(client)}{about}", sentence, tuple(paragraphs), facts, *step),
        client=client,
        actor_id=event.actor_user_id,
        concerned=concerned,
    )


def _on_key(did: str, event: Event) -> str:
    """Return a sentence: who did this to the key of the event, and when."""
    key = _key(event)
    return (
        f"{_actor(event.actor)} {did} the key {quoted(key.label)} of {quoted(key.client.name)} "
        f"on {time_text(event.at)}."
    )


def _on_client(did: str, event: Event) -> str:
    """Return a sentence: who did this to the client of the event, and when."""
    name = quoted(_client(event).name)
    return f"{_actor(event.actor)} {did} {name} on {time_text(event.at)}."


def _key(event: Event) -> ClientKey:
    assert event.key, f"Event {event.number} names no key."  # noqa: S101 - its verb always does
    return event.key


def _client(event: Event) -> Client:
    assert event.client, f"Event {event.number} names no client."  # noqa: S101 - as above
    return event.client


def _named(client: Client | None) -> str:
    return f"{unlinked(client.name)}: " if client else ""


def _facts_of(key: ClientKey) -> Facts:
    return (("Algorithm", f"{key.alg}, {key.size}"), ("kid", key.kid))


def _actor(actor: Actor) -> str:
    """Return the actor for the start of a sentence."""
    if actor is PORTAL:
        return "The portal"
    if isinstance(actor, ClientKey):
        return f"The client {quoted(actor.client.name)}"
    return address(str(actor))


def _listed(values: Sequence[object]) -> str:
    shown = ", ".join(unlinked(str(each)) for each in values[:10])
    return f"{shown} and {len(values) - 10} more" if len(values) > 10 else shown


def _date(recorded: object) -> datetime | None:
    return parse_datetime(recorded) if isinstance(recorded, str) else None


def _reason(value: object) -> str:
    """Return the reason of a revocation in words; as it is if only a newer version knows it."""
    words = {str(each): str(each.label) for each in RevocationReason}
    return words.get(str(value), str(value))


_DESCRIBE: Final[dict[str, Callable[[Event, datetime], Iterator[Occasion]]]] = {
    Verb.REGISTER_KEY: _key_registered,
    Verb.CONFIRM_KEY: _key_confirmed,
    Verb.RETIRE_KEY: _key_retired,
    Verb.KEEP_KEY: _key_kept,
    Verb.CHANGE_KEY: _key_changed,
    Verb.REVOKE_KEY: _key_revoked,
    Verb.BLOCK_KEY: _key_blocked,
    Verb.USE_SUCCESSOR: _successor_used,
    Verb.SUSPEND_CLIENT: _client_suspended,
    Verb.RESUME_CLIENT: _client_resumed,
    Verb.ARCHIVE_CLIENT: _client_archived,
    Verb.UNARCHIVE_CLIENT: _client_archived,
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
