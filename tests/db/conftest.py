"""The users, clients and keys of the tests that need the database.

alice owns `payments`, dev develops it, viewer looks at it; bob owns `other`; admin runs the portal;
stranger has only an account.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from types import SimpleNamespace

import pytest
from django.db.models import Model
from django.http import HttpResponse
from django.test import Client as Browser

from portal.accounts.models import User
from portal.registry.actions import create_client
from portal.registry.choices import Role
from portal.registry.models import Client, ClientKey
from tests.db.oauth.token_requests import Signer, new_signer
from tests.db.pages import check_page
from tests.db.snapshots import Snapshots, Steps
from tests.keys import PrivateKey, new_private_key, public_pem, reused_rsa_keys
from tests.registering import add_member, register_pem
from tests.sessions import sign_in
from tests.triggers import flush_past_the_triggers

__all__ = ["flush_past_the_triggers"]

Ask = Callable[..., HttpResponse]


@pytest.fixture(scope="session", autouse=True)
def _reused_rsa_keys() -> Iterator[None]:
    with reused_rsa_keys():
        yield


@pytest.fixture(scope="session")
def snapshots() -> Snapshots:
    """The rows that the fixtures below have created so far."""
    return Snapshots()


@pytest.fixture
def steps(snapshots: Snapshots, db: None) -> Steps:
    """The fixtures below that this test has used."""
    return snapshots.begin()


@pytest.fixture
def cast(steps: Steps) -> SimpleNamespace:
    """The users, each with the password "correct horse battery"."""

    def build() -> dict[str, Model]:
        return {
            name: User.objects.create_user(
                f"{name}@example.com", "correct horse battery", is_staff=name == "admin"
            )
            for name in ("alice", "dev", "viewer", "bob", "stranger", "admin")
        }

    return SimpleNamespace(**steps.make("cast", build))


@pytest.fixture
def nobody_is_admin(cast: SimpleNamespace) -> None:
    """Withdraw the rights of the cast's admin, which no event records. Actions do not need them."""
    User.objects.filter(pk=cast.admin.pk).update(is_staff=False)


@pytest.fixture
def payments(steps: Steps, cast: SimpleNamespace) -> Client:
    """The client of alice (owner), dev (developer) and viewer."""

    def build() -> dict[str, Model]:
        client = create_client(name="Payments", contacts=["team@example.com"], by=cast.alice)
        add_member(client, email="dev@example.com", role=Role.DEVELOPER, by=cast.alice)
        add_member(client, email="viewer@example.com", role=Role.VIEWER, by=cast.alice)
        return {"payments": client}

    client: Client = steps.make("payments", build)["payments"]
    return client


@pytest.fixture
def other(steps: Steps, cast: SimpleNamespace) -> Client:
    """The client of bob."""
    build = partial(create_client, name="Other", by=cast.bob)
    client: Client = steps.make("other", lambda: {"other": build()})["other"]
    return client


@pytest.fixture
def key(steps: Steps, payments: Client, cast: SimpleNamespace) -> ClientKey:
    """A live EdDSA key of `payments`."""

    def build() -> dict[str, Model]:
        material = public_pem(new_private_key())
        key = register_pem(payments, material=material, alg="EdDSA", label="First", by=cast.dev)
        return {"key": key}

    key: ClientKey = steps.make("key", build)["key"]
    return key


@pytest.fixture
def second(payments: Client, cast: SimpleNamespace) -> ClientKey:
    """Another live key of `payments`."""
    material = public_pem(new_private_key())
    return register_pem(payments, material=material, alg="EdDSA", label="Second", by=cast.dev)


@pytest.fixture(scope="session")
def private_of_signer() -> PrivateKey:
    """The private key of `signer`."""
    return new_private_key("ES256")


@pytest.fixture
def signer(
    steps: Steps, payments: Client, cast: SimpleNamespace, private_of_signer: PrivateKey
) -> Signer:
    """`payments`, which signs in with a key of its own."""

    def build() -> dict[str, Model]:
        made = new_signer(payments, cast.alice, private=private_of_signer)
        return {"signer": made.key}

    key: ClientKey = steps.make("signer", build)["signer"]
    payments.refresh_from_db()
    return Signer(payments, key, private_of_signer)


@pytest.fixture
def browser_of(cast: SimpleNamespace) -> object:
    """A function from a name of the cast to a Django test client signed in as that user."""

    def open_browser(name: str | None) -> Browser:
        browser = Browser(enforce_csrf_checks=False)
        if name:
            sign_in(browser, getattr(cast, name))
        return browser

    return open_browser


@pytest.fixture
def ask(browser_of: Callable[[str | None], Browser]) -> Ask:
    """A function that sends one request as a user and checks what all pages have in common.

    `ask("dev", "get", url, {…}, htmx=True)`; None sends an anonymous request.
    """

    def send(
        who: str | None, method: str, url: str, data: object = None, *, htmx: bool = False
    ) -> HttpResponse:
        headers = {"HX-Request": "true"} if htmx else {}
        response = getattr(browser_of(who), method)(url, data, headers=headers)
        check_page(response)
        assert isinstance(response, HttpResponse)
        return response

    return send
