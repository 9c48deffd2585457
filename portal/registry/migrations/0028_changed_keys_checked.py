"""Check the events that existed before 0027 against its constraint, without blocking other transactions."""

from django.db import migrations

from portal.registry.migrating import ValidateChecks


class Migration(migrations.Migration):

    dependencies = [('registry', '0027_changed_keys')]

    operations = [ValidateChecks('registry_event', 'event_verb_known')]
