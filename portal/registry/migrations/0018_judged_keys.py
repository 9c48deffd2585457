"""The progress of `manage.py judge_keys`, which judges keys again after their registration."""

from importlib import import_module

import django.db.models.deletion
from django.db import migrations, models

from portal.registry.migrating import AddCheck

actors = import_module("portal.registry.migrations.0008_actors")

CHOICES = [
    *import_module("portal.registry.migrations.0016_rights").CHOICES,
    ('find_weakness', 'found a weakness in the key'),
]


def forget(apps, schema_editor):
    """When reversing, delete the events with the new verb."""
    apps.get_model("registry", "Event").objects.filter(verb="find_weakness").delete()


class Migration(migrations.Migration):

    dependencies = [('registry', '0017_rights_kept')]

    operations = [
        migrations.RunPython(actors.drop, actors.create),
        migrations.CreateModel('JudgedKey', [
            ('key', models.OneToOneField(
                on_delete=django.db.models.deletion.PROTECT, primary_key=True, related_name='judged', serialize=False,
                to='registry.clientkey',
            )),
            ('compared', models.BooleanField(db_default=False, default=False)),
            ('rules', models.CharField(blank=True, db_default='', default='', max_length=16)),
        ]),
        migrations.AlterField('event', 'verb', models.CharField(max_length=32, choices=CHOICES)),
        migrations.RemoveConstraint('event', 'event_verb_known'),
        migrations.RunPython(migrations.RunPython.noop, forget),
        AddCheck('event', models.CheckConstraint(
            name='event_verb_known', condition=models.Q(verb__in=[verb for verb, _ in CHOICES]),
        )),
        migrations.RunPython(actors.create, actors.drop),
    ]
