"""Rate limits: the limits of the settings, the counters, and the text that names a limit.

The database counts for all processes and hosts, with one statement per attempt. No lock outlives
the process that took it, and no request waits longer than one row write.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import wraps
from typing import Final

from allauth.account.adapter import get_adapter
from allauth.core.internal.ratelimit import parse_rates
from allauth.core.ratelimit import Rate, respond_429
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import connection
from django.db.models import F
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.timesince import timesince

from portal.accounts.models import Tries

View = Callable[..., HttpResponse]

# A window begins with the first attempt. A full window is not written to until it ends.
_COUNT: Final = """
INSERT INTO accounts_tries (id, number, ends_at) VALUES (%s, 1, %s)
ON CONFLICT (id) DO UPDATE SET
    number = CASE WHEN accounts_tries.ends_at <= %s THEN 1 ELSE accounts_tries.number + 1 END,
    ends_at = CASE WHEN accounts_tries.ends_at <= %s
        THEN excluded.ends_at ELSE accounts_tries.ends_at END
WHERE accounts_tries.ends_at <= %s OR accounts_tries.number < %s
RETURNING number
"""


def within_limit(request: HttpRequest, action: str, *, key: str = "") -> bool:
    """Count an attempt at the action; return whether it is within the limit.

    A rate per `key` counts by `key`, such as an e-mail address. Do not call this in a transaction:
    other requests that count in the same row would wait for its end.
    """
    now = timezone.now()
    return all(_count(*each, now) for each in _counted(request, action, key))


def give_back(request: HttpRequest, action: str, *, key: str = "") -> None:
    """Subtract one attempt, which does not count after all."""
    ids = [each for _, each in _counted(request, action, key)]
    Tries.objects.filter(pk__in=ids, number__gt=0).update(number=F("number") - 1)


def forget(request: HttpRequest, action: str, *, key: str = "") -> None:
    """Reset the counters of the action to zero."""
    Tries.objects.filter(pk__in=[each for _, each in _counted(request, action, key)]).delete()


def has_own_limit(view: View) -> View:
    """Mark a view that has its own limit, so that the common limit for writes skips it."""
    view.has_own_limit = True  # type: ignore[attr-defined]
    return view


def limited(action: str) -> Callable[[View], View]:
    """Return a decorator that counts submissions to a view and answers 429 beyond the limit."""

    def decorate(view: View) -> View:
        @wraps(view)
        def limit(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
            if request.method not in {"GET", "HEAD"} and not within_limit(request, action):
                answer: HttpResponse = respond_429(request)
                return answer
            return view(request, *args, **kwargs)

        return has_own_limit(limit)

    return decorate


def wait_for(action: str) -> str:
    """Return the longest wait until the action is possible again, such as "5 minutes"."""
    seconds = max((rate.duration for rate in _rates(action)), default=60)
    now = timezone.now()
    # timesince has no unit below a minute.
    return timesince(now, now + timedelta(seconds=max(seconds, 60)))


def _rates(action: str) -> list[Rate]:
    rates: list[Rate] = parse_rates(settings.RATE_LIMITS.get(action))
    return rates


def _counted(request: HttpRequest, action: str, key: str) -> list[tuple[Rate, str]]:
    """Return each rate of the action with the id of its row.

    Rates by `key` come last, so that a client address over its limit creates no row per key.
    """
    rates = sorted(_rates(action), key=lambda rate: rate.per == "key")
    return [(rate, _id(action, rate, _source(request, rate.per, key))) for rate in rates]


def _source(request: HttpRequest, per: str, key: str) -> str:
    if per == "ip":
        return str(get_adapter(request).get_client_ip(request))
    source = str(request.user.pk or "") if per == "user" else key.lower()
    if not source:
        raise ImproperlyConfigured(f"What is tried here has no {per} that a rate could count by.")
    return source


def _id(action: str, rate: Rate, source: str) -> str:
    """Return the row's id: a hash, because the source may be an e-mail address."""
    return hashlib.sha256(f"{action} {rate} {source}".encode()).hexdigest()


def _count(rate: Rate, row: str, now: datetime) -> bool:
    at = connection.ops.adapt_datetimefield_value
    begins, ends = at(now), at(now + timedelta(seconds=rate.duration))
    with connection.cursor() as cursor:
        cursor.execute(_COUNT, [row, ends, begins, begins, begins, rate.amount])
        return cursor.fetchone() is not None
