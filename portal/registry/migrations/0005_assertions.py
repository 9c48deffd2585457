"""Assertions and tokens, redirect URIs, and keys that are confirmed by signing.

Creates the toolkit's tables as our own (ADR 0008): the toolkit has no migrations here. A trigger protects two more
columns: whether a key needs confirmation never changes, and a confirmation is never withdrawn.
"""

from importlib import import_module

import django.db.models.deletion
import oauth2_provider.models
from django.conf import settings
from django.db import migrations, models

triggers = import_module("portal.registry.migrations.0002_triggers")

CHANGED = """OLD.confirmation_required {differs} NEW.confirmation_required OR OLD.confirmed_at IS NOT NULL AND (
    OLD.confirmed_at {differs} NEW.confirmed_at OR OLD.confirmed_by_id {differs} NEW.confirmed_by_id)"""
SENTENCE = "a confirmation is never taken back"
NAME = "key_stays_confirmed"


def keep_confirmations(schema_editor, changed):
    """Create the trigger that refuses updates for which the condition `changed` is true."""
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(
            f"CREATE TRIGGER {NAME} BEFORE UPDATE ON registry_clientkey FOR EACH ROW "
            f"WHEN ({changed.format(differs='IS DISTINCT FROM')}) EXECUTE FUNCTION registry_refuse('{SENTENCE}')"
        )
    else:
        schema_editor.execute(
            f"CREATE TRIGGER {NAME} BEFORE UPDATE ON registry_clientkey WHEN {changed.format(differs='IS NOT')} "
            f"BEGIN SELECT RAISE(ABORT, '{SENTENCE}'); END"
        )


def create(apps, schema_editor):
    triggers.create(apps, schema_editor)
    keep_confirmations(schema_editor, CHANGED)


def drop(apps, schema_editor):
    on = " ON registry_clientkey" if schema_editor.connection.vendor == "postgresql" else ""
    schema_editor.execute(f"DROP TRIGGER {NAME}{on}")
    triggers.drop(apps, schema_editor)


def forget_confirmations(apps, schema_editor):
    """When reversing, the confirmations are dropped, so delete their events."""
    apps.get_model("registry", "Event").objects.filter(verb="confirm_key").delete()


