"""Events about the secret address of a client's calendar."""

from importlib import import_module

from django.db import migrations

changed = import_module("portal.registry.migrations.0027_changed_keys")
pending = import_module("portal.registry.migrations.0033_pending_members_verbs")

CHOICES = changed.added(pending.CHOICES, {'delete_client': [
    ('make_calendar', 'made a calendar address'),
    ('revoke_calendar', 'revoked the calendar address'),
]})


class Migration(migrations.Migration):

    dependencies = [('registry', '0034_pending_members')]

    operations = changed.know(CHOICES, pending.CHOICES)
