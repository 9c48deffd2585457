"""GET and POST …/keys/<kid>/edit/: another label, another expiry."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.utils import timezone

from portal.registry.actions import change_key, retire_key
from portal.registry.models import ClientKey
from tests.db.pages import text_of

GOOD = {"label": "Second", "expires_at": ""}


def test_a_developer_changes_label_and_expiry(
    ask: Any, paths: SimpleNamespace, key: ClientKey
) -> None:
    entered = f"{timezone.now() + timedelta(days=9):%Y-%m-%dT%H:%M}"
    given = {"label": "Second", "expires_at": entered}
    assert ask("dev", "post", paths.key_edit, given)["Location"] == paths.key
    key.refresh_from_db()
    assert key.label == "Second"
    assert f"{key.expires_at:%Y-%m-%dT%H:%M}" == entered
    assert f'value="{entered}"' in text_of(ask("dev", "get", paths.key_edit))
    assert ask("dev", "post", paths.key_edit, {"label": "Second", "expires_at": ""}, htmx=True)
    key.refresh_from_db()
    assert key.expires_at is None


def test_another_label_leaves_the_seconds_of_the_expiry(
    ask: Any, paths: SimpleNamespace, key: ClientKey, cast: SimpleNamespace
) -> None:
    exact = timezone.now() + timedelta(days=1, seconds=1)
    change_key(key, label="First", expires_at=exact, by=cast.dev)
    given = {"label": "Second", "expires_at": f"{exact:%Y-%m-%dT%H:%M}"}
    assert ask("dev", "post", paths.key_edit, given).status_code == 302
    key.refresh_from_db()
    assert (key.label, key.expires_at) == ("Second", exact)


@pytest.mark.parametrize(
    ("entered", "field", "said"),
    [
        ({"label": ""}, "label", "Enter a label"),
        ({"expires_at": "2020-01-01T00:00"}, "expires_at", "This expiry date is in the past"),
        ({"expires_at": "2099-01-01T00:00"}, "expires_at", "Choose an expiry date before"),
        ({"expires_at": "soon"}, "expires_at", "Enter a date and time like"),
    ],
)
def test_what_is_wrong_is_said_beside_its_field(
    ask: Any, paths: SimpleNamespace, key: ClientKey, entered: dict[str, str], field: str, said: str
) -> None:
    given = {"label": "Second", "expires_at": ""} | entered
    response = ask("dev", "post", paths.key_edit, given, htmx=True)
    assert response.status_code == 422
    assert said in text_of(response).split(f'id="id_{field}_error"')[1]
    key.refresh_from_db()
    assert key.label == "First"


def test_a_key_that_has_ended_has_no_form(
    ask: Any, paths: SimpleNamespace, key: ClientKey, cast: SimpleNamespace
) -> None:
    assert paths.key_edit in text_of(ask("dev", "get", paths.key))
    assert paths.key_edit not in text_of(ask("viewer", "get", paths.key))
    retire_key(key, grace=timedelta(0), by=cast.dev)
    assert paths.key_edit not in text_of(ask("dev", "get", paths.key))
    assert ask("dev", "post", paths.key_edit, GOOD)["Location"] == paths.key
    key.refresh_from_db()
    assert key.label == "First"
