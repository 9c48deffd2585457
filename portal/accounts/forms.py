"""Forms of django-allauth that the portal extends."""

from __future__ import annotations

from typing import Any

from allauth.account import forms
from allauth.account.adapter import get_adapter
from allauth.account.models import EmailAddress
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.core.ratelimit import respond_429
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from portal.accounts import sign_up
from portal.accounts.limits import within_limit
from portal.accounts.models import User


class SignUpForm(forms.SignupForm):
    """Starts a sign-up; confirming the address creates the account."""

    def try_save(self, request: HttpRequest) -> tuple[None, HttpResponse]:
        """Return no user yet, and the response that asks for the code."""
        email, password = self.cleaned_data["email"], self.cleaned_data["password1"]
        if not within_limit(request, "sign_up_mail", key=email):
            return None, respond_429(request)
        sign_up.begin(request, email=email, password=password)
        return None, redirect("account_confirm_sign_up")


class ResetPasswordForm(forms.ResetPasswordForm):
    """Sends a link only to users who have confirmed the address."""

    users: list[User]

    def clean_email(self) -> str:
        """Return the address, and set `users` to the users who confirmed it."""
        email: str = super().clean_email()
        self.users = [user for user in self.users if user.has_confirmed(email)]
        return email

    def save(self, request: HttpRequest, **kwargs: Any) -> str:
        """Send the link and return the address; answer 429 beyond the limit."""
        if not within_limit(request, "reset_password", key=self.cleaned_data["email"]):
            raise ImmediateHttpResponse(respond_429(request))
        email: str = super().save(request, **kwargs)
        return email


class ConfirmEmailForm(forms.ConfirmEmailVerificationCodeForm):
    """Takes the code that was sent to an additional address of a signed-in user."""

    def clean_code(self) -> str:
        """Return the code; a correct one deletes an unconfirmed account with the same address.

        Checks the number of addresses again, because several sessions may each await a code.
        """
        forms.BaseConfirmCodeForm.clean_code(self)
        sign_up.make_way(self.email)
        addresses = EmailAddress.objects
        is_new = not addresses.filter(user=self.user, email=self.email).exists()
        if is_new and not addresses.can_add_email(self.user):
            limit = settings.ACCOUNT_MAX_EMAIL_ADDRESSES
            raise get_adapter().validation_error("max_email_addresses", limit)
        code: str = super().clean_code()
        return code
