"""Events about a key whose label or expiry was changed."""

from importlib import import_module

from django.db import migrations, models

from portal.registry.migrating import AddCheck

judging = import_module("portal.registry.migrations.0018_judged_keys")
ledger = import_module("portal.registry.migrations.0020_ledger")


def added(choices, new):
    """Return the choices of verbs, with new ones after the verbs that are the keys of `new`."""
    return [each for choice in choices for each in (choice, *new.get(choice[0], ()))]


def hold(apps, schema_editor):
    """On SQLite, create the triggers that `ledger.release` dropped."""
    if not ledger.is_postgresql(schema_editor):
        ledger.create(apps, schema_editor)


def know(choices, before):
    """Return the operations that allow events to have these verbs; `before` are the verbs so far."""
    new = {verb for verb, _ in choices} - {verb for verb, _ in before}

    def forget(apps, schema_editor):
        """When reversing, delete the events with the new verbs. The next action numbers the others again."""
        event, head = apps.get_model("registry", "Event"), apps.get_model("registry", "Ledger")
        found = event.objects.filter(verb__in=new)
        if not found.exists():
            return
        if ledger.is_postgresql(schema_editor):
            schema_editor.execute("ALTER TABLE registry_event DISABLE TRIGGER USER")
        found.delete()
        event.objects.update(number=None, leaf=None, version=None, salts=None)
        head.objects.all().delete()
        if ledger.is_postgresql(schema_editor):
            # A table cannot be altered while deferred constraints of its rows are unchecked.
            schema_editor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            schema_editor.execute("ALTER TABLE registry_event ENABLE TRIGGER USER")

    return [
        migrations.RunPython(ledger.release, hold),
        migrations.AlterField('event', 'verb', models.CharField(max_length=32, choices=choices)),
        migrations.RemoveConstraint('event', 'event_verb_known'),
        migrations.RunPython(migrations.RunPython.noop, forget),
        AddCheck('event', models.CheckConstraint(
            name='event_verb_known', condition=models.Q(verb__in=[verb for verb, _ in choices]),
        )),
        migrations.RunPython(hold, ledger.release),
    ]


CHOICES = added(judging.CHOICES, {'register_key': [('change_key', 'changed the key')]})


class Migration(migrations.Migration):

    dependencies = [('registry', '0026_jobs')]

    operations = know(CHOICES, judging.CHOICES)
