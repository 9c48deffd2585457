"""Several clients can have a key until one of them proves possession (ADR 0015): the indexes.
They are built without blocking traffic. The next migration drops the two that allow only one client.
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
