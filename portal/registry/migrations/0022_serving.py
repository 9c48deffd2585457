"""What the serving processes store for each other. Only creates tables, so it does not block traffic."""

import uuid
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('registry', '0021_events_numbered'),
    ]

    operations = [
        migrations.CreateModel(
            name='ServingProcess',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, primary_key=True, serialize=False)),
                ('host', models.CharField(max_length=64)),
                ('number', models.BigIntegerField()),
                ('cached', models.PositiveIntegerField()),
                ('unfit', models.PositiveIntegerField()),
                ('seen_at', models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name='RequestedSet',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('client_id', models.CharField(max_length=64)),
                ('extended', models.BooleanField()),
                ('hour', models.DateTimeField()),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('hour', 'client_id', 'extended'), name='requested_once_an_hour')],
            },
        ),
    ]
