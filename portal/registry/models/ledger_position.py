"""How far a follower has handled the events of the ledger."""

from __future__ import annotations

import logging
from typing import Any, Self

from django.db import models, transaction

from portal.registry.models.ledger import Ledger

logger = logging.getLogger(__name__)


class LedgerPosition(models.Model):
    """How far a follower has handled the events of the ledger. The only row of its table.

    A follower is code that workers run to handle all events in order. It locks its position first,
    so that no two workers handle the same event.
    """

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    number = models.BigIntegerField()
    """The number of the last event that was handled."""

    class Meta:
        abstract = True

    @classmethod
    def begin(cls, **values: Any) -> None:
        """Store the head of the ledger as the first position, with these values of other fields.

        Does nothing if there is a position.
        """
        if not cls._default_manager.filter(pk=1).exists():
            defaults = {"number": Ledger.head().size, **values}
            cls._default_manager.get_or_create(pk=1, defaults=defaults)

    @classmethod
    def locked(cls, **values: Any) -> Self:
        """Return the position, locked until the transaction ends. Begins with `values` if needed.

        A new follower begins at the head, so nothing follows from what was long ago.
        """
        rows = cls._default_manager.select_for_update()
        position = rows.filter(pk=1).first()
        if position is None:
            cls.begin(**values)
            position = rows.get(pk=1)
        return position

    @classmethod
    def is_behind(cls) -> bool:
        """Return whether there may be events to handle, without a lock.

        If the ledger ends before the position, as after a restore, move the position to its end.
        Otherwise the new events that get the numbers up to the position would not be handled.
        """
        position = cls._default_manager.filter(pk=1).first()
        if position is None:
            return True
        size = Ledger.head().size
        if position.number > size:
            message = "The ledger ends at %d, before the position %s of %s"
            logger.error(message, size, position, cls._meta.app_label)
            with transaction.atomic():
                cls._default_manager.filter(pk=1, number=position.number).update(number=size)
                cls.ledger_ended_at(size)
        return position.number < size

    @classmethod
    def ledger_ended_at(cls, size: int) -> None:
        """Correct other numbers of events that the follower has stored, if there are any."""
