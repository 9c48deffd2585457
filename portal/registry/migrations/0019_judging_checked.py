"""Check the events that existed before 0018, and add an index for proved RSA keys, without blocking traffic."""

from django.db import migrations, models

from portal.registry.migrating import AddIndexBesideTraffic, ValidateChecks


class Migration(migrations.Migration):

    atomic = False

    dependencies = [('registry', '0018_judged_keys')]

    operations = [
        ValidateChecks('registry_event', 'event_verb_known'),
        AddIndexBesideTraffic('clientkey', models.Index(
            fields=['id'], condition=models.Q(kty='RSA', confirmed_at__isnull=False), name='key_rsa_proved',
        )),
    ]
