"""Sessions of people who are signed in, each by a single statement."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.models import Session
from django.test import Client as Browser
from django.utils import timezone
from django.utils.crypto import get_random_string

from portal.accounts.models import User


def session_of(person: User) -> str:
    """Return the key of a new session that is signed in as the user."""
    values = {
        SESSION_KEY: str(person.pk),
        BACKEND_SESSION_KEY: settings.AUTHENTICATION_BACKENDS[0],
        HASH_SESSION_KEY: person.get_session_auth_hash(),
    }
    session = Session(
        session_key=get_random_string(32),
        session_data=Session.objects.encode(values),
        expire_date=timezone.now() + timedelta(hours=1),
    )
    Session.objects.bulk_create([session])
    return session.session_key


def sign_in(browser: Browser, person: User) -> None:
    """Sign the user in. Unlike `force_login`, which takes ten statements, it sends no signal."""
    browser.cookies[settings.SESSION_COOKIE_NAME] = session_of(person)
