"""Events about the key that is chosen to replace another."""

from importlib import import_module

from django.db import migrations

changed = import_module("portal.registry.migrations.0027_changed_keys")
replacements = import_module("portal.registry.migrations.0043_replacements_verbs")

CHOICES = changed.added(replacements.CHOICES, {'begin_replacement': [
    ('choose_successor', 'chose the key that replaces the key'),
]})


class Migration(migrations.Migration):

    dependencies = [('registry', '0045_unproved_keys')]

    operations = changed.know(CHOICES, replacements.CHOICES)
