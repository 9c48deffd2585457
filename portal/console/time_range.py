"""Ranges of time in tables whose ids and times `at` grow together, such as events."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final, TypeVar

from django.db.models import Model, QuerySet

Row = TypeVar("Row", bound=Model)

_CLOCKS: Final = timedelta(minutes=10)
"""How far the clocks of two hosts may differ: rows this close may be out of order by date."""


def since(rows: QuerySet[Row], moment: datetime) -> QuerySet[Row]:
    """Return the rows from this moment on. Bounds the id too, which is their order."""
    near = _all(rows).filter(at__gte=moment - _CLOCKS).order_by("at", "pk")
    first = near.values_list("pk", flat=True).first()
    return rows.none() if first is None else rows.filter(at__gte=moment, pk__gte=first)


def before(rows: QuerySet[Row], moment: datetime) -> QuerySet[Row]:
    """Return the rows before this moment. Bounds the id too."""
    near = _all(rows).filter(at__lt=moment + _CLOCKS).order_by("-at", "-pk")
    last = near.values_list("pk", flat=True).first()
    return rows.none() if last is None else rows.filter(at__lt=moment, pk__lte=last)


def _all(rows: QuerySet[Row]) -> QuerySet[Any]:
    everything: QuerySet[Any] = rows.model._default_manager.all()  # noqa: SLF001 - Django's name
    return everything
