"""An index for the keys that end, by either of their dates, soonest first."""

import datetime

from django.db import migrations, models
from django.db.models import F, Q
from django.db.models.functions import Coalesce, Least
from django.db.models.lookups import LessThan

from portal.registry.migrating import AddIndexBesideTraffic

NEVER = datetime.datetime(9999, 12, 31, tzinfo=datetime.UTC)
ENDS = Least(Coalesce('expires_at', NEVER), Coalesce('retires_at', NEVER), Coalesce('revoked_at', NEVER))


class Migration(migrations.Migration):

    atomic = False  # the index is built without blocking traffic

    dependencies = [('registry', '0049_successor_verb_checked')]

    operations = [
        AddIndexBesideTraffic(
            model_name='clientkey',
            index=models.Index(
                ENDS,
                F('id'),
                name='key_ending_first',
                condition=Q(LessThan(ENDS, NEVER), revoked_at=None),
            ),
        ),
    ]
