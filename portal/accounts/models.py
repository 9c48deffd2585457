"""The person who signs in."""

from __future__ import annotations

from typing import Any, ClassVar

from allauth.account.models import EmailAddress
from django.contrib.auth.models import AbstractUser, BaseUserManager
from django.db import models, transaction
from django.db.models import Exists, OuterRef
from django.db.models.functions import Lower


class UserManager(BaseUserManager["User"]):
    """Creates people, who are told apart by their e-mail address alone."""

    @transaction.atomic
    def create_user(self, email: str, password: str | None = None, **fields: Any) -> User:
        """Create a person whose address is known to be theirs.

        Without a password they have to choose one by e-mail before they can sign in.
        """
        user = self.model(email=email.strip().lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> User:
        """Create an admin of the portal, for `manage.py createsuperuser`."""
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)

    def never_confirmed(self) -> models.QuerySet[User]:
        """Return the accounts that were made for an address that nobody has confirmed since.

        This version makes none; one before it did at each sign-up.
        """
        addresses = EmailAddress.objects.filter(user=OuterRef("pk"))
        return self.filter(
            Exists(addresses), ~Exists(addresses.filter(verified=True)), last_login=None
        )


class User(AbstractUser):
    """A person. An admin of the portal is a person with `is_staff`."""

    username = None  # type: ignore[assignment]  # people are told apart by e-mail address
    first_name = None  # type: ignore[assignment]
    last_name = None  # type: ignore[assignment]
    email = models.EmailField("e-mail address", unique=True)

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    objects = UserManager()  # type: ignore[misc,assignment]

    class Meta(AbstractUser.Meta):
        constraints = [
            # One spelling an address: otherwise A@x and a@x are two people with one mailbox.
            models.CheckConstraint(
                condition=models.Q(email=Lower("email")), name="user_email_is_lower_case"
            ),
        ]

    def __str__(self) -> str:
        return self.email

    @property
    def has_confirmed_email(self) -> bool:
        """Whether the main address is known to be theirs."""
        return self.has_confirmed(self.email)

    def has_confirmed(self, email: str) -> bool:
        """Return whether this address is known to be theirs.

        Anybody can write down anybody's address; until it is confirmed it opens nothing.
        """
        theirs = EmailAddress.objects.filter(user=self, email=email.lower(), verified=True)
        return bool(theirs.exists())

    def get_full_name(self) -> str:
        """Return what stands for the person in sentences: the e-mail address."""
        return self.email

    get_short_name = get_full_name


class Tries(models.Model):
    """How often one caller has tried one thing within the present window of time (`limits`)."""

    id = models.CharField(max_length=64, primary_key=True)
    number = models.PositiveIntegerField()
    ends_at = models.DateTimeField(db_index=True)

    class Meta:
        verbose_name_plural = "tries"

    def __str__(self) -> str:
        return f"{self.number} until {self.ends_at}"
