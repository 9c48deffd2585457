"""The base class of the filters of all lists."""

from __future__ import annotations

from abc import ABCMeta, abstractmethod
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from typing import Any, Final, Generic, Self, TypeVar
from urllib.parse import urlencode

from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db.models import BigIntegerField, Model, QuerySet
from django.forms.forms import DeclarativeFieldsMetaclass
from django.http import QueryDict

from portal.accounts.models import User
from portal.console.humanize import counted
from portal.console.search import clients_named
from portal.console.time_range import before, since
from portal.registry.models import Client
from portal.registry.paging import SCAN, Count, IndexFilter, Page, count_of, page_of
from portal.web.forms import PortalForm

Row = TypeVar("Row", bound=Model)

PAGE_SIZE: Final = 50
MAX_ID: Final = BigIntegerField.MAX_BIGINT
_BETWEEN: Final = "Enter a date between 2000-01-01 and 2999-12-31."
_DATES: Final = [
    MinValueValidator(date(2000, 1, 1), _BETWEEN),
    MaxValueValidator(date(2999, 12, 31), _BETWEEN),
]
_PLACES: Final = frozenset({"before", "after"})
_SORT: Final = "sort"
_MANY: Final = 50


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


def ids_of(found: QuerySet[Any], what: str) -> list[int]:
    """Return the primary keys of the rows for a filter's text; raise if there are none, or many."""
    ids = list(found.order_by().values_list("pk", flat=True)[: _MANY + 1])
    if not ids:
        message = f"No {what} match this. Check that you copied all of it."
        raise forms.ValidationError(message)
    if len(ids) > _MANY:
        message = f"This matches more than {_MANY} {what}. Enter more of it."
        raise forms.ValidationError(message)
    return ids


def person_with(email: str) -> User | None:
    """Return the user that a filter's text names, or None for an empty text."""
    email = email.strip().lower()
    if not email:
        return None
    person = User.objects.filter(email=email).first()
    if person is None:
        message = f"Nobody has the e-mail address {email}. Enter the complete address."
        raise forms.ValidationError(message)
    return person


def clients_with(term: str) -> list[int] | None:
    """Return the ids of the clients that a filter's text names, or None for an empty text."""
    return ids_of(Client.objects.filter(clients_named(term)), "clients") if term else None


def of_days(rows: QuerySet[Row], first: date | None, last: date | None) -> QuerySet[Row]:
    """Return the rows of these days in UTC, both included; see `time_range`."""
    if first:
        rows = since(rows, midnight(first))
    if last:
        rows = before(rows, midnight(last) + timedelta(days=1))
    return rows


class AbstractFormMeta(DeclarativeFieldsMetaclass, ABCMeta):
    """The metaclass of forms with abstract methods."""


