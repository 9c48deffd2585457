"""Record who is an admin or deactivated, for `verify_ledger`: earlier versions did not record all of it."""

from django.db import migrations
from django.db.models import Q


def record(apps, schema_editor):
    """Add an event for each state that no event with the person's id records; the next action numbers it."""
    events = apps.get_model("registry", "Event").objects
    verbs = ("grant_admin", "deactivate_person")
    recorded = set(events.filter(verb__in=verbs).values_list("verb", "detail__person_id"))
    people = apps.get_model("accounts", "User").objects.filter(Q(is_staff=True) | Q(is_active=False))
    for person in people.order_by("pk"):
        for verb, is_so in (("grant_admin", person.is_staff), ("deactivate_person", not person.is_active)):
            if is_so and (verb, person.pk) not in recorded:
                events.create(
                    verb=verb, actor_portal=True, detail={"person": person.email, "person_id": person.pk}
                )


class Migration(migrations.Migration):

    dependencies = [
        ('registry', '0037_key_uses'),
        ('accounts', '0001_initial'),
    ]

    operations = [migrations.RunPython(record, migrations.RunPython.noop)]
