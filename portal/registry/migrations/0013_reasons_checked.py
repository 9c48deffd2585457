"""Hold the rows that were there before 0012 to its checks, in a transaction that locks nobody out."""

from django.db import migrations

from portal.registry.migrating import ValidateChecks


class Migration(migrations.Migration):

    dependencies = [('registry', '0012_unproved_keys')]

    operations = [
        ValidateChecks('registry_clientkey', 'key_revoked_by_somebody_for_a_reason'),
        ValidateChecks('registry_blockedkey', 'blocked_key_why_known'),
    ]
