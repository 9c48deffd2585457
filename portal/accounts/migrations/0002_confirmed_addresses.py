"""Delete every unconfirmed address except the main one of an account.

An unconfirmed second address led to its account as a confirmed one does, and a user whose own
address had no row could make it the main one. Users created by a command get their row here.
"""

from django.db import migrations
from django.db.models import F


def confirm(apps, schema_editor):
    User = apps.get_model("accounts", "User")
    EmailAddress = apps.get_model("account", "EmailAddress")
    confirmed = EmailAddress.objects.filter(verified=True).values("email")
    # Only a command creates an account without a row, and an admin gives the command the address.
    for user in User.objects.filter(emailaddress=None).exclude(email__in=confirmed):
        EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
    EmailAddress.objects.filter(verified=False).exclude(email=F("user__email")).delete()


class Migration(migrations.Migration):

    dependencies = [
        ("accounts", "0001_initial"),
        ("account", "0009_emailaddress_unique_primary_email"),
    ]

    operations = [migrations.RunPython(confirm, migrations.RunPython.noop)]
