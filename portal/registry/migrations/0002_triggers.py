"""Promises that a CHECK cannot keep, kept by triggers on both databases.

- An event is never changed or deleted.
- A key is never deleted; what was registered never changes; a revoked key never changes at all.
"""

from django.db import migrations

REGISTERED = ("client_id", "pem", "alg", "kty", "curve", "bits", "kid", "spki_sha256", "jwk",
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
        # A second argument keeps psycopg from reading the % of the function as a placeholder.
        schema_editor.execute(POSTGRESQL, params=None)
        return
    for name, (event, condition, sentence) in SQLITE.items():
        schema_editor.execute(_sqlite(name, event, condition, sentence), params=None)


def drop(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(POSTGRESQL_REVERSE)
        return
    for name in SQLITE:
        schema_editor.execute(f"DROP TRIGGER {name}")


class Migration(migrations.Migration):
    dependencies = [("registry", "0001_initial")]
    operations = [migrations.RunPython(create, drop)]
