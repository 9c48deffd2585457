"""Number the existing events, a thousand in each transaction, without blocking traffic, and print the progress.

A run after an interruption continues where the last one stopped.
"""

import sys

from django.db import migrations, models
from django.db.models import Q

from portal.registry.migrating import AddIndexBesideTraffic, AddUniqueBesideTraffic, ValidateChecks
from portal.registry.models.appending import number_older

BATCH = 1000
PROGRESS = 50_000


def number_events(apps, schema_editor):
    event, ledger = apps.get_model("registry", "Event"), apps.get_model("registry", "Ledger")
    total, done = event.objects.filter(number=None).count(), 0
    while number := number_older(event, ledger, limit=BATCH):
        done += number
        if done % PROGRESS < number:
            print(f"\n    {done:,} of {total:,} events are numbered.", end="", file=sys.stderr, flush=True)


class Migration(migrations.Migration):

    atomic = False

    dependencies = [('registry', '0020_ledger')]

    operations = [
        AddUniqueBesideTraffic('event', models.UniqueConstraint(
            fields=['number'], condition=Q(number__isnull=False), name='event_number',
        )),
        AddIndexBesideTraffic('event', models.Index(
            fields=['id'], condition=Q(number=None), name='event_unnumbered',
        )),
        migrations.RunPython(number_events, migrations.RunPython.noop),
        ValidateChecks('registry_event', 'event_is_in_the_ledger_or_not'),
    ]
