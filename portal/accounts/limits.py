"""How often things may be tried, from the settings, and how to say so."""

from __future__ import annotations

from allauth.account import app_settings
from allauth.core import ratelimit
from allauth.core.internal.ratelimit import parse_rates
from django.http import HttpRequest


def within_limit(request: HttpRequest, action: str) -> bool:
    """Count one more try of the action; return whether it was still within its limit."""
    return bool(ratelimit.consume(request, action=action))


def wait_for(action: str) -> str:
    """Return how long one waits at most until the action is possible again: "5 minutes"."""
    rates = parse_rates(app_settings.RATE_LIMITS.get(action))
    return in_words(max((rate.duration for rate in rates), default=60))


def in_words(seconds: float) -> str:
    """Return a duration as people say it, in its largest fitting unit."""
    for unit, size in (("hour", 3600), ("minute", 60)):
        if seconds >= size:
            count = round(seconds / size)
            return f"{count} {unit}" if count == 1 else f"{count} {unit}s"
    return f"{round(seconds)} seconds"