class ListFilter(PortalForm, Generic[Row], metaclass=AbstractFormMeta):
    """A filter of a list, with the requested page.

    It is a value: `parse` makes it from a query string, `query` returns that string, `words`
    describe it, and `matching` returns its rows. Call all but `is_valid` only on a valid form.
    """

    tab = ""
    """The tab of the console that contains the list."""
    noun = ""
    """The noun for a row of the list, such as "key"."""
    pager_labels: tuple[str, str, str] = ("Newest", "Newer", "Older")
    """The labels of the links to the first, the previous and the next page."""

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

    @classmethod
    def parse(cls, query: str) -> Self:
        """Return the filter of a query string."""
        return cls(QueryDict(query))

    @abstractmethod
    def candidates(self, now: datetime) -> QuerySet[Row]:
        """Return rows that an index finds in the list's order, among them all that match.

        Leaves out `index_filter`.
        """

    def narrow(self, candidates: QuerySet[Row], now: datetime) -> QuerySet[Row]:  # noqa: ARG002 - for subclasses
        """Return the candidates that match the remaining filters, which no index serves.

        If there are none, returns the candidates themselves.
        """
        return candidates

    def with_related(self, rows: QuerySet[Row]) -> QuerySet[Row]:
        """Return the rows with what the list shows of other tables."""
        return rows

    @property
    def index_filter(self) -> IndexFilter | None:
        """The filter whose index finds the rows, or None."""
        return None

    @property
    def order(self) -> tuple[str, ...]:
        """The order of the rows; see `page_of`."""
        return ("-pk",)

    @property
    def anchors(self) -> QuerySet[Row] | None:
        """The rows of the model with what the order names, or None; see `page_of`."""
        return None

    def rows(self, now: datetime) -> QuerySet[Row]:
        """Return the rows that match all filters except `index_filter`, unordered."""
        return self.with_related(self.narrow(self.candidates(now), now))

    def matching(self, now: datetime) -> QuerySet[Row]:
        """Return the rows that match all filters, unordered."""
        rows = self.narrow(self.candidates(now), now)
        led = self.index_filter
        return rows.filter(**{f"{led.field}__in": led.values}) if led else rows

    def page(self, now: datetime, *, size: int = PAGE_SIZE) -> Page[Row] | None:
        """Return the requested page, or None when the filters are invalid."""
        if not self.is_valid():
            return None
        candidates = self.candidates(now)
        narrowed = self.narrow(candidates, now)
        return page_of(
            self.with_related(narrowed),
            size=size,
            candidates=None if narrowed is candidates else candidates,
            index_filter=self.index_filter,
            order=self.order,
            anchors=self.anchors,
            before=self.cleaned_data["before"] or None,
            after=self.cleaned_data["after"] or None,
        )

    def count(self, now: datetime) -> Count:
        """Return how many rows match, or that at least so many do."""
        candidates = self.candidates(now)
        return count_of(
            self.narrow(candidates, now),
            candidates=candidates,
            index_filter=self.index_filter,
            order=self.order,
        )

    def listing(self, page: Page[Row] | None, now: datetime) -> dict[str, Any]:
        """Return the context of a list: the form, the page, and the links to other pages."""
        is_first = not (self.data.get("before") or self.data.get("after"))
        here = self.query(**self._place())
        return {
            "section": "console",
            "tab": self.tab,
            "form": self,
            "page": page,
            # Only some pages show it, and a count is a query: templates call it.
            "count": page and partial(self._count_text, page, now, is_first=is_first),
            "scan": f"{SCAN:,}",
            "pager_labels": self.pager_labels if page else (),
            "filters": self.query(),
            "here": here,
            "back": f"?{urlencode({'back': here})}" if here else "",
            "older": self.query(before=page.before) if page and page.before else "",
            "newer": self.query(after=page.after) if page and page.after else "",
            "is_first": is_first,
        }

    def _count_text(self, page: Page[Row], now: datetime, *, is_first: bool) -> str:
        # The page has examined all that the count would.
        known = is_first and (page.before is None or page.stopped)
        count = Count(len(page.rows), not page.stopped) if known else self.count(now)
        return counted(count.number, self.noun, or_more=not count.is_exact)

    @property
    def narrows(self) -> bool:
        """Whether any filter is set."""
        return bool(self._set_names())

    def words(self) -> list[str]:
        """Return the filters that are set in words, such as "Algorithm: PS256"."""
        return [_described(self[name]) for name in self._set_names()]

    def query(self, **place: object) -> str:
        """Return the filters as a query string, with a position (`before`, `after`)."""
        names = (name for name in self.fields if name not in _PLACES)
        kept = {name: self.data.get(name) for name in names if self.data.get(name, "").strip()}
        return urlencode({**kept, **place})

    def _set_names(self) -> list[str]:
        # A blank text, or an unset box, filters nothing. A stored query may not be valid any more.
        given = self.cleaned_data if self.is_valid() else self.data
        return [
            name
            for name in self.fields
            if name not in _PLACES and name != _SORT and given.get(name)
        ]

    def _place(self) -> dict[str, object]:
        return {name: self.data.get(name) for name in sorted(_PLACES) if self.data.get(name)}


def _described(field: forms.BoundField) -> str:
    value, kind = field.value(), field.field
    if isinstance(kind, forms.BooleanField):
        return str(field.label)
    if isinstance(kind, forms.ChoiceField):
        value = dict(kind.choices).get(value, value)  # type: ignore[arg-type]
    return f"{field.label}: {value}"
