"""An index to list the keys with legacy algorithms among a million."""

from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('registry', '0003_search'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddIndex(
            model_name='clientkey',
            index=models.Index(condition=models.Q(('alg__in', ['RS256', 'RS384', 'RS512'])), fields=['-id'], name='key_legacy'),
        ),
    ]
