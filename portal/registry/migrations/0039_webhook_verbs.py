"""Events about webhooks."""

from importlib import import_module

from django.db import migrations

changed = import_module("portal.registry.migrations.0027_changed_keys")
calendar = import_module("portal.registry.migrations.0035_calendar_verbs")

CHOICES = changed.added(calendar.CHOICES, {'revoke_calendar': [
    ('add_webhook', 'added a webhook'),
    ('change_webhook', 'changed a webhook'),
    ('remove_webhook', 'removed a webhook'),
]})


class Migration(migrations.Migration):

    dependencies = [('registry', '0038_admins_recorded')]

    operations = changed.know(CHOICES, calendar.CHOICES)
