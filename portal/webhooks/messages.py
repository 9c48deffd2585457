"""What webhooks say: a type, a time and ids. No names, addresses, labels or notes."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from portal.registry.choices import Verb
from portal.registry.models import Client, ClientKey, Event, PolicyRule
from portal.webhooks.models import Delivery, EventType, Webhook

_MAX_COPIES: Final = 100
"""For how many clients with the same blocked key there is a message."""


@dataclass(frozen=True, slots=True)
class Message:
    """What a webhook is sent. `client_pk` is the client that it is about; None if there is none.

    `number` is the event in the ledger, or None if no event caused it. `of_all`: it is about all
    clients.
    """

    type: EventType
    occasion: str
    at: datetime
    client_pk: int | None
    data: Mapping[str, Any]
    number: int | None = None
    of_all: bool = False

    def delivery(self, webhook: Webhook, now: datetime) -> Delivery:
        """Return a delivery that is due now."""
        body = {"type": self.type, "timestamp": _text(self.at), "data": self.data}
        return Delivery(
            webhook=webhook,
            message_id=f"msg_{uuid.uuid4().hex}",
            occasion=self.occasion,
            type=self.type,
            body=json.dumps(body, separators=(",", ":")),
            made_at=now,
            next_at=now,
        )


def messages_of(event: Event) -> Iterator[Message]:
    """Yield the messages about an event: usually one, or none. Reads its client and its key."""
    if event.number is not None and (describe := _DESCRIBE.get(event.verb)):
        kind, data_of = describe
        for client, data in data_of(event):
            yield Message(
                kind,
                # An event can be about several clients, which may have the same key. Its number can
                # be given again, to another event, when a migration is reversed.
                f"event {event.pk}" + (f" {client.pk}" if client else ""),
                event.at,
                client.pk if client else None,
                {"number": event.number, **data},
                event.number,
                of_all=kind == EventType.POLICY_CHANGED and client is None,
            )


def message_of_end(key: ClientKey, ends_at: datetime, days: int, now: datetime) -> Message:
    """Return the message that a key ends in at most so many days."""
    return Message(
        EventType.KEY_EXPIRING,
        f"end of {key.pk} {_text(ends_at)} {days}",
        now,
        key.client_id,
        {**_ids(key.client, key), "ends_at": _text(ends_at), "days": days},
    )


def test_message(webhook: Webhook, now: datetime) -> Message:
    """Return a message that says nothing."""
    client = webhook.client
    return Message(
        EventType.TEST,
        f"test {uuid.uuid4().hex}",
        now,
        webhook.client_id,
        {"client_id": client.client_id} if client else {},
    )


_Data = Iterable[tuple[Client | None, Mapping[str, Any]]]


def _ids(client: Client | None, key: ClientKey | None = None) -> dict[str, Any]:
    ids = {"client_id": client.client_id} if client else {}
    return ids | ({"kid": key.kid} if key else {})


def _key_with(*members: str) -> Callable[[Event], _Data]:
    """Return a function for events of a key, which adds these members of the detail."""

    def data_of(event: Event) -> _Data:
        more = {name: event.detail[name] for name in members if name in event.detail}
        yield event.client, {**_ids(event.client, event.key), **more}

    return data_of


def _changed(event: Event) -> _Data:
    """Yield a message if the expiry was changed. A label is for people only."""
    if change := event.detail.get("expires_at"):
        yield event.client, {**_ids(event.client, event.key), "expires_at": change["after"]}


def _of_client(event: Event) -> _Data:
    yield event.client, _ids(event.client)


def _of_member(event: Event) -> _Data:
    more = {name: event.detail[name] for name in ("member_id", "role") if name in event.detail}
    yield event.client, {**_ids(event.client), **more}


def _blocked(event: Event) -> _Data:
    """Yield a message for each client that has the key; without one, for where it was sent."""
    facts = {name: event.detail.get(name) for name in ("spki_sha256", "why")}
    keys = ClientKey.objects.filter(spki_sha256=facts["spki_sha256"]).select_related("client")
    found = list(keys.defer("pem", "jwk").order_by("pk")[:_MAX_COPIES])
    for key in found:
        yield key.client, {**_ids(key.client, key), **facts}
    if not found:
        yield event.client, {**_ids(event.client), **facts}


def _policy(event: Event) -> _Data:
    """Yield a message for each client that a rule names, or one for all of them."""
    facts = {name: event.detail[name] for name in _RULE if name in event.detail}
    if event.client or event.detail.get("of_all"):
        yield event.client, {**_ids(event.client), **facts}
        return
    rule = PolicyRule.objects.filter(pk=event.detail.get("rule")).first()
    for client in rule.clients.order_by("pk") if rule else ():
        yield client, {**_ids(client), **facts}


def _text(at: datetime) -> str:
    """Return a time as in RFC 3339, in UTC."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


_RULE: Final = (
    *("rule", "what", "applies_from", "algorithms", "rsa_min_bits", "longest_days"),
    *("confirmation", "replace_by", "until"),
)
"""What a message says of a rule: not its name, and not the reason of an exemption."""

_DESCRIBE: Final[Mapping[str, tuple[EventType, Callable[[Event], _Data]]]] = {
    Verb.REGISTER_KEY: (
        EventType.KEY_REGISTERED,
        _key_with("alg", "not_before", "expires_at", "confirmation_required"),
    ),
    Verb.CONFIRM_KEY: (EventType.KEY_CONFIRMED, _key_with()),
    Verb.CHANGE_KEY: (EventType.KEY_CHANGED, _changed),
    Verb.RETIRE_KEY: (EventType.KEY_RETIRED, _key_with("retires_at")),
    Verb.KEEP_KEY: (EventType.KEY_KEPT, _key_with()),
    Verb.REVOKE_KEY: (EventType.KEY_REVOKED, _key_with("reason")),
    Verb.BLOCK_KEY: (EventType.KEY_BLOCKED, _blocked),
    Verb.SUSPEND_CLIENT: (EventType.CLIENT_SUSPENDED, _of_client),
    Verb.RESUME_CLIENT: (EventType.CLIENT_RESUMED, _of_client),
    Verb.ACCEPT_MEMBERSHIP: (EventType.MEMBER_ADDED, _of_member),
    Verb.ADD_MEMBER: (EventType.MEMBER_ADDED, _of_member),
    Verb.REMOVE_MEMBER: (EventType.MEMBER_REMOVED, _of_member),
    Verb.CHANGE_POLICY: (EventType.POLICY_CHANGED, _policy),
}
