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
from portal.accounts.password_reset import request_reset


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
    """Asks for the address of an account. It does the same for every address."""

    def clean_email(self) -> str:
        """Return the address, without looking it up."""
        email: str = get_adapter().clean_email(self.cleaned_data["email"])
        return email

    def save(self, request: HttpRequest, **_: Any) -> str:
        """Request the link and return the address; answer 429 beyond the limit."""
        email: str = self.cleaned_data["email"]
        if not within_limit(request, "reset_password", key=email):
            raise ImmediateHttpResponse(respond_429(request))
        request_reset(email)
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
