"""Delete expired rows: redeemed assertions, refused requests, codes, tokens, accounts, sessions.

Each batch is its own transaction, so locks are short and a stopped run keeps its progress. Past
dates decide which rows go, so it is safe to run again, or twice at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, Final, TypeVar

from django.conf import settings
from django.contrib.sessions.models import Session
from django.db import transaction
from django.db.models import Exists, F, Model, OuterRef, Q, QuerySet, Subquery
from oauth2_provider.settings import oauth2_settings

from portal.accounts.models import Tries, User
from portal.registry.jti_store import KEPT_AFTER_EXPIRY
from portal.registry.models import (
    AccessToken,
    AuthorizationCode,
    Job,
    KeyUse,
    PolicyRule,
    RedeemedAssertion,
    RefreshToken,
    RefusedRequest,
    UseCursor,
)
from portal.registry.paging import beyond, newest_of
from portal.registry.uses import USES_KEPT, count_uses

Row = TypeVar("Row", bound=Model)

LISTED: Final = 1000
"""The maximum number of a client's accepted requests to list, and likewise of refused ones."""

UNCONFIRMED: Final = timedelta(days=1)
"""How long an account can exist without a confirmed address."""

UNSTARTED: Final = timedelta(days=1)
"""How long a job can be prepared, or a rule drafted, without being started or saved."""

BATCH: Final = 1000
"""The maximum number of rows that one transaction deletes."""


def prune(now: datetime) -> dict[str, int]:
    """Delete the rows that have expired at `now`; return the number of rows by kind."""
    # Uses are counted by key and day before their rows go. Rows of more recent ones stay.
    while count_uses():
        pass
    # Refresh tokens first: an access token stays while a refresh token needs it.
    return {
        "redeemed assertions": sum(map(_delete, _redeemed(now))),
        "uses of keys": _delete(
            KeyUse.objects.filter(day__lt=(now - USES_KEPT).date()).order_by("day", "pk"), "day"
        ),
        "refused requests": sum(map(_delete, _refused(now))),
        "authorization codes": _delete(_expired(AuthorizationCode, now), "expires"),
        "refresh tokens": sum(map(_delete, _refresh_tokens(now))),
        "access tokens": _delete(_access_tokens(now), "expires"),
        "accounts never confirmed": _delete(
            User.objects.never_confirmed().filter(date_joined__lte=now - UNCONFIRMED).order_by("pk")
        ),
        "drafts of policy rules": _delete_drafts(
            PolicyRule.objects.filter(saved_at=None, made_at__lte=now - UNSTARTED)
        ),
        "jobs never started": _delete_drafts(
            Job.objects.filter(started_at=None, made_at__lte=now - UNSTARTED)
        ),
        "counted tries": _delete(
            Tries.objects.filter(ends_at__lte=now).order_by("ends_at", "pk"), "ends_at"
        ),
        "sessions": _delete(
            Session.objects.filter(expire_date__lte=now).order_by("expire_date", "pk"),
            "expire_date",
        ),
    }


def _redeemed(now: datetime) -> Iterator[QuerySet[RedeemedAssertion]]:
    """Yield, for each client, the rows that are no longer needed.

    A row stays while its `jti` could be replayed, while it is listed, and until it is counted. The
    newest row of each key stays too: it says when the key was last used.
    """
    everything = RedeemedAssertion.objects.all()
    newest = Subquery(newest_of(everything, "key", OuterRef("key")).values("pk")[:1])
    counted = UseCursor.objects.values_list("counted", flat=True).get(pk=1)
    for client in _clients_in(everything):
        rows = newest_of(everything, "client", client, oldest_first=True)
        over = rows.filter(
            _unlisted(everything, client, now), expires_at__lte=_over(now), pk__lte=counted
        )
        yield over.alias(newest=newest).filter(pk__lt=F("newest"))


def _refused(now: datetime) -> Iterator[QuerySet[RefusedRequest]]:
    """Yield the unlisted rows of each client, and then of no client."""
    everything = RefusedRequest.objects.all()
    for client in (None, *_clients_in(everything)):
        rows = newest_of(everything, "client", client, oldest_first=True)
        yield rows.filter(_unlisted(everything, client, now))


