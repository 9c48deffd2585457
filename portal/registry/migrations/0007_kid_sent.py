"""Whether the header of a redeemed assertion named its key. Rows of an older release, which may run beside this
one, leave it empty.
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
