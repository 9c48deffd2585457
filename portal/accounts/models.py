"""The user model and the counters of rate limits."""

from __future__ import annotations

from typing import Any, ClassVar, Final

from allauth.account.models import EmailAddress
from django.contrib.auth.models import AbstractUser, BaseUserManager
from django.db import models, transaction
from django.db.models import Exists, OuterRef
from django.db.models.functions import Lower
from django.dispatch import Signal

admin_created: Final = Signal()
"""`createsuperuser` created this `user`. The registry makes them an admin, and records it."""


class UserManager(BaseUserManager["User"]):
    """Creates users, whose only identifier is the e-mail address."""

    @transaction.atomic
    def create_user(self, email: str, password: str | None = None, **fields: Any) -> User:
        """Create a user whose address counts as confirmed.

        Without a password the user must choose one by e-mail before signing in.
        """
        user = self.model(email=email.strip().lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> User:
        """Create an admin of the portal, for `manage.py createsuperuser`."""
        user = self.create_user(email, password, **fields)
        # Not in the same transaction: the event of the grant is written at the end of its own.
        admin_created.send(sender=self.model, user=user)
        user.refresh_from_db()
        return user

    def never_confirmed(self) -> models.QuerySet[User]:
        """Return the accounts whose address was never confirmed.

        Sign-up creates none now; an earlier version created one at each sign-up.
        """
        addresses = EmailAddress.objects.filter(user=OuterRef("pk"))
        return self.filter(
            Exists(addresses), ~Exists(addresses.filter(verified=True)), last_login=None
        )


class User(AbstractUser):
    """A user. An admin of the portal is a user with `is_staff`."""

    username = None  # type: ignore[assignment]  # the e-mail address identifies a user
    first_name = None  # type: ignore[assignment]
    last_name = None  # type: ignore[assignment]
    email = models.EmailField("e-mail address", unique=True)

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    objects = UserManager()  # type: ignore[misc,assignment]

    class Meta(AbstractUser.Meta):
        constraints = [
            # One spelling per address: otherwise A@x and a@x are two users with one mailbox.
            models.CheckConstraint(
                condition=models.Q(email=Lower("email")), name="user_email_is_lower_case"
            ),
        ]

    def __str__(self) -> str:
        return self.email

    @property
    def has_confirmed_email(self) -> bool:
        """Whether the user has confirmed the main address."""
        return self.has_confirmed(self.email)

    def has_confirmed(self, email: str) -> bool:
        """Return whether the user has confirmed this address.

        Anyone can enter another person's address; an unconfirmed address gives no access.
        """
        theirs = EmailAddress.objects.filter(user=self, email=email.lower(), verified=True)
        return bool(theirs.exists())

    def get_full_name(self) -> str:
        """Return the name of the user in sentences: the e-mail address."""
        return self.email

    get_short_name = get_full_name


class Tries(models.Model):
    """The number of attempts that one source made within the current window (`limits`)."""

    id = models.CharField(max_length=64, primary_key=True)
    number = models.PositiveIntegerField()
    ends_at = models.DateTimeField(db_index=True)

    class Meta:
        verbose_name_plural = "tries"

    def __str__(self) -> str:
        return f"{self.number} until {self.ends_at}"
