"""Check the rows that existed before 0008 against its constraints, without blocking other transactions."""

from django.db import migrations

from portal.registry.migrating import ValidateChecks


class Migration(migrations.Migration):

    dependencies = [('registry', '0008_actors')]

    operations = [
        ValidateChecks(
            'registry_clientkey',
            'key_confirmed_by_somebody', 'key_retired_by_somebody', 'key_revoked_by_somebody_for_a_reason',
        ),
        ValidateChecks('registry_event', 'event_has_one_actor'),
        ValidateChecks('registry_blockedkey', 'blocked_key_by_somebody'),
    ]
