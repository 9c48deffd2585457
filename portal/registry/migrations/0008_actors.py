"""The actor of an event, confirmation, retirement, revocation or block is a person, a client or the portal.

Until now each column named a person. It keeps its name in the database (`actor_id`, `revoked_by_id`), because the
previous version of the portal still uses it. This adds a column for the client's key and one for the portal. The next
migration checks the existing rows.
"""

from importlib import import_module

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models
from django.db.models import Q

from portal.registry.migrating import AddCheck

triggers = import_module("portal.registry.migrations.0002_triggers")
before = import_module("portal.registry.migrations.0005_assertions")

DONE_BY = {
    "clientkey": ("confirmed_by", "retired_by", "revoked_by"),
    "event": ("actor",),
    "blockedkey": ("blocked_by",),
}
CHANGED = before.CHANGED.replace(
    "OLD.confirmed_by_id {differs} NEW.confirmed_by_id",
    "OLD.confirmed_by_id {differs} NEW.confirmed_by_id OR OLD.confirmed_by_key_id {differs} NEW.confirmed_by_key_id OR "
    "OLD.confirmed_by_portal {differs} NEW.confirmed_by_portal",
)


def by_nobody(name):
    return Q(**{f"{name}_user": None, f"{name}_key": None, f"{name}_portal": False})


def by_somebody(name):
    user, key, portal = f"{name}_user", f"{name}_key", f"{name}_portal"
    return (
        Q(**{f"{user}__isnull": False, key: None, portal: False})
        | Q(**{user: None, f"{key}__isnull": False, portal: False})
        | Q(**{user: None, key: None, portal: True})
    )


drop = before.drop


def create(apps, schema_editor):
    triggers.create(apps, schema_editor)
    before.keep_confirmations(schema_editor, CHANGED)


def name_people(apps, schema_editor):
    """When reversing, replace a client or the portal as actor by the person who registered the key.

    Without a key there is no such person, so delete the event.
    """
    ClientKey, Event, BlockedKey = (apps.get_model("registry", name) for name in ("ClientKey", "Event", "BlockedKey"))
    for fact, name in (("confirmed_at", "confirmed_by"), ("retires_at", "retired_by"), ("revoked_at", "revoked_by")):
        nobody = ClientKey.objects.filter(**{f"{fact}__isnull": False, f"{name}_user": None})
        nobody.update(**{f"{name}_user": models.F("registered_by")})
    of_key = ClientKey.objects.filter(pk=models.OuterRef("key")).values("registered_by")
    Event.objects.filter(actor_user=None, key=None).delete()
    Event.objects.filter(actor_user=None).update(actor_user=models.Subquery(of_key))
    same = ClientKey.objects.filter(spki_sha256=models.OuterRef("spki_sha256")).order_by("pk").values("registered_by")[:1]
    BlockedKey.objects.filter(blocked_by_user=None).update(blocked_by_user=models.Subquery(same))
    if schema_editor.connection.vendor == "postgresql":
        # A table cannot be altered while deferred constraints of its rows are unchecked.
        schema_editor.execute("SET CONSTRAINTS ALL IMMEDIATE")


def renamed(model, name):
    """Say in the state that the person of `name` is `name`_user, in the column that it has."""
    field = models.ForeignKey(
        settings.AUTH_USER_MODEL, django.db.models.deletion.PROTECT, null=True, blank=True, related_name="+",
        db_column=f"{name}_id", db_index=name != "actor",
    )
    return [migrations.AlterField(model, name, field), migrations.RenameField(model, name, f"{name}_user")]


def added(model, name):
    key = models.ForeignKey(
        "registry.clientkey", django.db.models.deletion.PROTECT, null=True, blank=True, related_name="+", db_index=False,
    )
    return [
        migrations.AddField(model, f"{name}_key", key),
        migrations.AddField(model, f"{name}_portal", models.BooleanField(default=False, db_default=False)),
    ]


def each(operations):
    return [one for model, names in DONE_BY.items() for name in names for one in operations(model, name)]


class Migration(migrations.Migration):

    dependencies = [
        ('registry', '0007_kid_sent'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RunPython(before.drop, before.create),
        migrations.RemoveConstraint('clientkey', 'key_confirmed_by_somebody'),
        migrations.RemoveConstraint('clientkey', 'key_retired_by_somebody'),
        migrations.RemoveConstraint('clientkey', 'key_revoked_by_somebody_for_a_reason'),
        # The index does not change: its column is the same.
        migrations.SeparateDatabaseAndState(state_operations=[migrations.RemoveIndex('event', 'event_of_actor')]),
        *each(renamed),
        migrations.RunPython(migrations.RunPython.noop, name_people),
        migrations.SeparateDatabaseAndState(state_operations=[
            migrations.AddIndex('event', models.Index(fields=['actor_user', '-id'], name='event_of_actor')),
        ]),
        *each(added),
        AddCheck('clientkey', models.CheckConstraint(
            name='key_confirmed_by_somebody',
            condition=(Q(confirmed_at=None) & by_nobody("confirmed_by"))
            | (Q(confirmed_at__isnull=False) & by_somebody("confirmed_by")),
        )),
        AddCheck('clientkey', models.CheckConstraint(
            name='key_retired_by_somebody',
            condition=(Q(retires_at=None) & by_nobody("retired_by"))
            | (Q(retires_at__isnull=False) & by_somebody("retired_by")),
        )),
        AddCheck('clientkey', models.CheckConstraint(
            name='key_revoked_by_somebody_for_a_reason',
            condition=(Q(revoked_at=None, revocation_reason='', revocation_note='') & by_nobody("revoked_by"))
            | (
                Q(revoked_at__isnull=False, revocation_reason__in=['unspecified', 'compromised', 'superseded'])
                & by_somebody("revoked_by")
            ),
        )),
        AddCheck('event', models.CheckConstraint(name='event_has_one_actor', condition=by_somebody("actor"))),
        AddCheck('blockedkey', models.CheckConstraint(name='blocked_key_by_somebody', condition=by_somebody("blocked_by"))),
        migrations.RunPython(create, drop),
    ]
