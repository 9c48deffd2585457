"""Check the events that existed before 0039."""

from django.db import migrations

from portal.registry.migrating import ValidateChecks


class Migration(migrations.Migration):

    dependencies = [('registry', '0039_webhook_verbs')]

    operations = [ValidateChecks('registry_event', 'event_verb_known')]
