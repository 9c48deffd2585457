"""Model fields for an actor: a person, a client with its key, or the portal itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Generic, Self, TypeVar, overload

from django.conf import settings
from django.db import models
from django.db.models import Q

from portal.accounts.models import User


class Portal:
    """The portal, when it acts on its own."""

    def __str__(self) -> str:
        return "the portal"


PORTAL: Final = Portal()
"""The only instance."""

AnActor = TypeVar("AnActor")


class ActorFields(property, Generic[AnActor]):
    """An actor as one attribute of a model, stored in three columns.

    `done_by = ActorFields[Actor]()` creates the fields `done_by_user`, `done_by_key` and
    `done_by_portal`, and reads and writes them together. None means nobody. Queries use the names
    of the fields. The model also needs a CHECK of `by_somebody` or `by_nobody`.
    """

    def __init__(self, *, db_index: bool = True) -> None:
        super().__init__(self._read, self._write)
        self._db_index = db_index

    def contribute_to_class(self, model: type[models.Model], name: str) -> None:
        """Add the fields to the model; Django calls this for each attribute of the class."""
        self._user, self._key, self._portal = self.fields = _fields_of(name)
        # The column is older than the other two: all actors were people once.
        user = models.ForeignKey(
            *(settings.AUTH_USER_MODEL, models.PROTECT),
            null=True,
            blank=True,
            related_name="+",
            db_column=f"{name}_id",
            db_index=self._db_index,
        )
        # No index: no query looks for what a key did, and no key is deleted.
        key = models.ForeignKey(
            *("registry.ClientKey", models.PROTECT),
            null=True,
            blank=True,
            related_name="+",
            db_index=False,
        )
        # The previous version of the portal inserts rows without this column.
        portal = models.BooleanField(default=False, db_default=False)
        for field_name, field in zip(self.fields, (user, key, portal), strict=True):
            model.add_to_class(field_name, field)
        setattr(model, name, self)

    if TYPE_CHECKING:

        @overload
        def __get__(self, row: None, model: type, /) -> Self: ...
        @overload
        def __get__(self, row: models.Model, model: type | None = None, /) -> AnActor: ...
        def __get__(self, row: Any, model: Any = None, /) -> Any: ...
        def __set__(self, row: Any, actor: AnActor, /) -> None: ...

    @property
    def related(self) -> tuple[str, str]:
        """The arguments for `select_related` that load an actor."""
        return self._user, f"{self._key}__client"

    def values(self, actor: object) -> dict[str, Any]:
        """Return the values of the three fields for an actor, for `create` and `update`."""
        is_portal, is_user = actor is PORTAL, isinstance(actor, User)
        of_key = None if is_portal or is_user else actor
        return {self._user: actor if is_user else None, self._key: of_key, self._portal: is_portal}

    def is_portal(self, row: models.Model) -> bool:
        """Return whether the actor is the portal, without loading another actor."""
        return bool(getattr(row, self._portal))

    def _read(self, row: models.Model) -> Any:
        if self.is_portal(row):
            return PORTAL
        return getattr(row, self._key) or getattr(row, self._user)

    def _write(self, row: models.Model, actor: object) -> None:
        for field_name, value in self.values(actor).items():
            setattr(row, field_name, value)


def by_somebody(name: str) -> Q:
    """Return the condition that exactly one of the three fields of `name` has an actor."""
    user, key, portal = _fields_of(name)
    return (
        Q(**{f"{user}__isnull": False, key: None, portal: False})
        | Q(**{user: None, f"{key}__isnull": False, portal: False})
        | Q(**{user: None, key: None, portal: True})
    )


def by_nobody(name: str) -> Q:
    """Return the condition that none of the three fields of `name` has an actor."""
    user, key, portal = _fields_of(name)
    return Q(**{user: None, key: None, portal: False})


def _fields_of(name: str) -> tuple[str, str, str]:
    return f"{name}_user", f"{name}_key", f"{name}_portal"
