"""The secret addresses of calendars. Creates a table, and checks the events that existed before 0035."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models
from django.db.models import Q

from portal.registry.migrating import ValidateChecks


class Migration(migrations.Migration):

    dependencies = [
        ('registry', '0035_calendar_verbs'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='CalendarFeed',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('secret_sha256', models.CharField(max_length=64, unique=True)),
                ('made_at', models.DateTimeField(auto_now_add=True)),
                ('client', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='calendar_feed', to='registry.client')),
                ('made_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'constraints': [
                    models.CheckConstraint(condition=Q(secret_sha256__regex='^[0-9a-f]{64}$'), name='calendar_secret_is_a_sha256'),
                ],
            },
        ),
        ValidateChecks('registry_event', 'event_verb_known'),
    ]
