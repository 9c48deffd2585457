"""Delete what is over its time: redeemed assertions, refused requests, codes, tokens, sessions.

In batches, each a transaction of its own, so that nobody waits for long and a run that is stopped
has done what it has done. What decides is a date in the past, so running it again, or twice at
once, does no harm.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, Final

from django.conf import settings
from django.contrib.sessions.models import Session
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from oauth2_provider.settings import oauth2_settings

from portal.accounts.models import Tries, User
from portal.registry.models import (
    AccessToken,
    AuthorizationCode,
    Client,
    RedeemedAssertion,
    RefreshToken,
    RefusedRequest,
)
from portal.registry.redemption import KEPT_AFTER_EXPIRY

LISTED: Final = 1000
"""How many accepted, and how many refused requests of a client can be looked up at most."""

UNCONFIRMED: Final = timedelta(days=1)
"""How long an account may wait for its address to be confirmed."""

BATCH: Final = 1000
"""How many rows one transaction deletes at most."""


def prune(now: datetime) -> dict[str, int]:
    """Delete what is over its time at `now`; return how many rows of each kind, by its name."""
    # Refresh tokens come first: an access token stays for as long as one needs it.
    return {
        "redeemed assertions": sum(map(_delete, _redeemed(now))),
        "refused requests": sum(map(_delete, _refused(now))),
        "authorization codes": _delete(AuthorizationCode.objects.filter(expires__lte=_over(now))),
        "refresh tokens": sum(map(_delete, _refresh_tokens(now))),
        "access tokens": _delete(_access_tokens(now)),
        "accounts never confirmed": _delete(
            User.objects.never_confirmed().filter(date_joined__lte=now - UNCONFIRMED)
        ),
        "counted tries": _delete(Tries.objects.filter(ends_at__lte=now)),
        "sessions": _delete(Session.objects.filter(expire_date__lte=now)),
    }


def _redeemed(now: datetime) -> Iterator[QuerySet[RedeemedAssertion]]:
    """Yield the rows of each client that say nothing any more.

    A row stays while its `jti` could be used again, while it is listed, and as the newest of its
    key, which tells when that was used last.
    """
    newer = RedeemedAssertion.objects.filter(key=OuterRef("key"), pk__gt=OuterRef("pk"))
    for client in _clients_in(RedeemedAssertion.objects.all()):
        rows = RedeemedAssertion.objects.filter(client=client)
        yield rows.filter(_unlisted(rows, now), Exists(newer), expires_at__lte=_over(now))


def _refused(now: datetime) -> Iterator[QuerySet[RefusedRequest]]:
    """Yield the rows of each client that are not listed, and so those of no client."""
    for client in [None, *_clients_in(RefusedRequest.objects.all())]:
        rows = RefusedRequest.objects.filter(client=client)
        yield rows.filter(_unlisted(rows, now))


def _clients_in(rows: QuerySet[Any]) -> QuerySet[Client, int]:
    """Return the clients that have such rows: of a million, most may have none."""
    found = Exists(rows.filter(client=OuterRef("pk")))
    return Client.objects.filter(found).values_list("pk", flat=True).order_by("pk")


def _unlisted(rows: QuerySet[Any], now: datetime) -> Q:
    """Return the condition for a row of one client to be too old, or beyond the newest ones."""
    old = Q(at__lt=now - timedelta(days=settings.TOKEN_REQUEST_DAYS))
    beyond = rows.order_by("-pk").values_list("pk", flat=True)[LISTED : LISTED + 1].first()
    return old if beyond is None else old | Q(pk__lte=beyond)


def _refresh_tokens(now: datetime) -> Iterator[QuerySet[RefreshToken]]:
    """Yield the tokens that are refused for their age, and those whose use would betray no thief.

    A token that was rotated stays for as long as tokens live, so that its second use ends its
    family (RFC 9700 §4.14.2). Of a family that goes on, the newest that was got with each key stays
    until the end: revoking that key ends the family.
    """
    over = _over(now) - _refresh_token_life()
    yield RefreshToken.objects.filter(revoked=None, access_token__expires__lte=over)
    # The toolkit refuses a token whose access token was taken away.
    yield RefreshToken.objects.filter(revoked=None, access_token=None, created__lte=_over(now))
    family = RefreshToken.objects.filter(token_family=OuterRef("token_family"))
    goes_on = Exists(family.filter(revoked=None))
    newer = Exists(family.filter(key=OuterRef("key"), pk__gt=OuterRef("pk")))
    yield RefreshToken.objects.filter(~goes_on | newer, revoked__lte=over)


def _access_tokens(now: datetime) -> QuerySet[AccessToken]:
    """Return the tokens that are over and that no refresh token needs.

    The toolkit counts the life of a refresh token from its access token, and refuses it without.
    """
    needed = RefreshToken.objects.filter(access_token=OuterRef("pk"), revoked=None)
    tokens: QuerySet[AccessToken] = AccessToken.objects.filter(expires__lte=_over(now))
    return tokens.filter(~Exists(needed))


def _refresh_token_life() -> timedelta:
    return timedelta(seconds=oauth2_settings.REFRESH_TOKEN_EXPIRE_SECONDS)


def _over(now: datetime) -> datetime:
    """Return the date up to which what has ended is over for every clock of ours."""
    return now - KEPT_AFTER_EXPIRY


def _delete(rows: QuerySet[Any]) -> int:
    """Delete the rows, in batches; return how many they were."""
    number = 0
    while batch := list(rows.order_by("pk").values_list("pk", flat=True)[:BATCH]):
        with transaction.atomic():
            rows.model.objects.filter(pk__in=batch).delete()
        number += len(batch)
    return number