def _clients_in(rows: QuerySet[Any]) -> Iterator[int]:
    """Yield the ids of the clients that have such rows: most clients may have none."""
    clients = rows.filter(client__isnull=False).order_by("client_id")
    clients = clients.values_list("client_id", flat=True)
    client = clients.first()
    while client is not None:
        yield client
        client = clients.filter(client_id__gt=client).first()


def _unlisted(rows: QuerySet[Any], client: int | None, now: datetime) -> Q:
    """Return the condition that a client's row is too old, or older than its newest `LISTED`."""
    old = Q(at__lt=now - timedelta(days=settings.TOKEN_REQUEST_DAYS))
    newest = newest_of(rows, "client", client).values_list("pk", flat=True)
    beyond = newest[LISTED : LISTED + 1].first()
    return old if beyond is None else old | Q(pk__lte=beyond)


def _refresh_tokens(now: datetime) -> Iterator[QuerySet[RefreshToken]]:
    """Yield the tokens that are too old to use, and those no longer needed to detect reuse.

    A rotated token stays for the lifetime of refresh tokens, so that its reuse ends its family (RFC
    9700 §4.14.2). In a live family, the newest token issued with each key stays until the family
    ends: revoking that key ends the family.
    """
    over = _over(now) - _refresh_token_life()
    family = RefreshToken.objects.filter(token_family=OuterRef("token_family"))
    goes_on = Exists(family.filter(revoked=None))
    newer = Exists(family.filter(key=OuterRef("key"), pk__gt=OuterRef("pk")))
    # No index orders these dates, so read all tokens, in batches.
    for tokens in _slices(RefreshToken):
        yield tokens.filter(revoked=None, access_token__expires__lte=over)
        # The toolkit refuses a refresh token whose access token was deleted.
        yield tokens.filter(revoked=None, access_token=None, created__lte=_over(now))
        yield tokens.filter(~goes_on | newer, revoked__lte=over)


def _access_tokens(now: datetime) -> QuerySet[AccessToken]:
    """Return the expired access tokens that no refresh token needs.

    The toolkit computes a refresh token's expiry from its access token, and refuses it without one.
    """
    needing = RefreshToken.objects.filter(access_token=OuterRef("pk"), revoked=None)
    tokens = _expired(AccessToken, now).alias(needing=Subquery(needing.values("pk")[:1]))
    unneeded: QuerySet[AccessToken] = tokens.filter(needing=None)
    return unneeded


def _expired(model: type[Row], now: datetime) -> QuerySet[Row]:
    """Return the rows that expired before `_over(now)`, oldest first."""
    rows = model._default_manager.filter(expires__lte=_over(now))  # noqa: SLF001 - Django's name
    return rows.order_by("expires", "pk")


def _refresh_token_life() -> timedelta:
    return timedelta(seconds=oauth2_settings.REFRESH_TOKEN_EXPIRE_SECONDS)


def _over(now: datetime) -> datetime:
    """Return the date before which an expiry is past on every host's clock."""
    return now - KEPT_AFTER_EXPIRY


def _slices(model: type[Row]) -> Iterator[QuerySet[Row]]:
    """Yield all rows, `BATCH` at a time."""
    rows = model._default_manager.order_by("pk")  # noqa: SLF001 - Django's name
    last: Any = 0
    while pks := list(rows.filter(pk__gt=last).values_list("pk", flat=True)[:BATCH]):
        yield rows.filter(pk__in=pks)
        last = pks[-1]


def _delete_drafts(drafts: QuerySet[Any]) -> int:
    """Delete these rows in batches; return how many there were.

    Somebody may save or start one at this moment, so they are locked before they are deleted.
    """
    number = 0
    while True:
        with transaction.atomic():
            locked = drafts.select_for_update(of=("self",)).order_by("pk")
            pks = list(locked.values_list("pk", flat=True)[:BATCH])
            drafts.model.objects.filter(pk__in=pks).delete()
        if not pks:
            return number
        number += len(pks)


def _delete(rows: QuerySet[Any], *order: str) -> int:
    """Delete the rows in batches; return how many there were.

    The rows must be sorted by `order`, then by `pk`. Each batch starts after the last row of the
    one before, so no row is read twice.
    """
    number, rest = 0, rows
    while batch := list(rest.values_list(*order, "pk")[:BATCH]):
        with transaction.atomic():
            rows.model.objects.filter(pk__in=[row[-1] for row in batch]).delete()
        number += len(batch)
        rest = rows.filter(beyond((*order, "pk"), batch[-1], "gt"))
    return number
