"""Events about archived and deleted clients."""

from importlib import import_module

from django.db import migrations

changed = import_module("portal.registry.migrations.0027_changed_keys")

CHOICES = changed.added(changed.CHOICES, {'resume_client': [
    ('archive_client', 'archived the client'),
    ('unarchive_client', 'took the client out of the archive'),
    ('delete_client', 'deleted the client'),
]})


class Migration(migrations.Migration):

    dependencies = [('registry', '0028_changed_keys_checked')]

    operations = changed.know(CHOICES, changed.CHOICES)
