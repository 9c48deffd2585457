"""How verifiers reuse key sets."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower

from portal.core.replacement import Cache

LONGEST_S = 30 * 24 * 60 * 60


class Verifier(models.Model):
    """A kind of verifier, with the times after which it knows a new key and forgets an old one.

    Migrations fill in what docs/verifiers.md has; admins change it. For None see `Cache`.
    """

    name = models.CharField(max_length=100)
    keeps_s = models.PositiveIntegerField(null=True, blank=True)
    looks_after_s = models.PositiveIntegerField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(Lower("name"), name="verifier_of_name"),
            models.CheckConstraint(condition=~Q(name=""), name="verifier_has_a_name"),
            models.CheckConstraint(
                condition=(Q(keeps_s=None) | Q(keeps_s__lte=LONGEST_S))
                & (Q(looks_after_s=None) | Q(looks_after_s__lte=LONGEST_S)),
                name="verifier_times_are_short",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def cache(self) -> Cache:
        """Its times."""
        return Cache(self.name, self.keeps_s, self.looks_after_s)
