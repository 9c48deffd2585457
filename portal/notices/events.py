"""Which events of the ledger are occasions for notices."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from portal.notices.client_events import CLIENT_EVENTS
from portal.notices.ends import occasions_of_lost_successor
from portal.notices.key_events import KEY_EVENTS
from portal.notices.occasions import Occasion
from portal.registry.choices import Verb
from portal.registry.models import Event

_DESCRIBE = {**KEY_EVENTS, **CLIENT_EVENTS}


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
