"""A public key of a client."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final, Self, TypeAlias

from django.conf import settings
from django.db import models
from django.db.models import Case, Count, Exists, F, OuterRef, Q, Subquery, Value, When
from django.db.models.functions import Coalesce, Least
from django.db.models.lookups import LessThan

from portal.accounts.models import User
from portal.core.algorithms import ALGORITHMS
from portal.core.jwk import PRIVATE_MEMBERS
from portal.core.key_policy.requirements import Requirements
from portal.core.lifecycle import OVER, KeyStatus, Lifecycle
from portal.registry.choices import RevocationReason
from portal.registry.models.actor_fields import ActorFields, Portal, by_nobody, by_somebody
from portal.registry.models.client import Client
from portal.registry.paging import newest_of
from portal.registry.regexes import SHA256_HEX

_MaybeActor: TypeAlias = "User | ClientKey | Portal | None"

LEGACY_ALGORITHMS: Final = [each.name for each in ALGORITHMS.values() if each.legacy]

_NEVER: Final = datetime(9999, 12, 31, tzinfo=UTC)
ENDS: Final = Least(
    *(Coalesce(date, _NEVER) for date in ("expires_at", "retires_at", "revoked_at"))
)
"""When a key ends or has ended, by its dates. An index on it finds the keys that have not ended."""


def _conditions(now: datetime) -> dict[KeyStatus, Q]:
    """Return `Lifecycle.status` as query conditions. The first one that holds decides."""
    return {
        KeyStatus.REVOKED: Q(revoked_at__isnull=False),
        KeyStatus.RETIRED: Q(retires_at__lte=now),
        KeyStatus.EXPIRED: Q(expires_at__lte=now),
        KeyStatus.UNCONFIRMED: Q(confirmation_required=True, confirmed_at=None),
        KeyStatus.PENDING: Q(not_before__gt=now),
        KeyStatus.RETIRING: Q(retires_at__gt=now),
        KeyStatus.ACTIVE: Q(),
    }


class ClientKeyQuerySet(models.QuerySet["ClientKey"]):
    """Queries for keys."""

    def in_status(self, status: KeyStatus, now: datetime) -> Self:
        """Return the keys whose `Lifecycle.status` is this one at `now`."""
        conditions = _conditions(now)
        order = list(conditions)
        earlier = order[: order.index(status)]
        keys = self if status in OVER else self.current(now)
        return keys.filter(conditions[status], *(~conditions[each] for each in earlier))

    def current(self, now: datetime) -> Self:
        """Return the keys that have not ended at `now`. They count towards the client's limit."""
        is_ = _conditions(now)
        return self.alias(ends=ENDS).filter(
            ~is_[KeyStatus.REVOKED],
            ~is_[KeyStatus.RETIRED],
            ~is_[KeyStatus.EXPIRED],
            # Redundant, but makes the database use the index `key_of_client_by_end`.
            ends__gt=now,
        )

    def ended(self, now: datetime) -> Self:
        """Return the keys that have ended at `now`: all that are not `current`."""
        is_ = _conditions(now)
        return self.filter(is_[KeyStatus.REVOKED] | is_[KeyStatus.RETIRED] | is_[KeyStatus.EXPIRED])

    def ending_after(self, moment: datetime) -> Self:
        """Return the keys that a date ends after this moment, the latest end first.

        For keys of one client, it reads the index `key_of_client_by_end`.
        """
        ends = self.alias(ends=ENDS).filter(revoked_at=None, ends__gt=moment, ends__lt=_NEVER)
        return ends.order_by("-ends", "-pk")

    def outside(self, required: Requirements, now: datetime) -> Self:
        """Return the keys that have not ended and for which `Requirements.unmet` is not empty."""
        unmet = Q(pk__in=[])
        if required.algorithms is not None:
            unmet |= ~Q(alg__in=required.algorithms)
        if required.rsa_min_bits:
            unmet |= Q(kty="RSA", bits__lt=required.rsa_min_bits)
        if required.longest_life is not None:
            unmet |= Q(ends__gt=F("registered_at") + required.longest_life)
        if required.confirmation:
            unmet |= Q(confirmed_at=None)
        return self.current(now).filter(unmet)

    def live(self, now: datetime) -> Self:
        """Return the keys whose `Lifecycle.is_live` is true at `now`."""
        is_ = _conditions(now)
        return self.current(now).filter(~is_[KeyStatus.UNCONFIRMED], ~is_[KeyStatus.PENDING])

    def counts(self, now: datetime) -> list[tuple[str, str, int]]:
        """Return algorithm, `Lifecycle.status` at `now`, and number of these keys. Reads them all.

        Only for statuses and algorithms that a key has.
        """
        *earlier, last = _conditions(now).items()
        cases = (When(condition, then=Value(status)) for status, condition in earlier)
        status = Case(*cases, default=Value(last[0]), output_field=models.CharField())
        counted = self.order_by().values_list("alg", status).annotate(number=Count("pk"))
        return sorted(counted)

    def proved(self) -> Self:
        """Return the keys whose client has proved possession of the private key, in any status.

        First use confirms a key. Earlier versions did not do that, so used keys count too.
        """
        used = Exists(_redeemed().filter(key=OuterRef("pk")))
        return self.filter(Q(confirmed_at__isnull=False) | used)

    def with_last_used(self) -> Self:
        """Return the keys with `last_used_at`: when the portal last accepted an assertion of each.

        None for a key that was never used. Costs one step in index `redeemed_of_key` for each key.
        """
        return self.annotate(last_used_at=_last_used())

    def used_since(self, since: datetime) -> Self:
        """Return the keys that the portal accepted an assertion of after this time."""
        return self.alias(used_at=_last_used()).filter(used_at__gt=since)

    def with_changed_at(self) -> Self:
        """Return the keys with `changed_at`: the time of the newest event about each."""
        events = ClientKey.events.rel.related_model._default_manager.all()  # noqa: SLF001 - Django's name
        newest = newest_of(events, "key", OuterRef("pk"))
        return self.annotate(changed_at=Subquery(newest.values("at")[:1]))

    def standing_successors(self, now: datetime) -> Self:
        """Return the standing successors: live and confirmed at `now`, and never used."""
        return self.live(now).filter(confirmed_at__isnull=False).never_used()

    def never_used(self) -> Self:
        """Return the keys of which the portal has accepted no assertion."""
        return self.alias(used_at=_last_used()).filter(used_at=None)

    def unused_since(self, moment: datetime) -> Self:
        """Return the keys that were registered, and last used if ever, before this moment."""
        idle = Coalesce(_last_used(), F("registered_at"))
        return self.filter(registered_at__lt=moment).alias(idle=idle).filter(idle__lt=moment)


