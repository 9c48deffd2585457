"""What the sign-in library asks of us."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.conf import settings
from django.http import HttpRequest
from django.utils.functional import lazy

from portal.accounts.limits import wait_for


def _too_many_attempts() -> str:
    return (
        "There were too many attempts with this address or from your network. "
        f"Please wait {wait_for('login_failed')}, then try again."
    )


class AccountAdapter(DefaultAccountAdapter):
    """Decides who may sign up, and says what goes wrong in the portal's own words."""

    error_messages: dict[str, Any] = {
        **DefaultAccountAdapter.error_messages,
        "account_inactive": "This account is switched off. An admin can switch it on again.",
        "email_password_mismatch": (
            "This e-mail address and password do not belong together. "
            "Please check both, or reset your password."
        ),
        "incorrect_password": "This is not your password.",
        "enter_current_password": "This is not your current password.",
        # Asked for late: what the setting says is not known when this class is read.
        "too_many_login_attempts": lazy(_too_many_attempts, str)(),
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:  # noqa: ARG002 - the library's signature
        """Return whether strangers may create an account (the setting SIGN_UP)."""
        return settings.SIGN_UP
