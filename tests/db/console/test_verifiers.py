"""The console's list of verifiers."""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import reverse

from portal.registry.choices import Verb
from portal.registry.models import Event, Verifier
from tests.db.pages import text_of

PAGE = reverse("console_verifiers")


@pytest.mark.sqlite
def test_an_admin_adds_changes_and_removes_one(ask: Any) -> None:
    assert "Envoy jwt_authn" in text_of(ask("admin", "get", PAGE))
    ask("admin", "post", PAGE, {"name": "Our gateway", "keeps_s": "120", "looks_after_s": ""})
    added = Verifier.objects.get(name="Our gateway")
    assert (added.keeps_s, added.looks_after_s) == (120, None)
    one = reverse("console_verifier", args=[added.pk])
    ask("admin", "post", one, {"name": "Our gateway", "keeps_s": "60", "looks_after_s": "0"})
    added.refresh_from_db()
    assert (added.keeps_s, added.looks_after_s) == (60, 0)
    ask("admin", "post", one, {"remove": "1"})
    assert not Verifier.objects.filter(pk=added.pk).exists()
    assert Event.objects.filter(verb=Verb.CHANGE_VERIFIER).count() == 3


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({"name": ""}, "Enter a name."),
        ({"name": "envoy JWT_authn"}, "There is a verifier with this name."),
        ({"name": "New", "keeps_s": "-1"}, "greater than or equal to 0"),
        ({"name": "New", "keeps_s": "99999999999"}, "less than or equal to 2592000"),
    ],
)
def test_what_is_refused(ask: Any, form: dict[str, str], error: str) -> None:
    before = Verifier.objects.count()
    response = ask("admin", "post", PAGE, form)
    assert response.status_code == 422
    assert error in text_of(response)
    assert Verifier.objects.count() == before
