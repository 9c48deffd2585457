"""What a client may ask for: changed by a verb, and what those keep that are there already."""

from __future__ import annotations

from datetime import timedelta
from importlib import import_module
from types import SimpleNamespace
from typing import Any

import pytest
from django.apps import apps
from django.db import IntegrityError, transaction
from django.utils import timezone
from pytest_django import Settings

from portal.registry.actions import change_rights
from portal.registry.choices import GrantType, Verb
from portal.registry.errors import UnfitInput
from portal.registry.models import (
    PORTAL,
    AccessToken,
    AuthorizationCode,
    Client,
    ClientKey,
    Event,
    RedeemedAssertion,
    RefreshToken,
)
from portal.registry.models.client import WITH_MORE
from tests.db.recorded_requests import accept

KEPT = import_module("portal.registry.migrations.0017_rights_kept")
API, OTHER = "https://api.example.com", "https://other.example.com/v1"
ALL = list(GrantType.values)


@pytest.fixture(autouse=True)
def _resources(settings: Settings) -> None:
    settings.RESOURCES = {API: "Accounts", OTHER: "Others"}


def change(client: Client, by: Any, **chosen: list[str]) -> Client:
    new: dict[str, list[str]] = {"scopes": ["read"], "grant_types": ALL, "resources": []}
    return change_rights(client, **new | chosen, by=by)


def test_a_new_client_has_the_first_scope_every_grant_type_and_no_resource(
    payments: Client,
) -> None:
    assert payments.allowed_scopes == ["read"]
    assert payments.allowed_grant_types == ALL
    assert payments.allowed_resources == []


def test_a_change_is_on_record_with_its_differences(
    payments: Client, cast: SimpleNamespace
) -> None:
    changed = change(
        payments,
        cast.admin,
        scopes=["write"],
        grant_types=["client_credentials"],
        resources=[OTHER, API],
    )
    assert changed.allowed_scopes == ["write"]
    assert changed.allowed_grant_types == ["client_credentials"]
    assert changed.allowed_resources == [API, OTHER]
    event = Event.objects.get(verb=Verb.CHANGE_RIGHTS)
    assert (event.actor, event.client) == (cast.admin, payments)
    assert event.detail == {
        "scopes": {"added": ["write"], "removed": ["read"], "after": ["write"]},
        "grant_types": {
            "added": [],
            "removed": ["authorization_code", "refresh_token"],
            "after": ["client_credentials"],
        },
        "resources": {"added": [API, OTHER], "removed": [], "after": [API, OTHER]},
    }


def test_saying_again_what_stands_records_nothing(payments: Client, cast: SimpleNamespace) -> None:
    change(payments, cast.admin)
    change(payments, cast.admin, scopes=["write", "read"])
    change(payments, cast.admin, scopes=["read", "write"])
    assert Event.objects.filter(verb=Verb.CHANGE_RIGHTS).count() == 1


def test_back_to_what_a_new_client_may_is_nothing_special(
    payments: Client, other: Client, cast: SimpleNamespace
) -> None:
    change(payments, cast.admin, scopes=["read", "write"], resources=[API])
    change(other, cast.admin, grant_types=[])
    assert list(Client.objects.filter(WITH_MORE)) == [payments]
    change(payments, cast.admin)
    assert not Client.objects.filter(WITH_MORE).exists()


@pytest.mark.parametrize(
    "chosen",
    [
        {"scopes": []},
        {"scopes": ["read", "everything"]},
        {"grant_types": ["password"]},
        {"resources": ["https://elsewhere.example.com"]},
    ],
)
def test_what_does_not_exist_is_refused(
    payments: Client, cast: SimpleNamespace, chosen: dict[str, list[str]]
) -> None:
    with pytest.raises(UnfitInput) as refused:
        change(payments, cast.admin, **chosen)
    assert [refused.value.field] == list(chosen)
    payments.refresh_from_db()
    assert not Event.objects.filter(verb=Verb.CHANGE_RIGHTS).exists()


