"""Notify every process that serves key sets which client has changed (ADR 0011). PostgreSQL only.

The payload is the client_id, or empty if it cannot be named. PostgreSQL sends notifications at commit, in commit
order.
"""

from django.db import migrations

POSTGRESQL = """
CREATE FUNCTION registry_key_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('registry_changes', client_id) FROM registry_client WHERE id = NEW.client_id;
    RETURN NULL;
END $$;
CREATE FUNCTION registry_client_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('registry_changes', OLD.client_id);
    RETURN NULL;
END $$;
CREATE FUNCTION registry_all_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('registry_changes', '');
    RETURN NULL;
END $$;
CREATE TRIGGER key_change_is_told AFTER INSERT OR UPDATE ON registry_clientkey
    FOR EACH ROW EXECUTE FUNCTION registry_key_changed();
CREATE TRIGGER client_change_is_told AFTER UPDATE ON registry_client
    FOR EACH ROW WHEN (OLD.client_id IS DISTINCT FROM NEW.client_id OR OLD.suspended_at IS DISTINCT FROM NEW.suspended_at)
    EXECUTE FUNCTION registry_client_changed();
CREATE TRIGGER client_end_is_told AFTER DELETE ON registry_client
    FOR EACH ROW EXECUTE FUNCTION registry_client_changed();
CREATE TRIGGER client_emptying_is_told AFTER TRUNCATE ON registry_client
    FOR EACH STATEMENT EXECUTE FUNCTION registry_all_changed();
"""

POSTGRESQL_REVERSE = """
DROP TRIGGER key_change_is_told ON registry_clientkey;
DROP TRIGGER client_change_is_told ON registry_client;
DROP TRIGGER client_end_is_told ON registry_client;
DROP TRIGGER client_emptying_is_told ON registry_client;
DROP FUNCTION registry_key_changed();
DROP FUNCTION registry_client_changed();
DROP FUNCTION registry_all_changed();
"""


def create(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(POSTGRESQL, params=None)


def drop(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(POSTGRESQL_REVERSE, params=None)


class Migration(migrations.Migration):

    dependencies = [('registry', '0005_assertions')]

    operations = [migrations.RunPython(create, drop)]
