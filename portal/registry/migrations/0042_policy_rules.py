"""The rules of the key policy, and exemptions. Creates tables, and checks the events that existed before 0041."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from portal.registry.migrating import ValidateChecks


class Migration(migrations.Migration):

    dependencies = [
        ('registry', '0041_policy_verb'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='PolicyRule',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=100)),
                ('of_all', models.BooleanField(default=True)),
                ('applies_from', models.DateTimeField()),
                ('algorithms', models.JSONField(blank=True, null=True)),
                ('rsa_min_bits', models.PositiveIntegerField(blank=True, null=True)),
                ('longest_days', models.PositiveIntegerField(blank=True, null=True)),
                ('confirmation', models.BooleanField(default=False)),
                ('replace_by', models.DateField(blank=True, null=True)),
                ('made_at', models.DateTimeField(auto_now_add=True)),
                ('saved_at', models.DateTimeField(blank=True, null=True)),
                ('ended_at', models.DateTimeField(blank=True, null=True)),
                ('survey', models.JSONField(blank=True, null=True)),
                ('clients', models.ManyToManyField(blank=True, related_name='+', to='registry.client')),
                ('ended_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('made_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('replaces', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='registry.policyrule')),
                ('saved_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
        ),
        migrations.CreateModel(
            name='PolicyExemption',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('note', models.CharField(max_length=500)),
                ('until', models.DateTimeField()),
                ('made_at', models.DateTimeField(auto_now_add=True)),
                ('client', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='registry.client')),
                ('made_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('rule', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='exemptions', to='registry.policyrule')),
            ],
        ),
        migrations.AddIndex(
            model_name='policyrule',
            index=models.Index(condition=models.Q(('ended_at', None), ('saved_at__isnull', False)), fields=['-id'], name='rule_current'),
        ),
        migrations.AddConstraint(
            model_name='policyrule',
            constraint=models.CheckConstraint(condition=models.Q(('name', ''), _negated=True), name='rule_has_a_name'),
        ),
        migrations.AddConstraint(
            model_name='policyrule',
            constraint=models.CheckConstraint(condition=models.Q(('algorithms__isnull', False), ('rsa_min_bits__isnull', False), ('longest_days__isnull', False), ('confirmation', True), _connector='OR'), name='rule_requires_something'),
        ),
        migrations.AddConstraint(
            model_name='policyrule',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('saved_at', None), ('saved_by', None)), models.Q(('saved_at__isnull', False), ('saved_by__isnull', False)), _connector='OR'), name='rule_saved_by_somebody'),
        ),
        migrations.AddConstraint(
            model_name='policyrule',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('ended_at', None), ('ended_by', None)), models.Q(('ended_at__isnull', False), ('ended_by__isnull', False), ('saved_at__isnull', False)), _connector='OR'), name='rule_ended_by_somebody'),
        ),
        migrations.AddConstraint(
            model_name='policyexemption',
            constraint=models.UniqueConstraint(fields=('rule', 'client'), name='exempt_once_from_a_rule'),
        ),
        migrations.AddConstraint(
            model_name='policyexemption',
            constraint=models.CheckConstraint(condition=models.Q(('note', ''), _negated=True), name='exemption_has_a_reason'),
        ),
        ValidateChecks('registry_event', 'event_verb_known'),
    ]
