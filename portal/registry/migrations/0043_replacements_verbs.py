"""Events about the replacement of a key, about verifiers, and about a successor that signed."""

from importlib import import_module

from django.db import migrations

changed = import_module("portal.registry.migrations.0027_changed_keys")
policy = import_module("portal.registry.migrations.0041_policy_verb")

CHOICES = changed.added(policy.CHOICES, {
    'keep_key': [
        ('begin_replacement', 'began to replace the key'),
        ('withdraw_replacement', 'took the replacement of the key back'),
        ('use_successor', 'noticed that the successor signed'),
    ],
    'find_weakness': [('change_verifier', 'changed a verifier')],
})


class Migration(migrations.Migration):

    dependencies = [('registry', '0042_policy_rules')]

    operations = changed.know(CHOICES, policy.CHOICES)
