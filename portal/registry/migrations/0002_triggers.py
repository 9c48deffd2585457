"""Triggers for rules that a CHECK cannot express, on both databases.

- An event and a blocked key are never changed or deleted.
- A key is never deleted; what was registered never changes; a revoked key never changes at all.

On SQLite, Django makes most changes of a table by copying it into a new one and dropping the old one,
and its triggers go with it. A later migration that changes registry_event, registry_blockedkey or
registry_clientkey (adding an index is no such change) therefore begins with
`RunPython(triggers.drop, triggers.create)` and ends with `RunPython(triggers.create, triggers.drop)`,
where `triggers` is `import_module("portal.registry.migrations.0002_triggers")`; a test compares the
triggers of a migrated database with the list here. Since 0008_actors: its `create`, and the `drop` of 0005.
"""

from django.db import migrations

REGISTERED = ("id", "client_id", "pem", "alg", "kty", "curve", "bits", "kid", "spki_sha256", "jwk",
              "registered_at", "registered_by_id", "not_before")

POSTGRESQL = """
CREATE FUNCTION registry_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '%', TG_ARGV[0] USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER event_is_append_only BEFORE UPDATE OR DELETE ON registry_event
    FOR EACH ROW EXECUTE FUNCTION registry_refuse('events are append-only');
CREATE TRIGGER event_is_never_truncated BEFORE TRUNCATE ON registry_event
    FOR EACH STATEMENT EXECUTE FUNCTION registry_refuse('events are append-only');
CREATE TRIGGER blocked_key_is_for_good BEFORE UPDATE OR DELETE ON registry_blockedkey
    FOR EACH ROW EXECUTE FUNCTION registry_refuse('a blocked key stays blocked');
CREATE TRIGGER blocked_key_is_never_truncated BEFORE TRUNCATE ON registry_blockedkey
    FOR EACH STATEMENT EXECUTE FUNCTION registry_refuse('a blocked key stays blocked');
CREATE TRIGGER key_is_never_deleted BEFORE DELETE ON registry_clientkey
    FOR EACH ROW EXECUTE FUNCTION registry_refuse('keys are never deleted');
CREATE TRIGGER key_is_never_truncated BEFORE TRUNCATE ON registry_clientkey
    FOR EACH STATEMENT EXECUTE FUNCTION registry_refuse('keys are never deleted');
CREATE TRIGGER key_revocation_is_final BEFORE UPDATE ON registry_clientkey
    FOR EACH ROW WHEN (OLD.revoked_at IS NOT NULL)
    EXECUTE FUNCTION registry_refuse('a revoked key never changes');
CREATE TRIGGER key_stays_as_registered BEFORE UPDATE ON registry_clientkey
    FOR EACH ROW WHEN (ROW({old}) IS DISTINCT FROM ROW({new}))
    EXECUTE FUNCTION registry_refuse('a key stays as it was registered');
""".format(
    old=", ".join(f"OLD.{name}" for name in REGISTERED),
    new=", ".join(f"NEW.{name}" for name in REGISTERED),
)

POSTGRESQL_REVERSE = """
DROP TRIGGER event_is_append_only ON registry_event;
DROP TRIGGER event_is_never_truncated ON registry_event;
DROP TRIGGER blocked_key_is_for_good ON registry_blockedkey;
DROP TRIGGER blocked_key_is_never_truncated ON registry_blockedkey;
DROP TRIGGER key_is_never_deleted ON registry_clientkey;
DROP TRIGGER key_is_never_truncated ON registry_clientkey;
DROP TRIGGER key_revocation_is_final ON registry_clientkey;
DROP TRIGGER key_stays_as_registered ON registry_clientkey;
DROP FUNCTION registry_refuse();
"""


def _sqlite(name, event, condition, sentence):
    when = f"WHEN {condition} " if condition else ""
    return (
        f"CREATE TRIGGER {name} BEFORE {event} {when}"
        f"BEGIN SELECT RAISE(ABORT, '{sentence}'); END"
    )


SQLITE = {
    "event_is_never_changed": ("UPDATE ON registry_event", "", "events are append-only"),
    "event_is_never_deleted": ("DELETE ON registry_event", "", "events are append-only"),
    "blocked_key_is_never_changed": (
        "UPDATE ON registry_blockedkey", "", "a blocked key stays blocked"
    ),
    "blocked_key_is_never_deleted": (
        "DELETE ON registry_blockedkey", "", "a blocked key stays blocked"
    ),
    "key_is_never_deleted": ("DELETE ON registry_clientkey", "", "keys are never deleted"),
    "key_revocation_is_final": (
        "UPDATE ON registry_clientkey",
        "OLD.revoked_at IS NOT NULL",
        "a revoked key never changes",
    ),
    "key_stays_as_registered": (
        "UPDATE ON registry_clientkey",
        " OR ".join(f"OLD.{name} IS NOT NEW.{name}" for name in REGISTERED),
        "a key stays as it was registered",
    ),
}


def create(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        # Without parameters psycopg sends the text as it is: several statements, with % in them.
        schema_editor.execute(POSTGRESQL, params=None)
        return
    for name, (event, condition, sentence) in SQLITE.items():
        schema_editor.execute(_sqlite(name, event, condition, sentence), params=None)


def drop(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(POSTGRESQL_REVERSE, params=None)
        return
    for name in SQLITE:
        schema_editor.execute(f"DROP TRIGGER {name}")


class Migration(migrations.Migration):
    dependencies = [("registry", "0001_initial")]
    operations = [migrations.RunPython(create, drop)]
