"""Operations of migrations that hold up nobody who reads or writes the table meanwhile."""

from __future__ import annotations

from typing import Any

from django.contrib.postgres.operations import AddIndexConcurrently
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


class AddIndexBesideTraffic(AddIndexConcurrently):
    """Build an index while rows are written; for a migration with `atomic = False`.

    A run that was stopped, by `lock_timeout` or by hand, leaves an index that PostgreSQL does not
    use. The next run builds it again. SQLite builds it at once.
    """

    def database_forwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        """Build the index."""
        if schema_editor.connection.vendor == "postgresql":
            schema_editor.execute(f'DROP INDEX CONCURRENTLY IF EXISTS "{self.index.name}"')
            super().database_forwards(app_label, schema_editor, from_state, to_state)
        else:
            schema_editor.add_index(to_state.apps.get_model(app_label, self.model_name), self.index)

    def database_backwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        """Drop the index."""
        if schema_editor.connection.vendor == "postgresql":
            super().database_backwards(app_label, schema_editor, from_state, to_state)
        else:
            model = from_state.apps.get_model(app_label, self.model_name)
            schema_editor.remove_index(model, self.index)


class AddUniqueBesideTraffic(migrations.AddConstraint):
    """Add a unique index while rows are written, as `AddIndexBesideTraffic` does an index."""

    def database_forwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,  # noqa: ARG002 - Django's signature
        to_state: ProjectState,
    ) -> None:
        """Create the index."""
        model = to_state.apps.get_model(app_label, self.model_name)
        sql = str(self.constraint.create_sql(model, schema_editor))
        if schema_editor.connection.vendor == "postgresql":
            self._drop(schema_editor)
            sql = sql.replace("CREATE UNIQUE INDEX", "CREATE UNIQUE INDEX CONCURRENTLY", 1)
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
        schema_editor.execute(f'DROP INDEX {how}IF EXISTS "{self.constraint.name}"')
