"""The head of the ledger: how many events it holds, and the hash over all of them."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from portal.core.ledger import Tree
from portal.registry.regexes import SHA256_HEX

EMPTY_ROOT = Tree.empty().root.hex()


class Ledger(models.Model):
    """The only row of its table. Adding events locks it, updates it and commits.

    `frontier` and `root` are those of `portal.core.ledger.Tree`, in hexadecimal.
    """

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    size = models.BigIntegerField(default=0)
    frontier = models.JSONField(default=list)
    root = models.CharField(max_length=64, default=EMPTY_ROOT)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(id=1), name="ledger_is_one_row"),
            models.CheckConstraint(condition=Q(size__gte=0), name="ledger_size_is_a_number"),
            models.CheckConstraint(
                condition=Q(root__regex=SHA256_HEX), name="ledger_root_is_a_sha256"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.size} events, root {self.root}"

    @classmethod
    def head(cls) -> Ledger:
        """Return the current head. Before the first event, return that of an empty ledger."""
        return cls._default_manager.first() or cls()
