"""The pages of the key policy: a rule is drafted, its effect shown, and it is saved."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.test import Client as Browser
from django.utils import timezone
from django.utils.html import strip_tags

from portal.registry.actions import draft_rule, save_rule
from portal.registry.actions.policy_rule import RuleValues
from portal.registry.models import Client, ClientKey, PolicyRule
from portal.registry.policy_survey import SURVEY, survey
from portal.work.models import Task
from tests.db.pages import text_of
from tests.keys import new_private_key, public_pem
from tests.paths import client_path

from .conftest import KeyMaker
from .test_keys import found

NEW = "/console/policy/new"


def work() -> None:
    """Do what is due, as a worker does."""
    for task in list(Task.objects.filter(kind=SURVEY.name)):
        survey(task, timezone.now())


def test_a_rule_is_seen_before_it_is_saved(
    admin: Browser, ask: Any, payments: Client, key: ClientKey, second: ClientKey
) -> None:
    until = (timezone.now() + timedelta(days=90)).date()
    given = {"name": "A year", "longest_days": "365", "replace_by": until.isoformat()}
    draft = admin.post(NEW, given)["Location"]
    page = text_of(admin.get(draft))
    assert "This rule is not saved." in page
    assert "Counting the keys outside the rule…" in page
    work()
    page = text_of(ask("admin", "get", draft, htmx=True))
    assert "1 client, 0 in use today, would be outside, with 2 keys." in strip_tags(page)
    number = draft.rpartition("/")[2]
    assert found(admin, outside=number) == [second.label, key.label]
    # Nobody is told about a draft.
    assert "outside" not in text_of(ask("dev", "get", client_path(payments)))
    admin.post(draft)
    settings_page = strip_tags(text_of(ask("dev", "get", client_path(payments))))
    assert "2 keys are outside the key policy." in settings_page
    assert (
        f"{key.label}: It has no end; at most 365 days are allowed. Replace it by" in settings_page
    )
    page = strip_tags(text_of(ask("dev", "get", f"{client_path(payments)}keys/{key.kid}/")))
    assert "This key is outside the key policy: A year." in page
    assert "It stays valid: the portal sets it no end." in page
    assert "A year" in text_of(admin.get("/console/policy/"))


def test_the_form_of_a_key_says_what_the_policy_needs(
    ask: Any, payments: Client, cast: SimpleNamespace
) -> None:
    values = RuleValues("x", timezone.now(), algorithms=["ES256"], longest_days=365)
    save_rule(draft_rule(values, by=cast.admin), by=cast.admin)
    page = ask("dev", "get", client_path(payments)).content.decode()
    assert "at most 365 days from now." in page
    # The guide creates only keys that are allowed.
    assert "ec_paramgen_curve:P-256" in page
    assert "rsa_keygen_bits" not in page.partition("How to create a key pair")[2]
    assert '<option value="PS256"' not in page
    until = timezone.now() + timedelta(days=365)
    assert f'value="{until:%Y-%m-%dT%H:%M}"' in page
    url = f"{client_path(payments)}keys/"
    form = {"material": public_pem(new_private_key("ES256")), "alg": "ES256", "label": "x"}
    refused = ask("dev", "post", url, form)
    assert refused.status_code == 422
    assert "This key would never expire. The key policy lets it live for at most" in text_of(
        refused
    )
    other_kind = ask("dev", "post", url, form | {"material": public_pem(new_private_key())})
    assert "Allowed algorithms: ES256. Create a key for ES256." in text_of(other_kind)
    assert ask("dev", "post", url, form | {"expires_at": f"{until:%Y-%m-%d}"}).status_code == 302


def test_a_client_is_exempted_and_a_rule_changed_and_ended(
    admin: Browser, payments: Client, cast: SimpleNamespace, make_keys: KeyMaker
) -> None:
    make_keys(payments, 1)
    values = RuleValues("A year", timezone.now(), longest_days=365)
    rule = save_rule(draft_rule(values, by=cast.admin), by=cast.admin)
    url = f"/console/policy/{rule.pk}"
    assert "No client has this client_id." in text_of(
        admin.post(f"{url}/exemptions", {"client": "nobody", "note": "x", "until": "2099-01-01"})
    )
    admin.post(
        f"{url}/exemptions",
        {"client": payments.client_id, "note": "Vendor", "until": "2099-01-01"},
    )
    assert "Vendor" in text_of(admin.get(url))
    assert found(admin, outside=str(rule.pk)) == []
    # It is in force, so its change begins at once.
    assert 'name="applies_from"' not in admin.get(NEW, {"replaces": str(rule.pk)}).text
    changed = admin.post(NEW, {"name": "Half", "longest_days": "180", "replaces": str(rule.pk)})
    assert "It will replace “A year”." in text_of(admin.get(changed["Location"]))
    admin.post(changed["Location"])
    [current] = PolicyRule.objects.current()
    assert (current.name, current.exemptions.count()) == ("Half", 1)
    admin.post(f"/console/policy/exemptions/{current.exemptions.get().pk}/end")
    admin.post(f"/console/policy/{current.pk}/end")
    assert not PolicyRule.objects.current().exists()


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"name": ""}, "Enter a name."),
        ({"name": "x"}, "This rule requires nothing."),
        ({"name": "x", "rsa_min_bits": "1"}, "The settings accept RSA keys from 2048 to 4096"),
        ({"name": "x", "longest_days": "-1"}, "greater than or equal to 1"),
        ({"name": "x", "confirmation": "on", "clients": "nobody"}, "No client has the client_id"),
        ({"name": "x", "confirmation": "on", "replace_by": "2020-01-01"}, "in the past"),
        ({"name": "x", "algorithms": "HS256"}, "“HS256” does not exist."),
        ({"name": "x\0", "confirmation": "on"}, "Null characters are not allowed."),
    ],
)
def test_what_a_rule_cannot_say(admin: Browser, given: dict[str, str], why: str) -> None:
    page = admin.post(NEW, given)
    assert page.status_code == 422
    assert why in text_of(page)


@pytest.mark.parametrize("number", ["0", "99", "9" * 18, "9" * 30, "x", "²"])
def test_a_rule_that_does_not_exist_is_not_found(admin: Browser, number: str) -> None:
    assert admin.get(NEW, {"replaces": number}).status_code == 404
    assert admin.get("/console/keys/", {"outside": number}).status_code == 422
