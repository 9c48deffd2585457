"""Who may do what, as one table."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from pytest_django import Settings

from portal.registry import permissions
from portal.registry.choices import Role
from portal.registry.models import Client

PEOPLE = ("alice", "dev", "viewer", "bob", "stranger", "admin")


@pytest.mark.parametrize(
    ("rule", "allowed"),
    [
        (permissions.can_change_keys, {"alice", "dev"}),
        (permissions.can_revoke_keys, {"alice", "dev", "admin"}),
        (permissions.can_change_client, {"alice"}),
    ],
)
def test_a_rule_of_a_client(
    payments: Client, other: Client, cast: SimpleNamespace, rule: object, allowed: set[str]
) -> None:
    assert callable(rule)
    assert {name for name in PEOPLE if rule(getattr(cast, name), payments)} == allowed


def test_only_admins_use_the_console(cast: SimpleNamespace) -> None:
    assert {n for n in PEOPLE if permissions.can_use_console(getattr(cast, n))} == {"admin"}


@pytest.mark.parametrize(("open_to_all", "allowed"), [("yes", set(PEOPLE)), ("", {"admin"})])
def test_creating_clients_can_be_kept_to_admins(
    cast: SimpleNamespace, settings: Settings, open_to_all: str, allowed: set[str]
) -> None:
    settings.CLIENT_CREATION = bool(open_to_all)
    assert {n for n in PEOPLE if permissions.can_create_client(getattr(cast, n))} == allowed


def test_a_person_sees_the_clients_they_belong_to(
    payments: Client, other: Client, cast: SimpleNamespace
) -> None:
    seen = {name: set(Client.objects.visible_to(getattr(cast, name))) for name in PEOPLE}
    assert seen == {
        "alice": {payments},
        "dev": {payments},
        "viewer": {payments},
        "bob": {other},
        "stranger": set(),
        "admin": {payments, other},
    }


def test_a_role_is_told_by_client(payments: Client, other: Client, cast: SimpleNamespace) -> None:
    assert permissions.role_of(cast.alice, payments) == Role.OWNER
    assert permissions.role_of(cast.alice, other) is None
