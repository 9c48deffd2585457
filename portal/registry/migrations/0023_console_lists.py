"""Indexes for the console's lists: keys by person, by expiry, and legacy ones by date; refusals by reason."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models
from django.db.models import Q

from portal.registry.migrating import AddIndexBesideTraffic, DropForeignKeyIndex, RemoveIndexBesideTraffic

class Migration(migrations.Migration):

    atomic = False  # indexes are built without blocking traffic

    dependencies = [
        ('registry', '0022_serving'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        AddIndexBesideTraffic(
            model_name='clientkey',
            index=models.Index(fields=['registered_by', '-id'], name='key_by_registrant'),
        ),
        DropForeignKeyIndex(
            model_name='clientkey',
            name='registered_by',
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name='registered_keys',
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        AddIndexBesideTraffic(
            model_name='clientkey',
            index=models.Index(
                fields=['-registered_at', '-id'],
                name='key_legacy_newest',
                condition=Q(alg__in=['RS256', 'RS384', 'RS512']),
            ),
        ),
        RemoveIndexBesideTraffic(model_name='clientkey', name='key_legacy'),
        AddIndexBesideTraffic(
            model_name='clientkey',
            index=models.Index(
                fields=['expires_at', 'id'], name='key_expiring_first', condition=Q(expires_at__isnull=False)
            ),
        ),
        RemoveIndexBesideTraffic(model_name='clientkey', name='key_by_expiry'),
        AddIndexBesideTraffic(
            model_name='refusedrequest',
            index=models.Index(fields=['reason', '-id'], name='refused_by_reason'),
        ),
    ]
