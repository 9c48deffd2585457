"""Migration operations that do not block reads or writes of the table."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import ProjectState


class AddCheck(migrations.AddConstraint):
    """Add a CHECK for new rows only. `ValidateChecks` checks the existing ones.

    Otherwise PostgreSQL reads the whole table under an exclusive lock. SQLite checks all rows here.
    """

    def database_forwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        """Add the constraint as NOT VALID."""
        if schema_editor.connection.vendor != "postgresql":
            super().database_forwards(app_label, schema_editor, from_state, to_state)
            return
        model = to_state.apps.get_model(app_label, self.model_name)
        sql = self.constraint.create_sql(model, schema_editor)
        schema_editor.execute(f"{sql} NOT VALID", params=None)


class ValidateChecks(migrations.RunPython):
    """Check the rows that existed before `AddCheck`. Goes into a later migration."""

    def __init__(self, table: str, *names: str) -> None:
        self._arguments = (table, *names)

        def validate(_apps: Any, schema_editor: BaseDatabaseSchemaEditor) -> None:
            if schema_editor.connection.vendor == "postgresql":
                for name in names:
                    schema_editor.execute(f"ALTER TABLE {table} VALIDATE CONSTRAINT {name}")

        super().__init__(validate, migrations.RunPython.noop)

    def deconstruct(self) -> tuple[str, Any, Any]:
        """Return the name and arguments that recreate the operation."""
        return type(self).__name__, self._arguments, {}


class _BesideTraffic(ABC):
    """Build an index without blocking writes, in a migration with `atomic = False`."""

    model_name: str

    @property
    @abstractmethod
    def _indexed(self) -> Any:
        """The Django index or constraint: it has the name and creates the SQL."""

    def database_forwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,  # noqa: ARG002 - Django's signature
        to_state: ProjectState,
    ) -> None:
        """Build the index."""
        model = to_state.apps.get_model(app_label, self.model_name)
        _build(self._indexed, model, schema_editor)

    def database_backwards(
        self,
        app_label: str,  # noqa: ARG002 - Django's signature
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,  # noqa: ARG002
        to_state: ProjectState,  # noqa: ARG002
    ) -> None:
        """Drop the index."""
        _drop(self._indexed.name, schema_editor)


class AddIndexBesideTraffic(_BesideTraffic, migrations.AddIndex):
    """Add an index without blocking writes."""

    @property
    def _indexed(self) -> Any:
        return self.index


class AddUniqueBesideTraffic(_BesideTraffic, migrations.AddConstraint):
    """Add a unique index without blocking writes."""

    @property
    def _indexed(self) -> Any:
        return self.constraint


class RemoveIndexBesideTraffic(migrations.RemoveIndex):
    """Remove an index without blocking reads or writes, in a migration with `atomic = False`."""

    name: str
    model_name: str
    model_name_lower: str

    def database_forwards(
        self,
        app_label: str,  # noqa: ARG002 - Django's signature
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,  # noqa: ARG002
        to_state: ProjectState,  # noqa: ARG002
    ) -> None:
        """Drop the index."""
        _drop(self.name, schema_editor)

    def database_backwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,  # noqa: ARG002
        to_state: ProjectState,
    ) -> None:
        """Build the index again."""
        index = to_state.models[app_label, self.model_name_lower].get_index_by_name(self.name)
        model = to_state.apps.get_model(app_label, self.model_name)
        _build(index, model, schema_editor)


class DropForeignKeyIndex(migrations.AlterField):
    """Set `db_index=False` on a foreign key whose column begins another index, beside traffic.

    Unlike AlterField, it leaves the table and its triggers as they are on SQLite. Needs a migration
    with `atomic = False`.
    """

    name: str
    model_name: str

    def database_forwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,  # noqa: ARG002 - Django's signature
    ) -> None:
        """Drop Django's index."""
        _drop(self._index(app_label, schema_editor, from_state)[0].name, schema_editor)

    def database_backwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,  # noqa: ARG002
        to_state: ProjectState,
    ) -> None:
        """Build Django's index again."""
        _build(*self._index(app_label, schema_editor, to_state), schema_editor)

    def _index(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, state: ProjectState
    ) -> tuple[models.Index, Any]:
        model = state.apps.get_model(app_label, self.model_name)
        column = model._meta.get_field(self.name).column  # noqa: SLF001 - Django's documented name
        editor: Any = schema_editor
        name = editor._create_index_name(model._meta.db_table, [column])  # noqa: SLF001 - as Django named it
        return models.Index(fields=[self.name], name=name), model


def _build(indexed: Any, model: Any, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Build the index; on PostgreSQL beside traffic.

    A run stopped by `lock_timeout` or by hand leaves an index that PostgreSQL does not use, so the
    next run builds it again. SQLite builds it normally.
    """
    sql = str(indexed.create_sql(model, schema_editor))
    if schema_editor.connection.vendor == "postgresql":
        _drop(indexed.name, schema_editor)
        sql = sql.replace(" INDEX ", " INDEX CONCURRENTLY ", 1)
    schema_editor.execute(sql, params=None)


def _drop(name: str, schema_editor: BaseDatabaseSchemaEditor) -> None:
    how = "CONCURRENTLY " if schema_editor.connection.vendor == "postgresql" else ""
    schema_editor.execute(f'DROP INDEX {how}IF EXISTS "{name}"')
