"""Indexes to find a client by part of its name, or a key by part of its label, among a million.

`icontains` asks PostgreSQL for UPPER(name::text) LIKE UPPER('%…%'), which a trigram index on exactly
that expression serves. SQLite is for trying out and reads all rows instead.

The extension pg_trgm comes with PostgreSQL, and the owner of the database may create it. It stays
when this migration is reversed, because others may use it.
"""

from django.db import migrations

INDEXES = {
    "client_name_trigrams": ("registry_client", "name"),
    "key_label_trigrams": ("registry_clientkey", "label"),
}


def create(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
        for name, (table, column) in INDEXES.items():
            schema_editor.execute(
                f"CREATE INDEX {name} ON {table} USING gin (UPPER({column}::text) gin_trgm_ops)"
            )


def drop(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        for name in INDEXES:
            schema_editor.execute(f"DROP INDEX {name}")


class Migration(migrations.Migration):
    dependencies = [("registry", "0002_triggers")]
    operations = [migrations.RunPython(create, drop)]
