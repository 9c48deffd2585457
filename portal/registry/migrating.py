"""Operations of migrations that hold up nobody who reads or writes the table meanwhile."""

from __future__ import annotations

from typing import Any

from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import ProjectState


class AddCheck(migrations.AddConstraint):
    """Add a CHECK that rows to come are held to; `ValidateChecks` looks at those there are.

    PostgreSQL otherwise reads the whole table while nobody else may. SQLite checks all at once.
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
    """Look at the rows that were there before `AddCheck`; in a migration after it."""

    def __init__(self, table: str, *names: str) -> None:
        self._arguments = (table, *names)

        def validate(_apps: Any, schema_editor: BaseDatabaseSchemaEditor) -> None:
            if schema_editor.connection.vendor == "postgresql":
                for name in names:
                    schema_editor.execute(f"ALTER TABLE {table} VALIDATE CONSTRAINT {name}")

        super().__init__(validate, migrations.RunPython.noop)

    def deconstruct(self) -> tuple[str, Any, Any]:
        """Return how to make it again."""
        return type(self).__name__, self._arguments, {}


class _BesideTraffic:
    """Build an index while rows are written; for a migration with `atomic = False`.

    A run that was stopped, by `lock_timeout` or by hand, leaves an index that PostgreSQL does not
    use. The next run builds it again. SQLite builds it at once.
    """

    model_name: str

    @property
    def _indexed(self) -> Any:
        """What Django makes the index of: it has a name, and gives the SQL."""
        raise NotImplementedError

    def database_forwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,  # noqa: ARG002 - Django's signature
        to_state: ProjectState,
    ) -> None:
        """Build the index."""
        model = to_state.apps.get_model(app_label, self.model_name)
        sql = str(self._indexed.create_sql(model, schema_editor))
        if schema_editor.connection.vendor == "postgresql":
            self._drop(schema_editor)
            sql = sql.replace(" INDEX ", " INDEX CONCURRENTLY ", 1)
        schema_editor.execute(sql, params=None)

    def database_backwards(
        self,
        app_label: str,  # noqa: ARG002 - Django's signature
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,  # noqa: ARG002
        to_state: ProjectState,  # noqa: ARG002
    ) -> None:
        """Drop the index."""
        self._drop(schema_editor)

    def _drop(self, schema_editor: BaseDatabaseSchemaEditor) -> None:
        how = "CONCURRENTLY " if schema_editor.connection.vendor == "postgresql" else ""
        schema_editor.execute(f'DROP INDEX {how}IF EXISTS "{self._indexed.name}"')


class AddIndexBesideTraffic(_BesideTraffic, migrations.AddIndex):
    """Add an index while rows are written."""

    @property
    def _indexed(self) -> Any:
        return self.index


class AddUniqueBesideTraffic(_BesideTraffic, migrations.AddConstraint):
    """Add a unique index while rows are written."""

    @property
    def _indexed(self) -> Any:
        return self.constraint
