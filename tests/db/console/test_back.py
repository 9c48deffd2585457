"""Each action of a list returns to the list as it was filtered, sorted and paged."""

from __future__ import annotations

import re
from html import unescape
from types import SimpleNamespace
from urllib.parse import urlencode

import pytest
from django.test import Client as Browser

from portal.registry.actions import suspend_client
from portal.registry.models import Client, ClientKey

LIST = "/console/clients/?q=Pay&only=more&before=99"
BACK = urlencode({"back": "q=Pay&only=more&before=99"})


@pytest.mark.parametrize("action", ["suspension", "resumption", "owner", "rights"])
def test_the_page_of_an_action_leads_back(action: str, admin: Browser, payments: Client) -> None:
    page = admin.get(f"/console/clients/{payments.client_id}/{action}?{BACK}").content.decode()
    assert f'href="{LIST}"' in unescape(page)


def test_a_client_s_actions_return_to_the_list(
    admin: Browser, payments: Client, cast: SimpleNamespace
) -> None:
    for action, form in {"suspension": {"note": "Audit"}, "resumption": {}}.items():
        path = f"/console/clients/{payments.client_id}/{action}"
        fields = dict(re.findall(r'name="(back)" value="([^"]*)"', _page(admin, f"{path}?{BACK}")))
        assert admin.post(path, fields | form)["Location"] == LIST


def test_rows_lead_to_actions_that_know_the_list(
    admin: Browser, payments: Client, key: ClientKey, cast: SimpleNamespace
) -> None:
    suspend_client(payments, note="Audit", by=cast.admin)
    page = _page(admin, "/console/clients/?q=Pay&only=suspended")
    back = urlencode({"back": "q=Pay&only=suspended"})
    assert f"/resumption?{back}" in page
    assert f"/rights?{back}" in page
    page = _page(admin, "/console/keys/?alg=EdDSA&age=week")
    assert 'name="back" value="alg=EdDSA&age=week"' in page


@pytest.mark.parametrize("odd", ["//evil.example", "https://evil.example/", "x" * 9000, "a\0"])
def test_the_way_back_stays_in_the_console(odd: str, admin: Browser, payments: Client) -> None:
    path = f"/console/clients/{payments.client_id}/suspension"
    answer = admin.post(path, {"note": "Audit", "back": odd})
    assert answer.status_code in {302, 400, 422}
    if answer.status_code == 302:
        assert answer["Location"].startswith("/console/clients/?")


def _page(admin: Browser, path: str) -> str:
    return unescape(admin.get(path).content.decode())
