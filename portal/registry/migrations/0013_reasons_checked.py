"""Check the rows that existed before 0012 against its constraints, without blocking other transactions."""

from django.db import migrations

from portal.registry.migrating import ValidateChecks


class Migration(migrations.Migration):

    dependencies = [('registry', '0012_unproved_keys')]

    operations = [
        ValidateChecks('registry_clientkey', 'key_revoked_by_somebody_for_a_reason'),
        ValidateChecks('registry_blockedkey', 'blocked_key_why_known'),
    ]
