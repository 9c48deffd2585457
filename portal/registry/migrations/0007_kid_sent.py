"""Record whether the header of a redeemed assertion named its key. Older versions, which may run at the same time,
leave the column empty.
"""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [('registry', '0006_changes')]

    operations = [
        migrations.AddField(
            model_name='redeemedassertion',
            name='kid_sent',
            field=models.BooleanField(null=True),
        ),
    ]
