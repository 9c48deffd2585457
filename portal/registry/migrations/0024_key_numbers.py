"""The number of a key in its client, so that nobody counts them.

Keys of earlier versions, which may run at the same time, have none: `key_numbers` counts those.
"""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [('registry', '0023_console_lists')]

    operations = [
        migrations.AddField(
            model_name='clientkey',
            name='number',
            field=models.PositiveIntegerField(blank=True, null=True),
        ),
    ]
