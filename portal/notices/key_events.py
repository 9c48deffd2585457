"""What notices say of events about keys."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Final

from django.urls import reverse

from portal.core.dates import time_text
from portal.notices.event_letters import (
    actor_text,
    client_prefix,
    event_occasion,
    key_facts,
    key_of,
    on_key,
    recorded_date,
)
from portal.notices.kinds import NoticeKind
from portal.notices.occasions import (
    Letter,
    Occasion,
    client_path,
    has_others_live,
    key_path,
    moment,
    others_live,
)
from portal.notices.quoting import address, quoted, unlinked
from portal.registry.choices import BlockedWhy, RevocationReason, Verb
from portal.registry.models import BlockedKey, Event

_LEAKED: Final = (
    "A private key that has left its machine counts as leaked. Create a new key pair, and register "
    "only its public key."
)

_ARCHIVING: Final = timedelta(seconds=30)
"""An archived client whose key retired so shortly before: the archiving retired it."""


def _key_registered(event: Event, now: datetime) -> Iterator[Occasion]:
    key, detail = key_of(event), event.detail
    ends, starts = recorded_date(detail.get("expires_at")), recorded_date(detail.get("not_before"))
    facts = [*key_facts(key)]
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
    yield event_occasion(
        NoticeKind.KEY_REGISTERED,
        event,
        now,
        what=f"was registered on {time_text(event.at)}",
        sentence=on_key("registered", event),
        paragraphs=paragraphs,
        facts=tuple(facts),
        step=("Confirm the key" if waits else "See the key", key_path(key)),
    )


def _key_confirmed(event: Event, now: datetime) -> Iterator[Occasion]:
    key = key_of(event)
    # The first use confirms a key too: nobody else has a hand in that.
    if event.actor_user_id in {None, key.registered_by_id}:
        return
    registrant = address(key.registered_by.email)
    yield event_occasion(
        NoticeKind.KEY_CONFIRMED,
        event,
        now,
        what=f"was confirmed on {time_text(event.at)}",
        sentence=f"{on_key('confirmed', event)} {registrant} had registered it.",
        paragraphs=["To confirm a key, one signs with its private key."],
        facts=key_facts(key),
        step=("See the key", key_path(key)),
    )


def _key_retired(event: Event, now: datetime) -> Iterator[Occasion]:
    key = key_of(event)
    ends = recorded_date(event.detail.get("retires_at")) or event.at
    archived_at = key.client.archived_at
    if archived_at and timedelta(0) <= archived_at - ends <= _ARCHIVING:
        return  # the notice about the client says it
    is_over = ends <= event.at
    after = "It has left the JWKS." if is_over else f"It leaves the JWKS on {time_text(ends)}."
    done, planned = f"was retired on {time_text(event.at)}", f"retires on {time_text(ends)}"
    yield event_occasion(
        NoticeKind.KEY_END_MOVED,
        event,
        now,
        what=done if is_over else planned,
        sentence=f"{on_key('retired', event)} {after}",
        paragraphs=[others_live(key, now)],
        facts=(*key_facts(key), ("Ends", moment(ends, now))),
        step=("See the client's keys", client_path(key.client)),
    )


def _key_kept(event: Event, now: datetime) -> Iterator[Occasion]:
    key = key_of(event)
    ends = key.expires_at
    paragraphs = [f"It ends on {moment(ends, now)}." if ends else "It has no end now."]
    if "new_label" in event.detail:
        new = quoted(str(event.detail["new_label"]))
        paragraphs.insert(0, f"{new} was to replace it, and ends before it would have retired.")
    yield event_occasion(
        NoticeKind.KEY_END_MOVED,
        event,
        now,
        what=f"does not retire, since {time_text(event.at)}",
        sentence=on_key("cancelled the retirement of", event),
        paragraphs=paragraphs,
        facts=key_facts(key),
        step=("See the key", key_path(key)),
    )


def _key_changed(event: Event, now: datetime) -> Iterator[Occasion]:
    moved = event.detail.get("expires_at")
    if not moved:
        return
    key = key_of(event)
    before, after = recorded_date(moved.get("before")), recorded_date(moved.get("after"))
    ends = f"It ends on {time_text(after)}." if after else "It has no end now."
    yield event_occasion(
        NoticeKind.KEY_END_MOVED,
        event,
        now,
        what=f"ends on {time_text(after)}" if after else "has no end now",
        sentence=f"{on_key('moved the end of', event)} {ends}",
        paragraphs=[f"Before, its end was {time_text(before) if before else 'open'}."],
        facts=(*key_facts(key), *((("Ends", moment(after, now)),) if after else ())),
        step=("See the key", key_path(key)),
    )


def _key_revoked(event: Event, now: datetime) -> Iterator[Occasion]:
    key = key_of(event)
    block = BlockedKey.objects.filter(pk=key.spki_sha256).first()
    why = BlockedWhy(block.why) if block else None
    kind = {
        None: NoticeKind.KEY_REVOKED,
        BlockedWhy.PRIVATE_KEY_SEEN: NoticeKind.PRIVATE_KEY_SEEN,
    }.get(why, NoticeKind.KEY_BLOCKED)
    reason = _reason(event.detail.get("reason"))
    facts = [*key_facts(key), ("Reason", why.label if why else reason)]
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
    yield event_occasion(
        kind,
        event,
        now,
        what=f"was {'blocked' if why else 'revoked'} on {time_text(event.at)}",
        sentence=f"{on_key(did, event)} It has left the JWKS.",
        paragraphs=[meaning, others_live(key, now)],
        facts=tuple(facts),
        step=("See the key", key_path(key))
        if lives
        else ("Register a new key", f"{client_path(key.client)}#add-key"),
    )


def _key_blocked(event: Event, now: datetime) -> Iterator[Occasion]:
    """Yield a notice for the sender of a private key, unless that of a revocation says it."""
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
            f"{client_prefix(client)}A private key was sent to the portal on {time_text(event.at)}",
            f"{actor_text(event.actor)} sent a private key to the portal{where} on "
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


def _successor_used(event: Event, now: datetime) -> Iterator[Occasion]:
    key = key_of(event)
    current = key.client.keys.filter(kid=str(event.detail.get("current"))).first()
    used = f", while {quoted(current.label)} is in use" if current else ""
    yield event_occasion(
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
        facts=key_facts(key),
        step=("See the key", key_path(key)),
    )


def _reason(value: object) -> str:
    """Return the reason of a revocation in words; as it is if only a newer version knows it."""
    words = {str(each): str(each.label) for each in RevocationReason}
    return words.get(str(value), str(value))


KEY_EVENTS: Final[dict[str, Callable[[Event, datetime], Iterator[Occasion]]]] = {
    Verb.REGISTER_KEY: _key_registered,
    Verb.CONFIRM_KEY: _key_confirmed,
    Verb.RETIRE_KEY: _key_retired,
    Verb.KEEP_KEY: _key_kept,
    Verb.CHANGE_KEY: _key_changed,
    Verb.REVOKE_KEY: _key_revoked,
    Verb.BLOCK_KEY: _key_blocked,
    Verb.USE_SUCCESSOR: _successor_used,
}
"""The function that describes the events of a verb."""
