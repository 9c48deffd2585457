"""Clients that always want a successor.

The lock on the table is kept until the migration ends, so nothing else is in it.
"""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [('registry', '0046_successor_verb')]

    operations = [
        migrations.AddField(
            model_name='client',
            name='wants_successor',
            field=models.BooleanField(db_default=False, default=False),
        ),
    ]
