"""What every public document has in common on the wire, for every kind of request."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from django.test import Client as Browser
from pytest_django import Settings

from portal.registry.models import Client, ClientKey
from tests.own_keys import new_own_key

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as Response

CACHEABLE = [
    "/clients/{}/jwks.json",
    "/clients/{}/jwks-extended.json",
    "/.well-known/oauth-authorization-server",
    "/portal/jwks.json",
    "/ledger/checkpoint",
]
NAMES = [*CACHEABLE, "/healthz", "/readyz"]
UNKNOWN = "/clients/unknown/jwks.json"
HSTS = "max-age=31536000; includeSubDomains; preload"


@pytest.fixture(autouse=True)
def signing(settings: Settings) -> None:
    """A key that signs checkpoints."""
    settings.OWN_KEYS = {"checkpoint": (new_own_key(),)}


@pytest.fixture(params=[*NAMES, UNKNOWN])
def path(request: pytest.FixtureRequest, payments: Client, key: ClientKey) -> str:
    """Each document, and the answer to an unknown client."""
    name: str = request.param
    return name.format(payments.client_id)


@pytest.fixture(params=CACHEABLE)
def cacheable(request: pytest.FixtureRequest, payments: Client, key: ClientKey) -> str:
    """Each document that caches may keep."""
    name: str = request.param
    return name.format(payments.client_id)


def wire(response: Response) -> tuple[int, dict[str, str], bytes]:
    """All that is sent; the headers without the id, which is new each time."""
    headers = {name: value for name, value in response.headers.items() if name != "X-Request-ID"}
    return response.status_code, headers, response.content


@pytest.mark.parametrize(
    "headers",
    [
        {"host": "evil.example"},
        {"host": "not a host!"},
        {"cookie": "__Host-session=abc; sessionid=abc; csrftoken=abc"},
        {"accept": "text/html"},
        {"accept": "application/xml;q=1, */*;q=0"},
        {"accept-encoding": "gzip, br, zstd"},
        {"accept-language": "de"},
        {"x-forwarded-proto": "http"},
        {"x-forwarded-proto": "https"},
        {"x-forwarded-host": "evil.example", "x-forwarded-for": "192.0.2.1", "forwarded": "host=x"},
        {"x-forwarded-port": "8443"},
        {"user-agent": ""},
        {"user-agent": "Python-urllib/3.11"},
        {"origin": "https://page.example"},
        {"hx-request": "true"},
        {"if-modified-since": "Mon, 23 Nov 2099 00:00:00 GMT"},
        {"range": "bytes=0-3"},
        {"authorization": "Bearer abc"},
    ],
    ids="+".join,
)
def test_answer_does_not_depend_on_headers(path: str, headers: dict[str, str]) -> None:
    assert wire(Browser().get(path, headers=headers)) == wire(Browser().get(path))


def test_answer_does_not_depend_on_the_query(path: str) -> None:
    assert wire(Browser().get(f"{path}?a=1&format=xml")) == wire(Browser().get(path))


def test_answer_does_not_depend_on_who_is_signed_in(path: str, browser_of: Any) -> None:
    assert wire(browser_of("admin").get(path)) == wire(Browser().get(path))


def test_nothing_is_stored_in_a_browser_or_varies(path: str) -> None:
    response = Browser().get(path)
    assert not response.cookies
    assert "Vary" not in response
    assert "Content-Encoding" not in response


def test_kind_is_not_guessed(path: str) -> None:
    assert Browser().get(path)["X-Content-Type-Options"] == "nosniff"


def test_any_page_may_read_it(path: str) -> None:
    response = Browser().get(path, headers={"origin": "https://page.example"})
    assert response["Access-Control-Allow-Origin"] == "*"
    assert response["Access-Control-Expose-Headers"] == "ETag"
    assert "Access-Control-Allow-Credentials" not in response


def test_preflight_is_answered(path: str) -> None:
    asked = {
        "origin": "https://page.example",
        "access-control-request-method": "GET",
        "access-control-request-headers": "if-none-match, x-request-id",
    }
    response = Browser().options(path, headers=asked)
    assert (response.status_code, response.content) == (204, b"")
    assert response["Access-Control-Allow-Origin"] == "*"
    assert response["Access-Control-Allow-Methods"] == "GET, HEAD, OPTIONS"
    assert response["Access-Control-Allow-Headers"] == "*, Authorization"
    assert response["Allow"] == "GET, HEAD, OPTIONS"


def test_head_has_the_headers_of_get_and_no_body(path: str) -> None:
    status, headers, body = wire(Browser().get(path))
    assert wire(Browser().head(path)) == (status, headers, b"")
    assert int(headers["Content-Length"]) == len(body)


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "TRACE", "PROPFIND"])
def test_other_methods_are_refused(path: str, method: str) -> None:
    response = Browser(enforce_csrf_checks=True).generic(method, path)
    assert response.status_code == 405
    assert response["Allow"] == "GET, HEAD, OPTIONS"
    assert response["Cache-Control"] == "no-store"


@pytest.mark.parametrize("form", ["{}", "W/{}", '"other", {}', 'W/"a",W/{} , "b"', "*"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_who_has_the_bytes_gets_304(cacheable: str, form: str, method: str) -> None:
    full = Browser().get(cacheable)
    held = form.format(full["ETag"])
    response = Browser().generic(method, cacheable, headers={"if-none-match": held})
    assert (response.status_code, response.content) == (304, b"")
    same = ("ETag", "Cache-Control", "Access-Control-Allow-Origin", "X-Content-Type-Options")
    assert {name: response[name] for name in same} == {name: full[name] for name in same}
    assert "Content-Type" not in response


@pytest.mark.parametrize("held", ['"other"', "", "abc", '"', "W/", '"*"', "é"])
def test_who_has_other_bytes_gets_all(cacheable: str, held: str) -> None:
    response = Browser().get(cacheable, headers={"if-none-match": held})
    assert wire(response) == wire(Browser().get(cacheable))


def test_etag_is_strong(cacheable: str) -> None:
    tag = Browser().get(cacheable)["ETag"]
    assert tag.startswith('"')
    assert tag.endswith('"')


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
@pytest.mark.django_db
def test_health_is_never_stored_nor_compared(path: str) -> None:
    response = Browser().get(path, headers={"if-none-match": "*"})
    assert (response.status_code, response["Cache-Control"]) == (200, "no-store")
    assert "ETag" not in response


def test_http_is_not_redirected_under_an_https_public_url(path: str, settings: Settings) -> None:
    plain = Browser().get(path)
    settings.SECURE_SSL_REDIRECT = True
    assert Browser().get("/").status_code == 301
    assert wire(Browser().get(path)) == wire(plain)


def test_key_sets_and_metadata_are_refused_over_http_and_the_log_says_so(
    cacheable: str, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    given = wire(Browser().get(cacheable))
    settings.ALLOW_HTTP_KEY_SETS = False
    refused = Browser().get(cacheable, headers={"if-none-match": "*"})
    assert (refused.status_code, refused["Cache-Control"]) == (403, "no-store")
    assert refused.json()["error"] == "https_required"
    assert settings.PUBLIC_URL in refused.json()["error_description"]
    assert [record.getMessage() for record in caplog.records] == [f"Refused over http: {cacheable}"]
    assert wire(Browser().get(cacheable, secure=True)) == given
    settings.ALLOW_HTTP_KEY_SETS = True
    assert wire(Browser().get(cacheable)) == given


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
@pytest.mark.django_db
def test_health_is_answered_over_http(path: str, settings: Settings) -> None:
    settings.ALLOW_HTTP_KEY_SETS = False
    assert Browser().get(path).status_code == 200


def test_hsts_is_told_under_an_https_public_url(path: str, settings: Settings) -> None:
    assert "Strict-Transport-Security" not in Browser().get(path)
    settings.SECURE_HSTS_SECONDS = 31536000
    settings.SECURE_HSTS_INCLUDE_SUBDOMAINS = settings.SECURE_HSTS_PRELOAD = True
    assert Browser().get(path)["Strict-Transport-Security"] == HSTS


def test_pages_do_check_the_host(db: None) -> None:
    """The other tests with a bad host would prove nothing if nobody checked it."""
    assert Browser().get("/", headers={"host": "evil.example"}).status_code == 400
