"""A key without proof of possession reserves nothing, and ends when another client proves possession (ADR 0015).

Reversing this migration requires that each key is in only one client.
"""

from importlib import import_module

from django.db import migrations, models
from django.db.models import Q

from portal.registry.migrating import AddCheck

actors = import_module("portal.registry.migrations.0008_actors")

REASONS = ['unspecified', 'compromised', 'superseded', 'proved_elsewhere']
WHY = ['private_key_seen', 'admin', 'weak']


def name_older_reasons(apps, schema_editor):
    """When reversing, replace the new reasons by those known before."""
    keys, blocked = (apps.get_model("registry", name).objects for name in ("ClientKey", "BlockedKey"))
    keys.filter(revocation_reason='proved_elsewhere').update(revocation_reason='unspecified')
    blocked.filter(why='weak').update(why='admin')
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("SET CONSTRAINTS ALL IMMEDIATE")


class Migration(migrations.Migration):

    dependencies = [('registry', '0011_proved_keys')]

    operations = [
        migrations.RunPython(actors.drop, actors.create),
        migrations.AlterField('clientkey', 'kid', models.CharField(max_length=43)),
        migrations.AlterField('clientkey', 'spki_sha256', models.CharField(max_length=64)),
        migrations.RemoveConstraint('clientkey', 'key_revoked_by_somebody_for_a_reason'),
        migrations.RemoveConstraint('blockedkey', 'blocked_key_why_known'),
        migrations.RunPython(migrations.RunPython.noop, name_older_reasons),
        migrations.AlterField('clientkey', 'revocation_reason', models.CharField(blank=True, max_length=16, choices=[
            ('unspecified', 'Unspecified'),
            ('compromised', 'Compromised: someone else may have the private key'),
            ('superseded', 'Superseded: a newer key replaced it'),
            ('proved_elsewhere', 'Proved by another client: only that client signed with the private key'),
        ])),
        migrations.AlterField('blockedkey', 'why', models.CharField(max_length=32, choices=[
            ('private_key_seen', 'Its private key was sent to the portal'),
            ('admin', 'Blocked by an admin'),
            ('weak', 'Its private key can be computed or is published'),
        ])),
        AddCheck('clientkey', models.CheckConstraint(
            name='key_revoked_by_somebody_for_a_reason',
            condition=(Q(revoked_at=None, revocation_reason='', revocation_note='') & actors.by_nobody("revoked_by"))
            | (Q(revoked_at__isnull=False, revocation_reason__in=REASONS) & actors.by_somebody("revoked_by")),
        )),
        AddCheck('blockedkey', models.CheckConstraint(name='blocked_key_why_known', condition=Q(why__in=WHY))),
        migrations.RunPython(actors.create, actors.drop),
    ]
