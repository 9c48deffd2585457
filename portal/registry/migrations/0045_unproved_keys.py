"""An index for the list of keys that were never confirmed."""

from django.db import migrations, models
from django.db.models import Q

from portal.registry.migrating import AddIndexBesideTraffic


class Migration(migrations.Migration):

    atomic = False  # indexes are built without blocking traffic

    dependencies = [('registry', '0044_replacements')]

    operations = [
        AddIndexBesideTraffic(
            model_name='clientkey',
            index=models.Index(
                fields=['-id'], name='key_unproved', condition=Q(confirmed_at=None, revoked_at=None)
            ),
        ),
    ]
