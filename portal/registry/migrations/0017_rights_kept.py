"""Existing clients keep the rights they used recently, with an event each. Also validates the checks of 0016.

A client used the rights in its tokens and codes of the last 30 days and in its live refresh tokens. Expired tokens are
pruned, and no other row has their rights. So a client that authenticated within 30 days but has no such row keeps every
scope.
"""

from datetime import timedelta

from django.conf import settings
from django.db import migrations
from django.db.models import Exists, OuterRef
from django.utils import timezone

from portal.registry.migrating import ValidateChecks

LATELY = timedelta(days=30)


def keep_what_was_used(apps, schema_editor):
    model = {name: apps.get_model("registry", name) for name in (
        "AccessToken", "AuthorizationCode", "Client", "Event", "RedeemedAssertion", "RefreshToken")}
    since = timezone.now() - LATELY
    live = model["RefreshToken"].objects.filter(revoked=None)
    used = {}
    for rows, scope in (
        (model["AccessToken"].objects.filter(created__gte=since), "scope"),
        (model["AuthorizationCode"].objects.filter(created__gte=since), "scope"),
        (live, "access_token__scope"),
    ):
        for client, scopes, resources in rows.values_list("application", scope, "resource").distinct():
            known = used.setdefault(client, (set(), set()))
            known[0].update((scopes or "").split())
            known[1].update(resources or ())
    redeemed = model["RedeemedAssertion"].objects.filter(client=OuterRef("pk"), at__gte=since)
    signed_in = model["Client"].objects.filter(Exists(redeemed)).values_list("pk", flat=True)
    unknown = (set(settings.SCOPES), set())
    for client in sorted({*used, *signed_in}):
        keep(model["Event"], model["Client"].objects.get(pk=client), *used.get(client, unknown))


def keep(events, client, scopes, resources):
    first = list(settings.SCOPES)[:1]
    scopes = [scope for scope in settings.SCOPES if scope in scopes]
    resources = sorted(resources)
    if not resources and set(scopes) <= set(first):
        return
    client.scopes = scopes if set(scopes) - set(first) else None
    client.resources = resources or None
    client.save(update_fields=["scopes", "resources"])
    changes = {
        "scopes": {"added": [each for each in scopes if each not in first],
                   "removed": [each for each in first if client.scopes and each not in scopes]},
        "resources": {"added": resources, "removed": []},
    }
    detail = {name: change for name, change in changes.items() if change["added"] or change["removed"]}
    events.objects.create(verb="change_rights", client=client, actor_portal=True, detail=detail)


class Migration(migrations.Migration):

    dependencies = [('registry', '0016_rights')]

    operations = [
        ValidateChecks('registry_client', 'client_grant_types_known', 'client_has_a_scope'),
        ValidateChecks('registry_event', 'event_verb_known'),
        # Last: a table cannot be altered while deferred constraints of new rows are unchecked.
        migrations.RunPython(keep_what_was_used, migrations.RunPython.noop),
    ]
