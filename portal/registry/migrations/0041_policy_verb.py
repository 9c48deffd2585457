"""Events about the rules of the key policy."""

from importlib import import_module

from django.db import migrations

changed = import_module("portal.registry.migrations.0027_changed_keys")
webhooks = import_module("portal.registry.migrations.0039_webhook_verbs")

CHOICES = changed.added(webhooks.CHOICES, {'refuse_key': [
    ('change_policy', 'changed the key policy'),
]})


class Migration(migrations.Migration):

    dependencies = [('registry', '0040_webhook_verbs_checked')]

    operations = changed.know(CHOICES, webhooks.CHOICES)
