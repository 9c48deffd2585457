"""The person who signs in."""

from __future__ import annotations

from typing import Any, ClassVar

from allauth.account.models import EmailAddress
from django.conf import settings
from django.contrib.auth.models import AbstractUser, BaseUserManager
from django.db import models
from django.db.models.functions import Lower


class UserManager(BaseUserManager["User"]):
    """Creates people, who are told apart by their e-mail address alone."""

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> User:
        """Create a person; without a password they have to reset it before they can sign in."""
        user = self.model(email=email.strip().lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> User:
        """Create an admin of the portal, for `manage.py createsuperuser`."""
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)


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
        """Whether the address is known to be theirs, or was given by an admin (then it has no row).

        Anybody can sign up with anybody's address; until it is confirmed the account is nobody's.
        """
        if settings.ACCOUNT_EMAIL_VERIFICATION != "mandatory":
            return True
        return not EmailAddress.objects.filter(
            user=self, email__iexact=self.email, verified=False
        ).exists()

    def get_full_name(self) -> str:
        """Return what stands for the person in sentences: the e-mail address."""
        return self.email

    get_short_name = get_full_name
