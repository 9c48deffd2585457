"""Check the rows that existed before 0029 and 0030, and build an index, without blocking other transactions."""

from django.db import migrations, models
from django.db.models import Q

from portal.registry.migrating import AddIndexBesideTraffic, ValidateChecks


class Migration(migrations.Migration):

    atomic = False

    dependencies = [('registry', '0030_archived_clients')]

    operations = [
        AddIndexBesideTraffic('client', models.Index(
            fields=['-id'], condition=Q(archived_at__isnull=False), name='client_archived',
        )),
        ValidateChecks('registry_client', 'client_archived_by_somebody'),
        ValidateChecks('registry_event', 'event_verb_known'),
    ]
