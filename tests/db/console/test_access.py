"""The console is there for admins only, and nobody else learns of it."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace

import pytest
from django.test import Client as Browser
from django.urls import reverse

from portal.registry.models import Client, ClientKey
from tests.sessions import sign_in

SHA256 = "ab" * 32
READ = ("GET", "HEAD")
BOTH = ("GET", "HEAD", "POST")
WRITE = ("POST",)
OF_A_ROW = {"console_job", "console_job_cancellation", "console_rule", "console_rule_end"}
OF_A_ROW |= {"console_rule_exemptions", "console_exemption_end", "console_verifier"}
"""Pages that need a job, a rule or a verifier: test_matrix.py tries them."""
ENDPOINTS = {
    "console": READ,
    "console_keys": BOTH,
    "console_keys_export": READ,
    "console_key_revocation": BOTH,
    "console_clients": READ,
    "console_client_rights": BOTH,
    "console_client_suspension": BOTH,
    "console_client_resumption": BOTH,
    "console_client_owner": BOTH,
    "console_policy": READ,
    "console_rule_new": BOTH,
    "console_verifiers": BOTH,
    "console_events": READ,
    "console_events_export": READ,
    "console_refused": READ,
    "console_key_job": WRITE,
    "console_client_job": WRITE,
    "console_jobs": READ,
    "console_retry": WRITE,
    "console_blocked": BOTH,
    "console_blocked_key": BOTH,
}
BrowserOf = Callable[[str | None], Browser]


def path_of(name: str, client: Client) -> str:
    """Return the path of the endpoint, for this client where it is about one."""
    if name.startswith("console_client_") and name != "console_client_job":
        return reverse(name, args=[client.client_id])
    return reverse(name, args=[SHA256] if name == "console_blocked_key" else [])


def test_every_endpoint_is_tried_here() -> None:
    from portal.console.urls import urlpatterns  # noqa: PLC0415 - needs Django's apps

    assert {pattern.name for pattern in urlpatterns} == set(ENDPOINTS) | OF_A_ROW


@pytest.mark.parametrize("method", ["get", "post"])
def test_who_is_not_signed_in_is_sent_to_sign_in(
    method: str, browser_of: BrowserOf, payments: Client
) -> None:
    for name in ENDPOINTS:
        answer = getattr(browser_of(None), method)(path_of(name, payments))
        assert answer.status_code == 302, name
        assert answer.url.startswith(reverse("account_login")), name


@pytest.mark.parametrize("who", ["stranger", "alice", "dev", "viewer", "bob"])
def test_who_is_no_admin_gets_the_answer_of_a_path_that_does_not_exist(
    who: str, browser_of: BrowserOf, payments: Client
) -> None:
    browser = browser_of(who)
    nowhere = _without_tokens(browser.get("/console/nowhere").content)
    for name in ENDPOINTS:
        answer = browser.get(path_of(name, payments))
        assert answer.status_code == 404, name
        assert _without_tokens(answer.content) == nowhere, name


@pytest.mark.parametrize("method", ["post", "put", "delete", "options"])
def test_a_stranger_gets_404_for_every_method_even_without_a_csrf_token(
    method: str, cast: SimpleNamespace, payments: Client
) -> None:
    browser = Browser(enforce_csrf_checks=True)
    sign_in(browser, cast.stranger)
    for name in ENDPOINTS:
        assert getattr(browser, method)(path_of(name, payments)).status_code == 404, name


def test_an_admin_needs_the_csrf_token(cast: SimpleNamespace, payments: Client) -> None:
    browser = Browser(enforce_csrf_checks=True)
    sign_in(browser, cast.admin)
    for name, methods in ENDPOINTS.items():
        if "POST" in methods:
            status = browser.post(path_of(name, payments), {"q": "x", "note": "x"}).status_code
            assert status == 403, name


def test_an_admin_gets_in_and_no_browser_or_cache_keeps_anything(
    admin: Browser, payments: Client, key: ClientKey
) -> None:
    for name, methods in ENDPOINTS.items():
        asked = {"key": key.pk} if name == "console_key_revocation" else {}
        answer = admin.get(path_of(name, payments), asked)
        assert "no-store" in answer["Cache-Control"], name
        if answer.status_code == 302:
            answer = admin.get(answer["Location"])
        assert answer.status_code == (200 if "GET" in methods else 405), name


@pytest.mark.parametrize(
    "path",
    [
        "/console/clients/nobody/suspension",
        "/console/clients/nobody/resumption",
        "/console/clients/%00/suspension",
        "/console/clients/%F0%9F%94%91/suspension",
        f"/console/clients/{'x' * 500}/suspension",
        "/console/blocked/ab12",
        f"/console/blocked/{'AB' * 32}",
        f"/console/blocked/{'ab' * 32}%0A",
        "/console/keys/revocation?key=0",
        "/console/keys/revocation?key=99999999999999999999",
        "/console/keys/revocation?key=9223372036854775807",
        "/console/keys/revocation?key=-1",
        "/console/keys/revocation?key=%C2%B2",
        "/console/keys/revocation?key=1e3",
    ],
)
def test_what_does_not_exist_is_404(path: str, admin: Browser) -> None:
    assert admin.get(path).status_code == 404
    assert admin.post(path, {"note": "x"}).status_code in {302, 404}


def _without_tokens(page: bytes) -> bytes:
    """Return the page without the lines of CSRF tokens, which are different every time."""
    return b"\n".join(line for line in page.splitlines() if b"csrfmiddlewaretoken" not in line)
