"""Indexes for the lists of a client's members and of a person's clients, which are sorted and paged."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models
from django.db.models import Q

from portal.registry.migrating import AddIndexBesideTraffic, DropForeignKeyIndex


class Migration(migrations.Migration):

    atomic = False  # indexes are built without blocking traffic

    dependencies = [
        ('registry', '0031_archived_clients_checked'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        AddIndexBesideTraffic(
            model_name='membership',
            index=models.Index(fields=['client', 'id'], name='membership_of_client'),
        ),
        AddIndexBesideTraffic(
            model_name='membership',
            index=models.Index(fields=['user', '-id'], name='membership_of_user'),
        ),
        AddIndexBesideTraffic(
            model_name='membership',
            index=models.Index(fields=['client'], name='membership_of_owner', condition=Q(role='owner')),
        ),
        DropForeignKeyIndex(
            model_name='membership',
            name='client',
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name='memberships',
                to='registry.client',
            ),
        ),
        DropForeignKeyIndex(
            model_name='membership',
            name='user',
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name='memberships',
                to=settings.AUTH_USER_MODEL,
            ),
        ),
    ]