def test_what_is_taken_out_of_the_settings_is_allowed_to_nobody(
    payments: Client, cast: SimpleNamespace, settings: Settings
) -> None:
    client = change(payments, cast.admin, scopes=["read", "write"], resources=[API, OTHER])
    settings.SCOPES = {"read": "See"}
    settings.RESOURCES = {OTHER: "Others"}
    assert (client.allowed_scopes, client.allowed_resources) == (["read"], [OTHER])


@pytest.mark.parametrize(
    "columns",
    [
        {"scopes": []},
        {"grant_types": ["password"]},
        {"grant_types": ["refresh_token", "client_credentials"]},
        {"grant_types": ALL},
        {"grant_types": "client_credentials"},
    ],
)
def test_the_database_refuses_what_no_verb_writes(
    payments: Client, columns: dict[str, object]
) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        Client.objects.filter(pk=payments.pk).update(**columns)


@pytest.mark.parametrize("grant_types", [[], ["client_credentials"], ALL[:2], ALL[1:]])
def test_the_database_takes_some_of_the_grant_types(
    payments: Client, grant_types: list[str]
) -> None:
    Client.objects.filter(pk=payments.pk).update(grant_types=grant_types)
    payments.refresh_from_db()
    assert payments.grant_types == grant_types


def kept(client: Client) -> tuple[object, object, object]:
    """What the migration left, and the detail of its event if there is one."""
    KEPT.keep_what_was_used(apps, None)
    client.refresh_from_db()
    events = Event.objects.filter(verb=Verb.CHANGE_RIGHTS, client=client)
    assert all(event.actor is PORTAL for event in events)
    return client.scopes, client.resources, [event.detail for event in events]


def token(key: ClientKey, scope: str, *, days: int = 0, **more: Any) -> AccessToken:
    made: AccessToken = AccessToken.objects.create(
        application=key.client,
        key=key,
        token=scope,
        token_checksum=f"{AccessToken.objects.count():064d}",
        scope=scope,
        expires=timezone.now() - timedelta(days=days),
        **more,
    )
    AccessToken.objects.filter(pk=made.pk).update(created=timezone.now() - timedelta(days=days))
    return made


def test_a_client_keeps_the_scopes_and_resources_of_its_tokens(key: ClientKey) -> None:
    token(key, "read", days=1)
    token(key, "write gone", days=29, resource=[API])
    more = {"added": ["write"], "removed": []}
    resources = {"added": [API], "removed": []}
    assert kept(key.client) == (
        ["read", "write"],
        [API],
        [{"scopes": more, "resources": resources}],
    )


def test_a_client_keeps_no_more_than_it_used(key: ClientKey) -> None:
    token(key, "read", days=1)
    token(key, "write", days=31, resource=[API])
    assert kept(key.client) == (None, None, [])


def test_what_stands_in_a_live_refresh_token_is_kept_however_old(key: ClientKey) -> None:
    for scope, revoked in (("read", timezone.now()), ("write", None)):
        RefreshToken.objects.create(
            application=key.client,
            user=key.registered_by,
            key=key,
            token=scope,
            access_token=token(key, scope, days=80),
            revoked=revoked,
        )
    changes = {"scopes": {"added": ["write"], "removed": ["read"]}}
    assert kept(key.client) == (["write"], None, [changes])


def test_what_stands_in_a_code_is_kept(key: ClientKey) -> None:
    AuthorizationCode.objects.create(
        application=key.client,
        user=key.registered_by,
        code="x",
        expires=timezone.now(),
        redirect_uri="https://app.example.com",
        scope="read write",
    )
    assert kept(key.client)[0] == ["read", "write"]


@pytest.mark.parametrize(("days", "scopes"), [(29, ["read", "write"]), (31, None)])
def test_who_signed_in_and_has_no_token_left_keeps_every_scope(
    key: ClientKey, days: int, scopes: list[str] | None
) -> None:
    """What it used is not recorded, and a client that works goes on working."""
    accept(key, 1, ago=timedelta(days=days))
    assert RedeemedAssertion.objects.exists()
    assert kept(key.client)[:2] == (scopes, None)
