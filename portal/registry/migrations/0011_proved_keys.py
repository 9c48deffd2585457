"""A key may be in several clients until one of them proves to hold it (ADR 0015): the indexes.
They are made beside traffic. The two that say "one client only" go with the next migration.
"""

from django.db import migrations, models

from portal.registry.migrating import AddUniqueBesideTraffic


class Migration(migrations.Migration):

    atomic = False

    dependencies = [('registry', '0010_indexes')]

    operations = [
        AddUniqueBesideTraffic('clientkey', models.UniqueConstraint(
            fields=['kid', 'client'], opclasses=['varchar_pattern_ops', 'int8_ops'], name='key_of_kid',
        )),
        AddUniqueBesideTraffic('clientkey', models.UniqueConstraint(
            fields=['spki_sha256', 'client'], opclasses=['varchar_pattern_ops', 'int8_ops'], name='key_of_fingerprint',
        )),
        AddUniqueBesideTraffic('clientkey', models.UniqueConstraint(
            fields=['spki_sha256'], condition=models.Q(confirmed_at__isnull=False), name='key_proved_once',
        )),
    ]
