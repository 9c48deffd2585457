"""The progress of `manage.py judge_keys`."""

from __future__ import annotations

from django.db import models

from portal.registry.models.client_key import ClientKey


class JudgedKey(models.Model):
    """How a key was judged after its registration. A key without a row was not judged yet."""

    key = models.OneToOneField(ClientKey, models.PROTECT, primary_key=True, related_name="judged")
    compared = models.BooleanField(default=False, db_default=False)
    """Whether its modulus was compared with those of all other proved keys."""
    rules = models.CharField(max_length=16, blank=True, default="", db_default="")
    """The rules that judged it last (`portal.core.key_policy.judging.rules`)."""

    def __str__(self) -> str:
        return f"{self.key_id} by {self.rules}"
