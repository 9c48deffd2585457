"""What the sign-in library asks of us."""

from allauth.account.adapter import DefaultAccountAdapter
from django.conf import settings
from django.http import HttpRequest


class AccountAdapter(DefaultAccountAdapter):
    """Decides who may sign up."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:  # noqa: ARG002 - the library's signature
        """Return whether strangers may create an account (the setting SIGN_UP)."""
        return settings.SIGN_UP
