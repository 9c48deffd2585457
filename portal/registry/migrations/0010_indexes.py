"""Indexes for lists and look-ups that would read ever more rows, and more frequent statistics.

By default PostgreSQL analyzes a table again after a tenth of it has changed, and may choose bad plans until then.
"""

import datetime

from django.db import migrations, models
from django.db.models import F, Q
from django.db.models.functions import Coalesce, Least

from portal.registry.migrating import AddIndexBesideTraffic

NEVER = datetime.datetime(9999, 12, 31, tzinfo=datetime.UTC)
GROWING = ("event", "redeemedassertion", "refusedrequest", "accesstoken", "refreshtoken")


def look_often(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        for name in GROWING:
            schema_editor.execute(f"ALTER TABLE registry_{name} SET (autovacuum_analyze_scale_factor = 0.01)")


def look_as_usual(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        for name in GROWING:
            schema_editor.execute(f"ALTER TABLE registry_{name} RESET (autovacuum_analyze_scale_factor)")


class Migration(migrations.Migration):

    atomic = False  # indexes are built without blocking traffic

    dependencies = [('registry', '0009_actors_checked')]

    operations = [
        AddIndexBesideTraffic(
            model_name='client',
            index=models.Index(fields=['-id'], name='client_suspended', condition=Q(suspended_at__isnull=False)),
        ),
        AddIndexBesideTraffic(
            model_name='clientkey',
            index=models.Index(
                F('client'),
                Least(Coalesce('expires_at', NEVER), Coalesce('retires_at', NEVER), Coalesce('revoked_at', NEVER)),
                name='key_of_client_by_end',
            ),
        ),
        AddIndexBesideTraffic(
            model_name='clientkey',
            index=models.Index(
                fields=['-id'], name='key_unconfirmed', condition=Q(confirmation_required=True, confirmed_at=None)
            ),
        ),
        AddIndexBesideTraffic(
            model_name='redeemedassertion',
            index=models.Index(fields=['reference'], name='redeemed_by_reference'),
        ),
        migrations.RunPython(look_often, look_as_usual),
    ]