def _last_used() -> Subquery:
    return Subquery(newest_of(_redeemed(), "key", OuterRef("pk")).values("at")[:1])


def _redeemed() -> models.QuerySet[Any]:
    """Return the accepted assertions. Their model refers to this one, so it cannot be imported."""
    return ClientKey.redeemed.rel.related_model._default_manager.all()  # noqa: SLF001 - Django's name


class ClientKey(models.Model):
    """A public key of a client. Never deleted, so the client cannot register a revoked key again.

    A client has a key only once, and at most one client has proved possession of its private key
    (ADR 0015). As e = 65537 for every RSA key, each modulus is one key. Triggers (migrations 0002,
    0008) refuse deletion, changes to what was registered, withdrawal of a confirmation, and any
    change to a revoked key.
    """

    # The index `key_of_client` serves it, which is also sorted.
    client = models.ForeignKey(Client, models.PROTECT, related_name="keys", db_index=False)
    number = models.PositiveIntegerField(null=True, blank=True)
    """Its number in the client, from 1. None for keys of earlier versions; see `key_numbers`."""
    label = models.CharField(max_length=100)
    pem = models.TextField()
    alg = models.CharField(max_length=16)
    kty = models.CharField(max_length=8)
    curve = models.CharField(max_length=16, blank=True)
    bits = models.PositiveIntegerField()
    kid = models.CharField(max_length=43)
    spki_sha256 = models.CharField(max_length=64)
    jwk = models.JSONField()
    """The members as published (RFC 7517), stored so that publishing needs no cryptography."""
    registered_at = models.DateTimeField(auto_now_add=True)
    # The index `key_by_registrant` serves it, which is also sorted.
    registered_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="registered_keys", db_index=False
    )
    not_before = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    confirmation_required = models.BooleanField(default=False)
    """Whether the key is live only after confirmation, from the setting at registration."""
    confirmed_at = models.DateTimeField(null=True, blank=True)
    confirmed_by = ActorFields[_MaybeActor]()
    retires_at = models.DateTimeField(null=True, blank=True)
    retired_by = ActorFields[_MaybeActor]()
    revoked_at = models.DateTimeField(null=True, blank=True)
    revoked_by = ActorFields[_MaybeActor]()
    revocation_reason = models.CharField(
        max_length=16, choices=RevocationReason.choices, blank=True
    )
    revocation_note = models.CharField(max_length=500, blank=True)

    last_used_at: datetime | None
    """Only on keys from `with_last_used`."""

    changed_at: datetime
    """Only on keys from `with_changed_at`."""

    objects = ClientKeyQuerySet.as_manager()

    class Meta:
        constraints = [
            # The key comes first, with LIKE support, to find it in all clients or by its prefix.
            models.UniqueConstraint(
                fields=["kid", "client"],
                opclasses=["varchar_pattern_ops", "int8_ops"],
                name="key_of_kid",
            ),
            models.UniqueConstraint(
                fields=["spki_sha256", "client"],
                opclasses=["varchar_pattern_ops", "int8_ops"],
                name="key_of_fingerprint",
            ),
            models.UniqueConstraint(
                fields=["spki_sha256"],
                condition=Q(confirmed_at__isnull=False),
                name="key_proved_once",
            ),
            models.UniqueConstraint(
                fields=["client", "number"],
                condition=Q(number__isnull=False),
                name="key_of_number",
            ),
            models.CheckConstraint(condition=~Q(label=""), name="key_has_a_label"),
            models.CheckConstraint(
                condition=Q(pem__startswith="-----BEGIN PUBLIC KEY-----\n")
                & ~Q(pem__contains="PRIVATE KEY"),
                name="key_is_public",
            ),
            models.CheckConstraint(
                condition=~Q(jwk__has_any_keys=list(PRIVATE_MEMBERS)), name="key_jwk_is_public"
            ),
            models.CheckConstraint(
                condition=Q(spki_sha256__regex=SHA256_HEX), name="key_fingerprint_is_a_sha256"
            ),
            models.CheckConstraint(condition=Q(alg__in=list(ALGORITHMS)), name="key_alg_known"),
            models.CheckConstraint(
                condition=Q(not_before=None)
                | Q(expires_at=None)
                | Q(expires_at__gt=F("not_before")),
                name="key_expires_after_it_starts",
            ),
            models.CheckConstraint(
                condition=(Q(confirmed_at=None) & by_nobody("confirmed_by"))
                | (Q(confirmed_at__isnull=False) & by_somebody("confirmed_by")),
                name="key_confirmed_by_somebody",
            ),
            models.CheckConstraint(
                condition=(Q(retires_at=None) & by_nobody("retired_by"))
                | (Q(retires_at__isnull=False) & by_somebody("retired_by")),
                name="key_retired_by_somebody",
            ),
            models.CheckConstraint(
                condition=(
                    Q(revoked_at=None, revocation_reason="", revocation_note="")
                    & by_nobody("revoked_by")
                )
                | (
                    Q(revoked_at__isnull=False, revocation_reason__in=RevocationReason.values)
                    & by_somebody("revoked_by")
                ),
                name="key_revoked_by_somebody_for_a_reason",
            ),
        ]
        indexes = [
            # Pages start at an id, newest first, so each filter needs its own index.
            models.Index(fields=["client", "-id"], name="key_of_client"),
            models.Index("client", ENDS, name="key_of_client_by_end"),
            models.Index(fields=["alg", "-id"], name="key_by_alg"),
            models.Index(fields=["registered_by", "-id"], name="key_by_registrant"),
            # `key_by_alg` orders the keys of one algorithm, not those of all legacy ones together.
            models.Index(
                fields=["-registered_at", "-id"],
                name="key_legacy_newest",
                condition=Q(alg__in=LEGACY_ALGORITHMS),
            ),
            models.Index(fields=["-registered_at", "-id"], name="key_newest"),
            models.Index(
                fields=["id"],
                name="key_rsa_proved",
                condition=Q(kty="RSA", confirmed_at__isnull=False),
            ),
            models.Index(fields=["-id"], name="key_revoked", condition=Q(revoked_at__isnull=False)),
            models.Index(
                fields=["client", "-revoked_at"],
                name="key_revoked_by_portal",
                condition=Q(revoked_by_portal=True),
            ),
            models.Index(
                fields=["-id"],
                name="key_unconfirmed",
                condition=Q(confirmation_required=True, confirmed_at=None),
            ),
            models.Index(
                fields=["-id"],
                name="key_unproved",
                condition=Q(confirmed_at=None, revoked_at=None),
            ),
            models.Index(
                fields=["retires_at"], name="key_by_end", condition=Q(retires_at__isnull=False)
            ),
            models.Index(
                fields=["expires_at", "id"],
                name="key_expiring_first",
                condition=Q(expires_at__isnull=False),
            ),
            models.Index(
                ENDS,
                "id",
                name="key_ending_first",
                condition=Q(LessThan(ENDS, _NEVER), revoked_at=None),
            ),
            models.Index(
                fields=["not_before"], name="key_by_start", condition=Q(not_before__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        return self.label

    @property
    def lifecycle(self) -> Lifecycle:
        """The facts that determine the key's status. `ClientKeyQuerySet` uses the same columns."""
        return Lifecycle(
            not_before=self.not_before,
            expires_at=self.expires_at,
            retires_at=self.retires_at,
            revoked_at=self.revoked_at,
            confirmed_at=self.confirmed_at,
            confirmation_required=self.confirmation_required,
        )

    @property
    def revoked_because(self) -> str:
        """The revocation reason in a word or two. Empty if the key is not revoked."""
        return self.get_revocation_reason_display().split(":")[0].lower()

    @property
    def is_legacy(self) -> bool:
        """Whether the key's algorithm is offered only for old verifiers."""
        return ALGORITHMS[self.alg].legacy

    @property
    def size(self) -> str:
        """The size as shown to people: "3072 bits", or the name of the curve."""
        return self.curve or f"{self.bits} bits"
