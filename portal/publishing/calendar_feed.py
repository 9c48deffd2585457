"""The ends of a client's keys as a calendar, at a secret address."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.urls import reverse
from django.utils import timezone

from portal import bulkhead
from portal.core.dates import time_text
from portal.core.key_calendar import CONTENT_TYPE, KeyEnd, key_calendar
from portal.publishing.public_endpoint import BUSY, Document, PublicDocument, problem
from portal.registry.models import CalendarFeed, Client, ClientKey

_SECONDS: Final = 300
"""How long a calendar program may reuse the calendar. It is the only reader of this address."""

_KEPT: Final = timedelta(days=30)
"""How long the end of a key stays in the calendar, to find out later why something stopped."""
_MAX_KEYS: Final = 100
"""How many ends the calendar has, the latest ones: all of the future are among them."""

_UNKNOWN: Final = problem(
    404,
    "not_found",
    "This calendar address does not exist or was revoked. The client's Settings page in the portal "
    "makes another one.",
)


@PublicDocument
def calendar_feed(secret: str) -> Document:
    """Return the calendar of the client whose address has this secret."""
    try:
        with bulkhead.lookups:
            feeds = CalendarFeed.objects.with_secret(secret).select_related("client")
            feed = feeds.first()
            ends = list(_ends(feed.client, timezone.now())) if feed else []
    except bulkhead.BulkheadFull:
        return BUSY
    if feed is None:
        return _UNKNOWN
    # Links in the calendar must not tell other sites its address, and no search engine may list it.
    headers = {"Referrer-Policy": "no-referrer", "X-Robots-Tag": "noindex"}
    return Document(
        key_calendar(f"Key ends of {feed.client.name}", ends),
        f"private, max-age={_SECONDS}",
        content_type=CONTENT_TYPE,
        headers=headers,
    )


def _ends(client: Client, now: datetime) -> Iterator[KeyEnd]:
    keys = ClientKey.objects.filter(client=client).ending_after(now - _KEPT)
    for key in keys.with_changed_at().defer("pem", "jwk")[:_MAX_KEYS]:
        ends_at = key.lifecycle.ends_at
        if ends_at is not None:
            url = settings.PUBLIC_URL + reverse("key", args=[client.client_id, key.kid])
            yield KeyEnd(
                uid=f"{key.kid}@{client.client_id}",
                title=f"Key “{key.label}” of {client.name} ends",
                text=(
                    f"From {time_text(ends_at)} the portal does not publish or accept this key. "
                    "Register its successor before that, and let the client sign with it.\n\n"
                    f"kid: {key.kid}\nClient ID: {client.client_id}\n{url}"
                ),
                url=url,
                ends_at=ends_at,
                changed_at=key.changed_at,
            )
