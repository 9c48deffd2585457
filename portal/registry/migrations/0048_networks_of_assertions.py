"""Networks from which assertions came.

The lock on the table is kept until the migration ends, so nothing else is in it.
"""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [('registry', '0047_wanted_successors')]

    operations = [
        migrations.AddField(
            model_name='redeemedassertion',
            name='network',
            field=models.CharField(db_default='', default='', max_length=43),
        ),
    ]
