"""Invitations: a message with a link to choose a password."""

from __future__ import annotations

from datetime import timedelta

from allauth.account.forms import default_token_generator
from allauth.account.utils import user_pk_to_url_str
from django.conf import settings
from django.core.mail import EmailMessage
from django.template.loader import render_to_string
from django.urls import reverse

from portal.accounts.mail import queue
from portal.accounts.models import User


def send_invitation(user: User, *, by: str) -> None:
    """Let a worker send a user the link to choose their password.

    The message names the inviter, `by`.
    """
    life = timedelta(seconds=settings.PASSWORD_RESET_TIMEOUT)
    context = {
        "by": by,
        "url": password_url(user),
        "days": life.days,
        "portal": settings.PUBLIC_URL,
    }
    subject = render_to_string("account/email/invitation_subject.txt").strip()
    body = render_to_string("account/email/invitation_message.txt", context)
    queue(EmailMessage(subject, body, to=[user.email]), life=life)


def password_url(user: User) -> str:
    """Return the link at which the user can choose a password."""
    key = {"uidb36": user_pk_to_url_str(user), "key": default_token_generator.make_token(user)}
    return settings.PUBLIC_URL + reverse("account_reset_password_from_key", kwargs=key)
