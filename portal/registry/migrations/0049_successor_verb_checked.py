"""Check the events that existed before 0046."""

from django.db import migrations

from portal.registry.migrating import ValidateChecks


class Migration(migrations.Migration):

    dependencies = [('registry', '0048_networks_of_assertions')]

    operations = [ValidateChecks('registry_event', 'event_verb_known')]