class Migration(migrations.Migration):

    dependencies = [
        ('registry', '0004_key_legacy'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RunPython(triggers.drop, triggers.create),
        migrations.CreateModel(
            name='AccessToken',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('token', models.TextField(verbose_name='token')),
                ('token_checksum', oauth2_provider.models.TokenChecksumField(db_index=True, max_length=64, unique=True, verbose_name='token checksum')),
                ('expires', models.DateTimeField(verbose_name='expires')),
                ('scope', models.TextField(blank=True, verbose_name='scope')),
                ('resource', oauth2_provider.models.ResourceJSONField(blank=True, default=list, verbose_name='resource')),
                ('created', models.DateTimeField(auto_now_add=True, verbose_name='created')),
                ('updated', models.DateTimeField(auto_now=True, verbose_name='updated')),
            ],
            options={
                'abstract': False,
            },
        ),
        migrations.CreateModel(
            name='AuthorizationCode',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('code', models.CharField(max_length=255, unique=True, verbose_name='code')),
                ('expires', models.DateTimeField(verbose_name='expires')),
                ('redirect_uri', models.TextField(verbose_name='redirect URI')),
                ('scope', models.TextField(blank=True, verbose_name='scope')),
                ('created', models.DateTimeField(auto_now_add=True, verbose_name='created')),
                ('updated', models.DateTimeField(auto_now=True, verbose_name='updated')),
                ('code_challenge', models.CharField(blank=True, default='', max_length=128, verbose_name='code challenge')),
                ('code_challenge_method', models.CharField(blank=True, choices=[('plain', 'plain'), ('S256', 'S256')], default='', max_length=10, verbose_name='code challenge method')),
                ('nonce', models.CharField(blank=True, default='', max_length=255, verbose_name='nonce')),
                ('claims', models.TextField(blank=True, verbose_name='claims')),
                ('resource', oauth2_provider.models.ResourceJSONField(blank=True, default=list, verbose_name='resource')),
            ],
            options={
                'abstract': False,
            },
        ),
        migrations.CreateModel(
            name='RedeemedAssertion',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('jti_sha256', models.CharField(max_length=64)),
                ('reference', models.CharField(max_length=16)),
                ('at', models.DateTimeField()),
                ('expires_at', models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name='RefreshToken',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('token', models.TextField(verbose_name='token')),
                ('token_checksum', oauth2_provider.models.TokenChecksumField(max_length=64, verbose_name='token checksum')),
                ('token_family', models.UUIDField(blank=True, editable=False, null=True, verbose_name='token family')),
                ('resource', oauth2_provider.models.ResourceJSONField(blank=True, default=list, verbose_name='resource')),
                ('created', models.DateTimeField(auto_now_add=True, verbose_name='created')),
                ('updated', models.DateTimeField(auto_now=True, verbose_name='updated')),
                ('revoked', models.DateTimeField(null=True, verbose_name='revoked')),
            ],
            options={
                'abstract': False,
            },
        ),
        migrations.CreateModel(
            name='RefusedRequest',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kid', models.CharField(blank=True, max_length=64)),
                ('reason', models.CharField(max_length=64)),
                ('seen', models.CharField(blank=True, max_length=200)),
                ('expected', models.CharField(blank=True, max_length=200)),
                ('reference', models.CharField(max_length=16, unique=True)),
                ('at', models.DateTimeField()),
            ],
        ),
        migrations.RemoveConstraint(
            model_name='event',
            name='event_verb_known',
        ),
        migrations.RunPython(migrations.RunPython.noop, forget_confirmations),
        migrations.AddField(
            model_name='client',
            name='redirect_uris',
            field=models.JSONField(blank=True, default=list),
        ),
        migrations.AddField(
            model_name='clientkey',
            name='confirmation_required',
            field=models.BooleanField(default=False),
        ),
        migrations.AddField(
            model_name='clientkey',
            name='confirmed_at',
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='clientkey',
            name='confirmed_by',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AlterField(
            model_name='event',
            name='verb',
            field=models.CharField(choices=[('create_client', 'created the client'), ('change_client', 'changed the client'), ('suspend_client', 'suspended the client'), ('resume_client', 'resumed the client'), ('add_member', 'added a member'), ('change_member', "changed a member's role"), ('remove_member', 'removed a member'), ('register_key', 'registered the key'), ('retire_key', 'retired the key'), ('keep_key', 'cancelled the retirement'), ('confirm_key', 'confirmed the key'), ('revoke_key', 'revoked the key'), ('block_key', 'blocked a key'), ('refuse_key', 'tried a key that was refused')], max_length=32),
        ),
        migrations.AddConstraint(
            model_name='clientkey',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('confirmed_at', None), ('confirmed_by', None)), models.Q(('confirmed_at__isnull', False), ('confirmed_by__isnull', False)), _connector='OR'), name='key_confirmed_by_somebody'),
        ),
        migrations.AddConstraint(
            model_name='event',
            constraint=models.CheckConstraint(condition=models.Q(('verb__in', ['create_client', 'change_client', 'suspend_client', 'resume_client', 'add_member', 'change_member', 'remove_member', 'register_key', 'retire_key', 'keep_key', 'confirm_key', 'revoke_key', 'block_key', 'refuse_key'])), name='event_verb_known'),
        ),
        migrations.AddField(
            model_name='accesstoken',
            name='application',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, to=settings.OAUTH2_PROVIDER_APPLICATION_MODEL, verbose_name='application'),
        ),
        migrations.AddField(
            model_name='accesstoken',
            name='key',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='access_tokens', to='registry.clientkey'),
        ),
        migrations.AddField(
            model_name='accesstoken',
            name='user',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='%(app_label)s_%(class)s', to=settings.AUTH_USER_MODEL, verbose_name='user'),
        ),
        migrations.AddField(
            model_name='authorizationcode',
            name='application',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to=settings.OAUTH2_PROVIDER_APPLICATION_MODEL, verbose_name='application'),
        ),
        migrations.AddField(
            model_name='authorizationcode',
            name='user',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='%(app_label)s_%(class)s', to=settings.AUTH_USER_MODEL, verbose_name='user'),
        ),
        migrations.AddField(
            model_name='redeemedassertion',
            name='client',
            field=models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.OAUTH2_PROVIDER_APPLICATION_MODEL),
        ),
        migrations.AddField(
            model_name='redeemedassertion',
            name='key',
            field=models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='redeemed', to='registry.clientkey'),
        ),
        migrations.AddField(
            model_name='refreshtoken',
            name='access_token',
            field=models.OneToOneField(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='refresh_token', to=settings.OAUTH2_PROVIDER_ACCESS_TOKEN_MODEL, verbose_name='access token'),
        ),
        migrations.AddField(
            model_name='refreshtoken',
            name='application',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to=settings.OAUTH2_PROVIDER_APPLICATION_MODEL, verbose_name='application'),
        ),
        migrations.AddField(
            model_name='refreshtoken',
            name='key',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='refresh_tokens', to='registry.clientkey'),
        ),
        migrations.AddField(
            model_name='refreshtoken',
            name='user',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='%(app_label)s_%(class)s', to=settings.AUTH_USER_MODEL, verbose_name='user'),
        ),
        migrations.AddField(
            model_name='accesstoken',
            name='source_refresh_token',
            field=models.OneToOneField(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='refreshed_access_token', to=settings.OAUTH2_PROVIDER_REFRESH_TOKEN_MODEL, verbose_name='source refresh token'),
        ),
        migrations.AddField(
            model_name='refusedrequest',
            name='client',
            field=models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='refused', to=settings.OAUTH2_PROVIDER_APPLICATION_MODEL),
        ),
        migrations.AddField(
            model_name='refusedrequest',
            name='key',
            field=models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='registry.clientkey'),
        ),
        migrations.AddIndex(
            model_name='authorizationcode',
            index=models.Index(fields=['expires'], name='code_by_expiry'),
        ),
        migrations.AddIndex(
            model_name='redeemedassertion',
            index=models.Index(fields=['client', '-id'], name='redeemed_of_client'),
        ),
        migrations.AddIndex(
            model_name='redeemedassertion',
            index=models.Index(fields=['key', '-id'], name='redeemed_of_key'),
        ),
        migrations.AddConstraint(
            model_name='redeemedassertion',
            constraint=models.UniqueConstraint(fields=('client', 'jti_sha256'), name='jti_used_once'),
        ),
        migrations.AddConstraint(
            model_name='redeemedassertion',
            constraint=models.CheckConstraint(condition=models.Q(('jti_sha256__regex', '^[0-9a-f]{64}$')), name='jti_is_a_sha256'),
        ),
        migrations.AddIndex(
            model_name='refreshtoken',
            index=models.Index(fields=['token_family'], name='refresh_token_family'),
        ),
        migrations.AlterUniqueTogether(
            name='refreshtoken',
            unique_together={('token_checksum', 'revoked')},
        ),
        migrations.AddConstraint(
            model_name='refreshtoken',
            constraint=models.UniqueConstraint(condition=models.Q(('revoked', None)), fields=('token_checksum',), name='refresh_token_live_once'),
        ),
        migrations.AddIndex(
            model_name='accesstoken',
            index=models.Index(fields=['expires'], name='access_token_by_expiry'),
        ),
        migrations.AddIndex(
            model_name='refusedrequest',
            index=models.Index(fields=['client', '-id'], name='refused_of_client'),
        ),
        migrations.AddIndex(
            model_name='refusedrequest',
            index=models.Index(fields=['at'], name='refused_by_time'),
        ),
        migrations.AddConstraint(
            model_name='refusedrequest',
            constraint=models.CheckConstraint(condition=models.Q(('reason__regex', '^[a-z][a-z0-9_]*$')), name='refused_for_a_reason'),
        ),
        migrations.RunPython(create, drop),
    ]
