"""Events about people, and about an owner whom an admin appoints."""

from importlib import import_module

from django.db import migrations, models

from portal.registry.migrating import AddCheck

actors = import_module("portal.registry.migrations.0008_actors")

NEW = ("appoint_owner", "invite_person", "deactivate_person", "activate_person", "grant_admin", "withdraw_admin")

CHOICES = [
    ('create_client', 'created the client'),
    ('change_client', 'changed the client'),
    ('suspend_client', 'suspended the client'),
    ('resume_client', 'resumed the client'),
    ('add_member', 'added a member'),
    ('change_member', "changed a member's role"),
    ('remove_member', 'removed a member'),
    ('appoint_owner', 'appointed an owner'),
    ('invite_person', 'invited a person'),
    ('deactivate_person', 'deactivated an account'),
    ('activate_person', 'reactivated an account'),
    ('grant_admin', 'made a person an admin'),
    ('withdraw_admin', 'withdrew admin rights'),
    ('register_key', 'registered the key'),
    ('retire_key', 'retired the key'),
    ('keep_key', 'cancelled the retirement'),
    ('confirm_key', 'confirmed the key'),
    ('revoke_key', 'revoked the key'),
    ('block_key', 'blocked a key'),
    ('refuse_key', 'tried a key that was refused'),
]


def forget(apps, schema_editor):
    """When reversing, delete the events with the new verbs."""
    apps.get_model("registry", "Event").objects.filter(verb__in=NEW).delete()


class Migration(migrations.Migration):

    dependencies = [('registry', '0013_reasons_checked')]

    operations = [
        migrations.RunPython(actors.drop, actors.create),
        migrations.AlterField('event', 'verb', models.CharField(max_length=32, choices=CHOICES)),
        migrations.RemoveConstraint('event', 'event_verb_known'),
        migrations.RunPython(migrations.RunPython.noop, forget),
        AddCheck('event', models.CheckConstraint(
            name='event_verb_known', condition=models.Q(verb__in=[verb for verb, _ in CHOICES]),
        )),
        migrations.RunPython(actors.create, actors.drop),
    ]
