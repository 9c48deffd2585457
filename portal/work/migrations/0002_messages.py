"""Tasks with sealed content and a last time. Older workers and portals leave them alone."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('work', '0001_tasks'),
    ]

    operations = [
        migrations.CreateModel(
            name='Tally',
            fields=[
                ('kind', models.CharField(max_length=32, primary_key=True, serialize=False)),
                ('done', models.BigIntegerField(default=0)),
                ('done_at', models.DateTimeField(null=True)),
                ('dropped', models.BigIntegerField(default=0)),
                ('dropped_at', models.DateTimeField(null=True)),
            ],
        ),
        migrations.AddField(
            model_name='task',
            name='last_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name='task',
            name='lost',
            field=models.PositiveIntegerField(db_default=0, default=0),
        ),
        migrations.AddField(
            model_name='task',
            name='sealed',
            field=models.TextField(blank=True, db_default='', default=''),
        ),
        migrations.AddIndex(
            model_name='task',
            index=models.Index(condition=models.Q(('error', ''), _negated=True), fields=['made_at'], name='task_failing'),
        ),
    ]
