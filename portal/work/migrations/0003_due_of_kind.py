"""An index for the thread of each kind. The table has only what is queued, so this is short."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [('work', '0002_messages')]

    operations = [
        migrations.AddIndex(
            model_name='task',
            index=models.Index(fields=['kind', 'due_at', 'id'], name='task_due_of_kind'),
        ),
    ]
