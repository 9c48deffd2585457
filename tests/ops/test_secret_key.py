"""SECRET_KEY is replaced in three steps, while two portals serve that are restarted in turn."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from django.contrib.auth.tokens import default_token_generator
from django.test import override_settings

from portal.accounts.models import User
from tests.interop.databases import own_server
from tests.ops.demo import Browser
from tests.ops.serving import Serving, serve
from tests.ops.test_settings import read

OLD, NEW = "the-old-key-" * 5, "the-new-key-" * 5
STEPS = {
    "before": {"SECRET_KEY": OLD},
    "first": {"SECRET_KEY": OLD, "SECRET_KEY_FALLBACKS": NEW},
    "second": {"SECRET_KEY": NEW, "SECRET_KEY_FALLBACKS": OLD},
    "third": {"SECRET_KEY": NEW},
}
EMAIL, PASSWORD = "ann@example.com", "correct horse battery"
SET_UP = f"""
from portal.accounts.models import User
User.objects.create_user({EMAIL!r}, {PASSWORD!r}, is_staff=True)
"""


@pytest.fixture(scope="module")
def portals(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Serving]]:
    """A portal as it is after each step, all on one database."""
    with ExitStack() as stack:
        database = stack.enter_context(own_server())
        made = {
            name: stack.enter_context(
                serve(database.url, tmp_path_factory.mktemp(name), GRANIAN_WORKERS="1", **keys)
            )
            for name, keys in STEPS.items()
        }
        made["before"].do(SET_UP)
        yield made


def stays_signed_in(one: Serving, other: Serving) -> bool:
    """Sign in at one portal; tell whether the other takes the session, and one takes it back."""
    browser = Browser(f"http://127.0.0.1:{one.port}")
    browser.fill_in("/account/login/", login=EMAIL, password=PASSWORD)
    assert browser.page.ok
    found = []
    for portal in (one, other, one):
        # A cookie is for all ports of a host.
        browser.url = f"http://127.0.0.1:{portal.port}"
        browser.open("/clients/")
        found.append("/account/login/" not in browser.page.url)
    assert found[0]
    return all(found)


def keys_of(step: str) -> override_settings:
    """Return a block in which this process has the keys of a portal after this step."""
    found = read(**STEPS[step])
    return override_settings(
        SECRET_KEY=found.SECRET_KEY, SECRET_KEY_FALLBACKS=found.SECRET_KEY_FALLBACKS
    )


def takes_the_link(one: str, other: str) -> bool:
    """Tell whether a link in an e-mail that one portal has sent is good at the other."""
    person = User(pk=1, email=EMAIL)
    with keys_of(one):
        link = default_token_generator.make_token(person)
    with keys_of(other):
        return default_token_generator.check_token(person, link)


@pytest.mark.parametrize(
    "names", [("before", "first"), ("first", "second"), ("second", "third")], ids="-".join
)
def test_during_each_step_both_portals_take_what_either_signs(
    names: tuple[str, str], portals: dict[str, Serving]
) -> None:
    for one, other in (names, reversed(names)):
        assert stays_signed_in(portals[one], portals[other])
        assert takes_the_link(one, other)


def test_without_the_first_step_people_are_signed_out(portals: dict[str, Serving]) -> None:
    assert not stays_signed_in(portals["second"], portals["before"])
    assert not takes_the_link("second", "before")


def test_after_the_third_step_the_old_key_opens_nothing() -> None:
    assert not takes_the_link("before", "third")
