"""Jobs on many keys or clients. Only creates a table, so it does not block traffic."""

import django.db.models.deletion
import django.db.models.expressions
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('registry', '0025_key_number_once'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Job',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('verb', models.CharField(choices=[('revoke_key', 'Revoke keys'), ('suspend_client', 'Suspend clients')], max_length=32)),
                ('ids', models.JSONField()),
                ('number', models.PositiveIntegerField()),
                ('filters', models.CharField(blank=True, max_length=2000)),
                ('reason', models.CharField(blank=True, choices=[('unspecified', 'Unspecified'), ('compromised', 'Compromised: someone else may have the private key'), ('superseded', 'Superseded: a newer key replaced it'), ('proved_elsewhere', 'Proved by another client: only that client signed with the private key')], max_length=16)),
                ('note', models.CharField(blank=True, max_length=500)),
                ('made_at', models.DateTimeField(auto_now_add=True)),
                ('started_at', models.DateTimeField(null=True)),
                ('position', models.PositiveIntegerField(default=0)),
                ('done', models.PositiveIntegerField(default=0)),
                ('already', models.PositiveIntegerField(default=0)),
                ('failed', models.PositiveIntegerField(default=0)),
                ('failures', models.JSONField(default=list)),
                ('ended_at', models.DateTimeField(null=True)),
                ('stopped', models.CharField(blank=True, max_length=200)),
                ('by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('cancelled_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'constraints': [models.CheckConstraint(condition=models.Q(('verb__in', ['revoke_key', 'suspend_client'])), name='job_verb_known'), models.CheckConstraint(condition=models.Q(('started_at', None), models.Q(('verb', 'revoke_key'), _negated=True), models.Q(('reason', ''), _negated=True), _connector='OR'), name='job_revokes_for_a_reason'), models.CheckConstraint(condition=models.Q(('position__lte', models.F('number')), ('position', django.db.models.expressions.CombinedExpression(django.db.models.expressions.CombinedExpression(models.F('done'), '+', models.F('already')), '+', models.F('failed')))), name='job_counts_what_it_did'), models.CheckConstraint(condition=models.Q(('started_at__isnull', False), models.Q(('ended_at', None), ('position', 0)), _connector='OR'), name='job_starts_first'), models.CheckConstraint(condition=models.Q(('ended_at__isnull', False), models.Q(('cancelled_by', None), ('stopped', '')), _connector='OR'), name='job_ends_if_cancelled_or_stopped')],
            },
        ),
    ]
