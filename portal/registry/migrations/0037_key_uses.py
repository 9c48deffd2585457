"""Uses of keys by day. Creates tables only; 0048 adds the networks."""

import django.db.models.deletion
from django.db import migrations, models
from django.db.models import F, Q


class Migration(migrations.Migration):

    dependencies = [('registry', '0036_calendar_feeds')]

    operations = [
        migrations.CreateModel(
            name='KeyUse',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('day', models.DateField()),
                ('uses', models.BigIntegerField()),
                ('networks', models.JSONField(default=dict)),
                ('last_at', models.DateTimeField()),
                ('last_network', models.CharField(blank=True, max_length=43)),
                ('up_to', models.BigIntegerField()),
                ('key', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='uses', to='registry.clientkey')),
            ],
            options={
                'constraints': [
                    models.UniqueConstraint(fields=('key', 'day'), name='uses_of_key_and_day'),
                    models.CheckConstraint(condition=Q(uses__gte=1), name='key_use_is_a_use'),
                ],
                'indexes': [models.Index(fields=['day', 'id'], name='key_use_by_day')],
            },
        ),
        migrations.CreateModel(
            name='UseCursor',
            fields=[
                ('id', models.PositiveSmallIntegerField(default=1, primary_key=True, serialize=False)),
                ('counted', models.BigIntegerField(default=0)),
                ('seen', models.BigIntegerField(default=0)),
                ('pending', models.JSONField(default=list)),
            ],
            options={
                'constraints': [
                    models.CheckConstraint(condition=Q(id=1), name='use_cursor_is_one_row'),
                    models.CheckConstraint(condition=Q(seen__gte=F('counted')), name='use_cursor_counts_what_it_saw'),
                ],
            },
        ),
    ]
