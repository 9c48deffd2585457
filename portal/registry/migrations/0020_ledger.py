"""The ledger: each event gets a number, a leaf hash and salts, and one row has the root over all of them.

The columns may be NULL: the previous version of the portal adds events without them, and the next action of this
version numbers those. The triggers allow only that change of an event.
"""

from importlib import import_module

import django.utils.timezone
from django.db import migrations, models
from django.db.models import Q

from portal.registry.migrating import AddCheck

actors = import_module("portal.registry.migrations.0008_actors")

KEPT = ("id", "at", "actor_id", "actor_key_id", "actor_portal", "verb", "client_id", "key_id", "detail")
NUMBERED = "OLD.number IS NULL AND NEW.number IS NOT NULL"
REFUSAL = "events are append-only"
CHANGED = " OR ".join(f"OLD.{name} IS DISTINCT FROM NEW.{name}" for name in KEPT)
SQLITE_CHANGED = CHANGED.replace("IS DISTINCT FROM", "IS NOT")

POSTGRESQL = f"""
DROP TRIGGER event_is_append_only ON registry_event;
CREATE TRIGGER event_is_append_only BEFORE UPDATE ON registry_event
    FOR EACH ROW WHEN (NOT ({NUMBERED}) OR {CHANGED})
    EXECUTE FUNCTION registry_refuse('{REFUSAL}');
CREATE TRIGGER event_is_never_deleted BEFORE DELETE ON registry_event
    FOR EACH ROW EXECUTE FUNCTION registry_refuse('{REFUSAL}');
"""
SQLITE = (
    "DROP TRIGGER event_is_never_changed",
    f"CREATE TRIGGER event_is_never_changed BEFORE UPDATE ON registry_event "
    f"WHEN NOT ({NUMBERED}) OR {SQLITE_CHANGED} BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END",
)


POSTGRESQL_REVERSE = f"""
DROP TRIGGER event_is_never_deleted ON registry_event;
DROP TRIGGER event_is_append_only ON registry_event;
CREATE TRIGGER event_is_append_only BEFORE UPDATE OR DELETE ON registry_event
    FOR EACH ROW EXECUTE FUNCTION registry_refuse('{REFUSAL}');
"""


def is_postgresql(schema_editor):
    return schema_editor.connection.vendor == "postgresql"


def release(apps, schema_editor):
    """On SQLite, Django recreates the table, so its triggers must be dropped first.

    PostgreSQL keeps them. Locking a second table could deadlock the migration with an action.
    """
    if not is_postgresql(schema_editor):
        actors.drop(apps, schema_editor)


def hold(apps, schema_editor):
    if not is_postgresql(schema_editor):
        actors.create(apps, schema_editor)


def create(apps, schema_editor):
    hold(apps, schema_editor)
    for sql in [POSTGRESQL] if is_postgresql(schema_editor) else SQLITE:
        schema_editor.execute(sql, params=None)


def drop(apps, schema_editor):
    if is_postgresql(schema_editor):
        schema_editor.execute(POSTGRESQL_REVERSE, params=None)
    release(apps, schema_editor)


class Migration(migrations.Migration):

    dependencies = [('registry', '0019_judging_checked')]

    operations = [
        migrations.RunPython(release, hold),
        migrations.CreateModel(
            'Ledger',
            fields=[
                ('id', models.PositiveSmallIntegerField(default=1, primary_key=True, serialize=False)),
                ('size', models.BigIntegerField(default=0)),
                ('frontier', models.JSONField(default=list)),
                ('root', models.CharField(
                    default='e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855', max_length=64,
                )),
            ],
            options={'constraints': [
                models.CheckConstraint(condition=Q(id=1), name='ledger_is_one_row'),
                models.CheckConstraint(condition=Q(size__gte=0), name='ledger_size_is_a_number'),
                models.CheckConstraint(condition=Q(root__regex='^[0-9a-f]{64}$'), name='ledger_root_is_a_sha256'),
            ]},
        ),
        migrations.AddField('event', 'number', models.BigIntegerField(editable=False, null=True)),
        migrations.AddField('event', 'leaf', models.CharField(editable=False, max_length=64, null=True)),
        migrations.AddField('event', 'version', models.PositiveSmallIntegerField(editable=False, null=True)),
        migrations.AddField('event', 'salts', models.JSONField(editable=False, null=True)),
        migrations.AlterField(
            'event', 'at', models.DateTimeField(default=django.utils.timezone.now, editable=False),
        ),
        AddCheck('event', models.CheckConstraint(
            name='event_is_in_the_ledger_or_not',
            condition=Q(number=None, leaf=None, version=None, salts__isnull=True)
            | Q(number__gte=1, leaf__regex='^[0-9a-f]{64}$', version__isnull=False, salts__isnull=False),
        )),
        migrations.RunPython(create, drop),
    ]
