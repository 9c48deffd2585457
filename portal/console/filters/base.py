"""The base class of the filters of all lists."""

from __future__ import annotations

from abc import ABCMeta, abstractmethod
from datetime import UTC, date, datetime, time
from typing import Any, Final, Generic, TypeVar
from urllib.parse import urlencode

from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db.models import Model, QuerySet
from django.forms.forms import DeclarativeFieldsMetaclass

from portal.registry.paging import IndexFilter, Page, page_of
from portal.web.forms import PortalForm

Row = TypeVar("Row", bound=Model)

PAGE_SIZE: Final = 50
MAX_ID: Final = 2**63 - 1
_BETWEEN: Final = "Enter a date between 2000-01-01 and 2999-12-31."
_DATES: Final = [
    MinValueValidator(date(2000, 1, 1), _BETWEEN),
    MaxValueValidator(date(2999, 12, 31), _BETWEEN),
]
_PLACES: Final = frozenset({"before", "after"})


def day_field(label: str) -> forms.DateField:
    """Return an optional date field, within the range of both databases."""
    return forms.DateField(
        label=label,
        required=False,
        validators=_DATES,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        error_messages={"invalid": "Enter a date like 2026-03-31."},
    )


def midnight(day: date) -> datetime:
    """Return the start of the day in UTC."""
    return datetime.combine(day, time.min, UTC)


class AbstractFormMeta(DeclarativeFieldsMetaclass, ABCMeta):
    """The metaclass of forms with abstract methods."""


class ListFilter(PortalForm, Generic[Row], metaclass=AbstractFormMeta):
    """A filter of a list, with the requested page. Call `rows` only on a valid form."""

    tab = ""
    """The tab of the console that contains the list."""

    before = forms.IntegerField(
        required=False, min_value=0, max_value=MAX_ID, widget=forms.HiddenInput
    )
    after = forms.IntegerField(
        required=False, min_value=0, max_value=MAX_ID, widget=forms.HiddenInput
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            if isinstance(field, forms.ChoiceField):
                field.error_messages["invalid_choice"] = "Choose one from the list."

    @abstractmethod
    def rows(self, now: datetime) -> QuerySet[Row]:
        """Return the rows that match all filters except `index_filter`, unordered."""

    @property
    def index_filter(self) -> IndexFilter | None:
        """The filter whose index finds the rows, or None."""
        return None

    @property
    def order(self) -> tuple[str, ...]:
        """The fields that order the rows, newest first; see `page_of`."""
        return ("pk",)

    def page(self, now: datetime, *, size: int = PAGE_SIZE) -> Page[Row] | None:
        """Return the requested page, or None when the filters are invalid."""
        if not self.is_valid():
            return None
        return page_of(
            self.rows(now),
            size=size,
            index_filter=self.index_filter,
            order=self.order,
            before=self.cleaned_data["before"] or None,
            after=self.cleaned_data["after"] or None,
        )

    def listing(self, page: Page[Row] | None) -> dict[str, Any]:
        """Return the context of a list: the form, the page, and the links to other pages."""
        return {
            "section": "console",
            "tab": self.tab,
            "form": self,
            "page": page,
            "filters": self.query(),
            "older": self.query(before=page.before) if page and page.before else "",
            "newer": self.query(after=page.after) if page and page.after else "",
            "is_first": not (self.data.get("before") or self.data.get("after")),
        }

    @property
    def narrows(self) -> bool:
        """Whether any filter is set."""
        return bool(self.query())

    def query(self, **place: object) -> str:
        """Return the filters as a query string, with a position (`before`, `after`)."""
        kept = {
            name: self.data.get(name)
            for name in self.fields
            if name not in _PLACES and self.data.get(name)
        }
        return urlencode({**kept, **place})
