"""Events about people who are asked to join a client, and who accept or decline."""

from importlib import import_module

from django.db import migrations

changed = import_module("portal.registry.migrations.0027_changed_keys")
archived = import_module("portal.registry.migrations.0029_archived_clients_verbs")

CHOICES = changed.added(archived.CHOICES, {'delete_client': [
    ('ask_member', 'asked a person to join the client'),
    ('withdraw_member', 'withdrew a request to join the client'),
    ('accept_membership', 'joined the client'),
    ('decline_membership', 'declined to join the client'),
]})


class Migration(migrations.Migration):

    dependencies = [('registry', '0032_membership_lists')]

    operations = changed.know(CHOICES, archived.CHOICES)
