"""Hold the events that were there before 0014 to its check, in a transaction that locks nobody out."""

from django.db import migrations

from portal.registry.migrating import ValidateChecks


class Migration(migrations.Migration):

    dependencies = [('registry', '0014_people')]

    operations = [ValidateChecks('registry_event', 'event_verb_known')]
