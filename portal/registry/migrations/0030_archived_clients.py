"""Archived and deleted clients. The previous version of the portal adds clients without these columns."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models
from django.db.models import Q

from portal.registry.migrating import AddCheck


class Migration(migrations.Migration):

    dependencies = [
        ('registry', '0029_archived_clients_verbs'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField('client', 'archived_at', models.DateTimeField(blank=True, null=True)),
        migrations.AddField('client', 'archived_by', models.ForeignKey(
            blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+',
            to=settings.AUTH_USER_MODEL,
        )),
        migrations.AddField('client', 'deleted', models.BooleanField(db_default=False, default=False)),
        AddCheck('client', models.CheckConstraint(
            name='client_archived_by_somebody',
            condition=Q(archived_at=None, archived_by=None, deleted=False)
            | Q(archived_at__isnull=False, archived_by__isnull=False),
        )),
    ]
