"""Pages that django-allauth does not have."""

from __future__ import annotations

from allauth.account.adapter import get_adapter
from allauth.account.forms import BaseConfirmCodeForm
from allauth.account.utils import perform_login
from allauth.account.views import email_verification_sent
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from portal.accounts import sign_up


class SignUpCodeForm(BaseConfirmCodeForm):
    """Takes the code of a sign-up, which `sign_up.confirm` compares."""

    def clean_code(self) -> str:
        """Return the code as typed."""
        typed: str = self.cleaned_data["code"]
        return typed


@login_not_required
@require_http_methods(["GET", "HEAD", "POST"])
def confirm_sign_up(request: HttpRequest) -> HttpResponse:
    """Ask for the code of a sign-up, then create the account and sign its owner in."""
    pending = sign_up.pending(request)
    if pending is None:
        return redirect("account_signup")
    form = SignUpCodeForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            user = sign_up.confirm(request, form.cleaned_data["code"])
        except sign_up.WrongCode:
            form.add_error("code", "This is not the code that we sent. Check it and try again.")
        except sign_up.SignUpOver as over:
            messages.error(request, str(over))
            return redirect("account_signup")
        else:
            response: HttpResponse = perform_login(request, user)
            return response
    context = {"form": form, "email": pending.email}
    status = 422 if form.is_bound else 200
    return render(request, "account/confirm_email_verification_code.html", context, status=status)


@login_not_required
def confirm_email(request: HttpRequest) -> HttpResponse:
    """Ask for the code that was sent to an additional address, then add the address.

    The library checks that no other account has the address, then adds it. If two users confirm it
    at the same time, the database refuses the second.
    """
    try:
        with transaction.atomic():
            response: HttpResponse = email_verification_sent(request)
    except IntegrityError:
        messages.error(request, str(get_adapter(request).error_messages["email_taken"]))
        return redirect("account_email")
    return response
