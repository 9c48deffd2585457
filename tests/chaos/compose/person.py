"""Somebody who signs in through nginx and registers keys."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from tests.chaos.compose.site import Site, check
from tests.ops.demo import Browser

EMAIL, PASSWORD = "ann@example.com", "correct horse battery"
MAKE_PERSON = """
from allauth.account.models import EmailAddress
from portal.accounts.models import User
person = User.objects.create_user({email!r}, {password!r})
EmailAddress.objects.update_or_create(
    user=person, email=person.email, defaults=dict(verified=True, primary=True))
"""


@dataclass
class Person:
    """Somebody who is signed in and registers keys."""

    browser: Browser
    client_id: str
    acknowledged: set[str] = field(default_factory=set)

    def register(self, pem: str, label: str) -> str:
        """Register a key by the form; return its kid once the portal has acknowledged it."""
        path = f"/clients/{self.client_id}/"
        fields = {"material": pem, "alg": "ES256", "label": label}
        page = self.browser.fill_in(path, to=f"{path}keys/", **fields)
        found: list[str] = re.findall(r"/keys/([\w-]{43})/", page)
        new = set(found) - self.acknowledged
        check(len(new) == 1, f"One more key is on the page after it was registered: {new}")
        self.acknowledged |= new
        (kid,) = new
        return kid


def sign_in(site: Site) -> Person:
    """Make somebody, sign in through nginx and make a client."""
    site.do(
        *("exec", site.container("portal-1"), "/app/entry", "shell", "--command"),
        MAKE_PERSON.format(email=EMAIL, password=PASSWORD),
    )
    browser = Browser(site.url)
    # The environment may name other authorities, and requests would rather take those.
    browser.trust_env, browser.verify = False, site.certificate
    browser.fill_in("/account/login/", login=EMAIL, password=PASSWORD)
    browser.fill_in("/clients/new/", name="Payments")
    found = re.search(r"/clients/([\w-]+)/", browser.page.url)
    check(found, f"Somebody who has signed in makes a client: {browser.page.url}")
    assert found
    return Person(browser, found[1])
