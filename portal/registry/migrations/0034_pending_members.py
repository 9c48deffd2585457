"""People who are asked to join a client. Creates a table, and checks the events that existed before 0033."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models
from django.db.models import Q
from django.db.models.functions import Lower

from portal.registry.migrating import ValidateChecks

ROLES = [('owner', 'Owner'), ('developer', 'Developer'), ('viewer', 'Viewer')]


class Migration(migrations.Migration):

    dependencies = [
        ('registry', '0033_pending_members_verbs'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='PendingMember',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('email', models.EmailField(max_length=254)),
                ('role', models.CharField(choices=ROLES, max_length=16)),
                ('asked_at', models.DateTimeField()),
                ('asked_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('client', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='pending_members', to='registry.client')),
            ],
            options={
                'constraints': [
                    models.UniqueConstraint(fields=('email', 'client'), name='asked_once_a_client'),
                    models.CheckConstraint(condition=Q(role__in=[role for role, _ in ROLES]), name='pending_role_known'),
                    models.CheckConstraint(condition=Q(email=Lower('email')), name='pending_email_is_lower_case'),
                ],
            },
        ),
        ValidateChecks('registry_event', 'event_verb_known'),
    ]
