"""The adapter through which django-allauth calls the portal."""

from datetime import timedelta
from ipaddress import IPv6Address, IPv6Network, ip_address
from types import SimpleNamespace
from typing import Any, Final
from urllib.parse import urlsplit

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core import context as asked
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured, PermissionDenied, ValidationError
from django.core.validators import validate_email
from django.http import HttpRequest, HttpResponse
from django.utils.functional import lazy

from portal.accounts.limits import forget, give_back, wait_for, within_limit
from portal.accounts.mail import queue
from portal.accounts.models import User
from portal.accounts.sign_in_log import note_refused
from portal.accounts.sign_up import LIFE_S

_LIVES: Final = dict.fromkeys(
    [
        "account/email/email_confirmation",
        "account/email/email_confirmation_signup",
        # In place of a code, so that it is no sign that the address is known.
        "account/email/account_already_exists",
    ],
    timedelta(seconds=LIFE_S),
)
"""How long messages with a code are of use."""


def _too_many_attempts() -> str:
    return (
        "Too many attempts with this address or from your network. "
        f"Wait {wait_for('login_failed')}, then try again."
    )


class AccountAdapter(DefaultAccountAdapter):
    """Decides who may sign up, and words the error messages."""

    error_messages: dict[str, Any] = {
        **DefaultAccountAdapter.error_messages,
        "account_inactive": "This account is deactivated. An admin can reactivate it.",
        "duplicate_email": "Your account already has this address.",
        "email_taken": "Another account has this address.",
        "incorrect_code": "This is not the code that we sent. Check it and try again.",
        "max_email_addresses": "An account can have at most %d addresses. Remove one first.",
        "email_password_mismatch": (
            "The e-mail address or the password is incorrect. Check both, or reset your password."
        ),
        "incorrect_password": "The password is incorrect.",
        "enter_current_password": "The current password is incorrect.",
        # Lazy: the settings are not loaded when Python reads this class.
        "too_many_login_attempts": lazy(_too_many_attempts, str)(),
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:  # noqa: ARG002 - the library's signature
        """Return whether strangers may create an account (the setting SIGN_UP)."""
        return settings.SIGN_UP

    def clean_email(self, email: str) -> str:
        """Return the address; refuse control characters, which Django allows between quotes."""
        if not email.isprintable():
            raise ValidationError(validate_email.message)
        return email

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """Count the attempt as a failure; raise `ValidationError` beyond the limit.

        Counts by the e-mail address alone. The library counts by the Host header too, and a client
        can send any port in that header.
        """
        if not within_limit(request, "login_failed", key=credentials["email"]):
            note_refused("too_many_attempts")
            raise self.validation_error("too_many_login_attempts")

    def authenticate(self, request: HttpRequest, **credentials: Any) -> User | None:
        """Return the user with these credentials; None if the address was never confirmed."""
        user: User | None = super().authenticate(request, **credentials)
        if user is None:
            return None
        give_back(request, "login_failed", key=credentials["email"])
        if user.has_confirmed_email:
            return user
        # A user who has signed in before enters a code that is sent to their address.
        if not User.objects.never_confirmed().filter(pk=user.pk).exists():
            return user
        note_refused("never_confirmed", user)
        return None

    def authentication_failed(self, request: HttpRequest, **_credentials: Any) -> None:  # noqa: ARG002 - the library's signature
        """Note that nobody has this address with this password."""
        note_refused("address_or_password")

    def respond_user_inactive(self, request: HttpRequest, user: User) -> HttpResponse:
        """Note it, and answer a deactivated user who signs in."""
        note_refused("deactivated", user)
        response: HttpResponse = super().respond_user_inactive(request, user)
        return response

    def _delete_login_attempts_cached_email(self, request: HttpRequest, email: str) -> None:
        """Reset the count of failed sign-ins of a user who has set a new password."""
        forget(request, "login_failed", key=email)

    def get_client_ip(self, request: HttpRequest) -> str:
        """Return the client address that rate limits count by; for IPv6, its /64 network.

        A host with one address of a /64 can use all of them (RFC 6177). nginx counts the same way.
        Raises `PermissionDenied` if the request did not pass through all trusted proxies.
        """
        try:
            address = ip_address(super().get_client_ip(request))
        except ImproperlyConfigured:
            raise PermissionDenied(
                "X-Forwarded-For has fewer addresses than TRUSTED_PROXY_COUNT."
            ) from None
        if isinstance(address, IPv6Address):
            return str(address.ipv4_mapped or IPv6Network((int(address), 64), strict=False))
        return str(address)

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Queue a message whose links start with PUBLIC_URL, whatever the Host header says."""
        here = asked.request.build_absolute_uri("/")
        domain = urlsplit(settings.PUBLIC_URL).netloc
        own: dict[str, Any] = {
            "request": asked.request,
            "email": email,
            "current_site": SimpleNamespace(domain=domain, name=domain),
        }
        for name, value in context.items():
            if isinstance(value, str) and value.startswith(here):
                own[name] = f"{settings.PUBLIC_URL}/{value.removeprefix(here)}"
        queue(
            self.render_mail(template_prefix, email, {**context, **own}),
            life=_LIVES.get(template_prefix, timedelta(seconds=settings.PASSWORD_RESET_TIMEOUT)),
        )
