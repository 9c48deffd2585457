"""Replacements of keys, and verifiers as docs/verifiers.md has them. Creates tables only."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models
from django.db.models import F, Q
from django.db.models.functions import Lower

MONTH = 30 * 24 * 60 * 60

# Name, how many seconds it keeps a set, after how many it looks for an unknown kid (None: see Cache).
VERIFIERS = [
    ('PyJWT PyJWKClient', 300, 30),
    ('jose createRemoteJWKSet', 600, 30),
    ('joserfc, jwcrypto', None, None),
    ('oidc-provider', None, 60),
    ('Envoy jwt_authn', 600, None),
    ('Apache mod_oauth2', None, 0),
    ('go-jose', None, None),
    ('Keycloak', None, 10),
    ('Nimbus JWKSourceBuilder', 300, 30),
    ('Spring Authorization Server', 300, 0),
    ('Hydra (fosite)', 3600, 0),
    ('keyfunc, jwkset (Go)', 3600, 300),
    ('jwx with httprc (Go)', 900, None),
    ('node-jwks-rsa', 600, 0),
    ('.NET ConfigurationManager', 43200, 300),
]


def fill(apps, schema_editor):
    """Add the verifiers."""
    model = apps.get_model('registry', 'Verifier')
    model.objects.bulk_create(
        model(name=name, keeps_s=keeps_s, looks_after_s=looks_after_s)
        for name, keeps_s, looks_after_s in VERIFIERS
    )


class Migration(migrations.Migration):

    dependencies = [
        ('registry', '0043_replacements_verbs'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Verifier',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=100)),
                ('keeps_s', models.PositiveIntegerField(blank=True, null=True)),
                ('looks_after_s', models.PositiveIntegerField(blank=True, null=True)),
            ],
            options={
                'constraints': [
                    models.UniqueConstraint(Lower('name'), name='verifier_of_name'),
                    models.CheckConstraint(condition=~Q(name=''), name='verifier_has_a_name'),
                    models.CheckConstraint(
                        condition=(Q(keeps_s=None) | Q(keeps_s__lte=MONTH))
                        & (Q(looks_after_s=None) | Q(looks_after_s__lte=MONTH)),
                        name='verifier_times_are_short',
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name='Replacement',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('begun_at', models.DateTimeField()),
                ('published_at', models.DateTimeField(null=True)),
                ('withdrawn_at', models.DateTimeField(null=True)),
                ('begun_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('client', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='replacements', to='registry.client')),
                ('new', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='replacing', to='registry.clientkey')),
                ('old', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='replacements', to='registry.clientkey')),
                ('withdrawn_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'constraints': [
                    models.UniqueConstraint(condition=Q(withdrawn_at=None), fields=('old',), name='replaced_once'),
                    models.CheckConstraint(condition=Q(new=None) | ~Q(new=F('old')), name='replaced_by_another'),
                    models.CheckConstraint(condition=Q(published_at=None) | Q(new__isnull=False), name='published_is_the_new_key'),
                    models.CheckConstraint(
                        condition=Q(withdrawn_at=None, withdrawn_by=None) | Q(withdrawn_at__isnull=False, withdrawn_by__isnull=False),
                        name='replacement_withdrawn_by_somebody',
                    ),
                ],
            },
        ),
        migrations.RunPython(fill, migrations.RunPython.noop),
    ]
