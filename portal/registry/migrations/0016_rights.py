"""The rights of a client: scopes, grant types and resources. NULL means the rights of a new client.

The previous version of the portal adds clients without these columns, and lets every client request everything.
"""

from importlib import import_module

from django.db import migrations, models

from portal.registry.migrating import AddCheck

actors = import_module("portal.registry.migrations.0008_actors")
people = import_module("portal.registry.migrations.0014_people")

AT = people.CHOICES.index(('suspend_client', 'suspended the client'))
CHOICES = [*people.CHOICES[:AT], ('change_rights', "changed the client's rights"), *people.CHOICES[AT:]]


def forget_rights(apps, schema_editor):
    """When reversing, the rights are dropped, so delete their events."""
    apps.get_model("registry", "Event").objects.filter(verb="change_rights").delete()


class Migration(migrations.Migration):

    dependencies = [('registry', '0015_people_checked')]

    operations = [
        migrations.RunPython(actors.drop, actors.create),
        migrations.RemoveConstraint('event', 'event_verb_known'),
        migrations.RunPython(migrations.RunPython.noop, forget_rights),
        migrations.AddField('client', 'grant_types', models.JSONField(blank=True, null=True)),
        migrations.AddField('client', 'resources', models.JSONField(blank=True, null=True)),
        migrations.AddField('client', 'scopes', models.JSONField(blank=True, null=True)),
        migrations.AlterField('event', 'verb', models.CharField(max_length=32, choices=CHOICES)),
        migrations.AddIndex(
            model_name='client',
            index=models.Index(condition=models.Q(('scopes__isnull', False), ('resources__isnull', False), _connector='OR'), fields=['-id'], name='client_with_more'),
        ),
        AddCheck('client', models.CheckConstraint(condition=models.Q(('grant_types__isnull', True), ('grant_types__in', [[], ['authorization_code'], ['client_credentials'], ['refresh_token'], ['authorization_code', 'client_credentials'], ['authorization_code', 'refresh_token'], ['client_credentials', 'refresh_token']]), _connector='OR'), name='client_grant_types_known')),
        AddCheck('client', models.CheckConstraint(condition=models.Q(('scopes__isnull', True), models.Q(('scopes', []), _negated=True), _connector='OR'), name='client_has_a_scope')),
        AddCheck('event', models.CheckConstraint(
            name='event_verb_known', condition=models.Q(verb__in=[verb for verb, _ in CHOICES]),
        )),
        migrations.RunPython(actors.create, actors.drop),
    ]
