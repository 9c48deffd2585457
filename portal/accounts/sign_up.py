"""Sign-up: the code sent to an address, entered in the same session, creates the account.

Until then the sign-up is stored only in the session that started it. A row in the database would
keep the owner of the address from signing up. A link in the message would confirm the password
that the sender of the form chose.
"""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, replace
from typing import Final

from allauth.account.adapter import get_adapter
from allauth.account.models import EmailAddress
from allauth.core.internal.cryptokit import compare_user_code
from django.contrib.auth.hashers import make_password
from django.db import IntegrityError, transaction
from django.http import HttpRequest

from portal.accounts.models import User

ATTEMPTS: Final = 3
"""How many wrong codes end a sign-up."""

LIFE_S: Final = 15 * 60
"""How many seconds a code is good for."""

_KEY: Final = "sign_up"


class SignUpOver(Exception):  # noqa: N818 - it says what happened to the sign-up
    """The sign-up cannot continue; the message is a full sentence for the user."""


class WrongCode(Exception):  # noqa: N818 - it says what the code is
    """The code is not the one that was sent; another attempt is left."""


@dataclass(frozen=True, slots=True)
class PendingSignUp:
    """A sign-up whose code was not entered yet."""

    email: str
    password: str
    """Hashed, as it will be stored."""

    code: str
    """Empty if the address already has an account: then no code is right."""

    ends_at: float
    wrong_codes: int = 0


def begin(request: HttpRequest, *, email: str, password: str) -> None:
    """Send a code to the address and remember the sign-up in the session.

    For an address that has an account, the work and the response are the same; the message informs
    its owner.
    """
    adapter = get_adapter(request)
    code = adapter.generate_email_verification_code()
    hashed = make_password(password)
    if EmailAddress.objects.filter(email=email, verified=True).exists():
        code = ""
        adapter.send_account_already_exists_mail(email)
    else:
        adapter.send_mail("account/email/email_confirmation_signup", email, {"code": code})
    _keep(request, PendingSignUp(email, hashed, code, time.time() + LIFE_S))


def pending(request: HttpRequest) -> PendingSignUp | None:
    """Return the sign-up that this session started, or None if it has expired."""
    state = request.session.get(_KEY)
    found = PendingSignUp(**state) if state else None
    return found if found and time.time() < found.ends_at else None


def confirm(request: HttpRequest, code: str) -> User:
    """Create the account if the code is right. Raises `WrongCode` and `SignUpOver`."""
    found = pending(request)
    if found is None:
        raise SignUpOver("The code expired after 15 minutes. Sign up again.")
    if not compare_user_code(actual=code, expected=found.code):
        found = replace(found, wrong_codes=found.wrong_codes + 1)
        if found.wrong_codes < ATTEMPTS:
            _keep(request, found)
            raise WrongCode
        del request.session[_KEY]
        raise SignUpOver(f"You entered {ATTEMPTS} wrong codes. Sign up again.")
    del request.session[_KEY]
    try:
        return _make_account(found)
    except IntegrityError:
        message = f"{found.email} already has an account. Sign in."
        raise SignUpOver(message) from None


@transaction.atomic
def _make_account(found: PendingSignUp) -> User:
    make_way(found.email)
    user = User.objects.create_user(found.email)
    user.password = found.password
    user.save(update_fields=["password"])
    return user


def make_way(email: str) -> None:
    """Delete an unconfirmed account with this address, so that its owner can confirm it."""
    User.objects.never_confirmed().filter(email=email).delete()


def _keep(request: HttpRequest, found: PendingSignUp) -> None:
    request.session[_KEY] = asdict(found)
