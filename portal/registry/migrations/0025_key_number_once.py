"""Each number is of one key of the client; and an index for the keys that the portal itself has revoked."""

from django.db import migrations, models
from django.db.models import Q

from portal.registry.migrating import AddIndexBesideTraffic, AddUniqueBesideTraffic


class Migration(migrations.Migration):

    atomic = False  # indexes are built without blocking traffic

    dependencies = [('registry', '0024_key_numbers')]

    operations = [
        AddUniqueBesideTraffic(
            model_name='clientkey',
            constraint=models.UniqueConstraint(
                fields=['client', 'number'], condition=Q(number__isnull=False), name='key_of_number',
            ),
        ),
        AddIndexBesideTraffic(
            model_name='clientkey',
            index=models.Index(
                fields=['client', '-revoked_at'], name='key_revoked_by_portal', condition=Q(revoked_by_portal=True),
            ),
        ),
    ]
