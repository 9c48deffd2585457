"""GET and POST /api/oauth2/authorize: who is asked what, and what the client is told."""

from __future__ import annotations

import re
from html import unescape
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from django.test import Client as Browser

from portal.registry.actions import change_client, suspend_client
from portal.registry.models import AuthorizationCode
from tests.db.oauth.token_requests import (
    AUTHORIZE,
    CALLBACK,
    ISSUER,
    Signer,
    body_of,
    sent_to,
)
from tests.db.pages import check_page, text_of

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as Response

ALLOW = {"allow": "true"}


@pytest.fixture
def bob(cast: SimpleNamespace) -> Browser:
    """Bob's browser; he has nothing to do with the client."""
    browser = Browser()
    browser.force_login(cast.bob)
    return browser


def address(signer: Signer, more: str = "", **changes: Any) -> str:
    return f"{AUTHORIZE}?{urlencode(signer.consent_query(**changes), doseq=True)}{more}"


def told(response: Response, callback: str = CALLBACK) -> dict[str, str]:
    """What the client is told by way of the browser; each of it once, and with who says so."""
    where, _, query = sent_to(response).partition("?")
    assert where == callback
    assert "no-store" in response["Cache-Control"]
    answer = parse_qs(query, keep_blank_values=True, strict_parsing=True)
    assert all(len(values) == 1 for values in answer.values())
    assert answer.pop("iss") == [ISSUER]
    return {name: value for name, [value] in answer.items()}


def said(response: Response, error: str) -> None:
    """Assert that the page says what is wrong, and that nobody is sent anywhere."""
    assert response.status_code == 400
    check_page(response)
    assert f"<code>{error}</code>" in text_of(response)
    assert "Refresh" not in response


@pytest.mark.parametrize("method", ["get", "post"])
def test_who_is_not_signed_in_signs_in_first(signer: Signer, method: str) -> None:
    path = address(signer)
    response = getattr(Browser(), method)(path)
    assert response.status_code == 302
    assert response["Location"].startswith("/account/login/?")
    assert parse_qs(urlsplit(response["Location"]).query)["next"] == [path]


def test_the_question_names_client_person_scopes_and_host(
    signer: Signer, bob: Browser, cast: SimpleNamespace
) -> None:
    signer.allow(cast.admin, "read", "write")
    response = bob.get(address(signer, scope="read write"))
    assert response.status_code == 200
    check_page(response)
    text = text_of(response)
    for words in ("Allow Payments to act for you?", "bob@example.com", "app.example.com"):
        assert words in text
    assert "See your data" in text
    assert "Change your data" in text
    assert not AuthorizationCode.objects.exists()


def test_who_asks_for_nothing_gets_the_first_scope(signer: Signer, bob: Browser) -> None:
    text = text_of(bob.get(address(signer, scope=None)))
    assert "See your data" in text
    assert "Change your data" not in text


def test_yes_gives_a_code_the_state_and_the_issuer(
    signer: Signer, bob: Browser, cast: SimpleNamespace
) -> None:
    answer = told(bob.post(address(signer), ALLOW))
    code = AuthorizationCode.objects.get()
    assert answer == {"code": code.code, "state": "a state"}
    assert (code.user, code.application, code.scope) == (cast.bob, signer.client, "read")
    assert signer.exchange_code(code.code).status_code == 200


@pytest.mark.parametrize("form", [{}, {"allow": ""}, {"allow": "false"}, {"allow": "on"}])
def test_anything_but_yes_is_a_no(signer: Signer, bob: Browser, form: dict[str, str]) -> None:
    answer = told(bob.post(address(signer), form))
    assert (answer["error"], answer["state"]) == ("access_denied", "a state")
    assert "code" not in answer
    assert not AuthorizationCode.objects.exists()


@pytest.mark.parametrize("state", [" a  b ", "ä&=+#", "x" * 5000, "%2B", "\r\nX: y", "☃"])
@pytest.mark.parametrize("form", [ALLOW, {}])
def test_the_state_comes_back_as_it_was(
    signer: Signer, bob: Browser, state: str, form: dict[str, str]
) -> None:
    assert told(bob.post(address(signer, state=state), form))["state"] == state


def test_without_a_state_there_is_none(signer: Signer, bob: Browser) -> None:
    assert told(bob.post(address(signer, state=None), ALLOW)).keys() == {"code"}


def test_the_only_address_may_be_left_out(signer: Signer, bob: Browser) -> None:
    assert "code" in told(bob.post(address(signer, redirect_uri=None), ALLOW))


def register(signer: Signer, cast: SimpleNamespace, *uris: str) -> None:
    change_client(signer.client, name="Payments", contacts=[], redirect_uris=uris, by=cast.alice)


def test_of_two_addresses_one_has_to_be_named(
    signer: Signer, bob: Browser, cast: SimpleNamespace
) -> None:
    register(signer, cast, CALLBACK, "https://app.example.com/other")
    said(bob.get(address(signer, redirect_uri=None)), "invalid_request")


def test_a_client_without_an_address_asks_nobody(
    signer: Signer, bob: Browser, cast: SimpleNamespace
) -> None:
    register(signer, cast)
    said(bob.get(address(signer)), "invalid_request")
    said(bob.get(address(signer, redirect_uri=None)), "invalid_request")


def test_an_address_on_ones_own_machine_works(
    signer: Signer, bob: Browser, cast: SimpleNamespace
) -> None:
    callback = "http://127.0.0.1:8765/callback"
    register(signer, cast, callback)
    path = address(signer, redirect_uri=callback)
    assert "127.0.0.1:8765" in text_of(bob.get(path))
    code = told(bob.post(path, ALLOW), callback)["code"]
    assert signer.exchange_code(code, redirect_uri=callback).status_code == 200


def test_the_query_of_an_address_stays(signer: Signer, bob: Browser, cast: SimpleNamespace) -> None:
    callback = "https://app.example.com/callback?tenant=7&empty="
    register(signer, cast, callback)
    answer = told(bob.post(address(signer, redirect_uri=callback), ALLOW))
    assert (answer["tenant"], answer["empty"]) == ("7", "")


def test_an_address_says_nothing_in_our_name(
    signer: Signer, bob: Browser, cast: SimpleNamespace
) -> None:
    callback = "https://app.example.com/callback?iss=https%3A%2F%2Fevil.example"
    register(signer, cast, callback)
    assert "code" in told(bob.post(address(signer, redirect_uri=callback), ALLOW))


@pytest.mark.parametrize("client_id", [None, "", "unknown", "x" * 5000, "☃", "' OR 1=1 --", "a b"])
def test_an_unknown_client_sends_nobody_anywhere(
    signer: Signer, bob: Browser, client_id: str | None
) -> None:
    said(bob.get(address(signer, client_id=client_id)), "invalid_request")
    said(bob.post(address(signer, client_id=client_id), ALLOW), "invalid_request")


@pytest.mark.parametrize(
    "uri",
    [
        "https://evil.example/",
        f"{CALLBACK}/",
        f"{CALLBACK}?x=1",
        f"{CALLBACK}#x",
        CALLBACK.upper(),
        CALLBACK.replace("https", "http"),
        CALLBACK.replace("app.", "app.example.com@"),
        "https://app.example.com:443/callback",
        "javascript:alert(1)",
        "//app.example.com/callback",
        "/callback",
        "http://[",
        "☃",
        "http://127.0.0.1:51004/callback",
    ],
)
def test_an_address_that_is_not_registered_is_never_gone_to(
    signer: Signer, bob: Browser, uri: str
) -> None:
    said(bob.get(address(signer, redirect_uri=uri)), "invalid_request")
    said(bob.post(address(signer, redirect_uri=uri), ALLOW), "invalid_request")
    assert not AuthorizationCode.objects.exists()


@pytest.mark.parametrize("uri", ["http://127.0.0.1/cb", "http://127.0.0.1:8765/cb"])
@pytest.mark.parametrize("asked", ["http://127.0.0.1:51004/cb", "http://127.0.0.1/cb"])
def test_the_port_of_a_loopback_address_is_free(
    signer: Signer, bob: Browser, cast: SimpleNamespace, uri: str, asked: str
) -> None:
    """RFC 8252 §7.3; the code is changed for tokens with the address that it was sent to."""
    register(signer, cast, uri)
    path = address(signer, redirect_uri=asked)
    assert "127.0.0.1" in text_of(bob.get(path))
    code = told(bob.post(path, ALLOW), asked)["code"]
    other = asked.replace("127.0.0.1", "127.0.0.1:9", 1).replace(":9:51004", ":9")
    assert signer.exchange_code(code, redirect_uri=other).status_code == 400
    code = told(bob.post(path, ALLOW), asked)["code"]
    assert signer.exchange_code(code, redirect_uri=asked).status_code == 200


@pytest.mark.parametrize("name", ["client_id", "response_type", "redirect_uri", "scope", "state"])
def test_a_repeated_parameter_is_refused(signer: Signer, bob: Browser, name: str) -> None:
    value = signer.consent_query()[name]
    said(bob.get(address(signer, f"&{urlencode({name: value})}")), "invalid_request")


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"response_type": None}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": "id_token"}, "unsupported_response_type"),
        ({"response_type": "code token"}, "unauthorized_client"),
        ({"response_type": "none"}, "unauthorized_client"),
        ({"code_challenge": None}, "invalid_request"),
        ({"code_challenge": ""}, "invalid_request"),
        ({"code_challenge": "x" * 42}, "invalid_request"),
        ({"code_challenge": "x" * 500}, "invalid_request"),
        ({"code_challenge": "☃" * 43}, "invalid_request"),
        ({"code_challenge_method": None}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge_method": "s256"}, "invalid_request"),
        ({"scope": "everything"}, "invalid_scope"),
        ({"scope": "read everything"}, "invalid_scope"),
        ({"scope": "☃"}, "invalid_scope"),
        ({"resource": "accounts"}, "invalid_target"),
        ({"resource": "http://["}, "invalid_target"),
        ({"resource": ["https://api.example.com", "https://api.example.com/#x"]}, "invalid_target"),
    ],
)
def test_what_else_is_wrong_is_told_to_the_client(
    signer: Signer, bob: Browser, changes: dict[str, Any], error: str
) -> None:
    answer = told(bob.post(address(signer, **changes), ALLOW))
    assert (answer["error"], answer["state"]) == (error, "a state")
    assert not AuthorizationCode.objects.exists()


@pytest.mark.parametrize(
    "changes", [{"scope": "everything"}, {"response_type": "token"}, {"code_challenge": None}]
)
def test_nobody_is_sent_on_before_a_choice(
    signer: Signer, bob: Browser, changes: dict[str, Any]
) -> None:
    """A link to this portal leads to no address by itself: anybody may create a client."""
    response = bob.get(address(signer, **changes))
    assert response.status_code == 400
    assert not {"Refresh", "Location"} & set(response.headers)
    text = text_of(response)
    for words in ("Payments sent you here", "app.example.com", "close this page instead"):
        assert words in text
    [link] = re.findall(r'href="(https://app[^"]+)"', text)
    query = parse_qs(urlsplit(unescape(link)).query)
    assert (query["state"], query["iss"]) == (["a state"], [ISSUER])
    assert "error" in query


@pytest.mark.parametrize("name", ["code_challenge", "code_challenge_method"])
@pytest.mark.parametrize("same", [True, False])
def test_a_challenge_that_is_there_twice_is_told_to_the_client(
    signer: Signer, bob: Browser, name: str, same: bool
) -> None:
    value = signer.consent_query()[name] if same else "x" * 43
    answer = told(bob.post(address(signer, f"&{name}={value}"), ALLOW))
    assert answer["error"] == "invalid_request"
    assert answer["error_description"] == f"Duplicate parameter: {name}."
    assert not AuthorizationCode.objects.exists()


def test_parameters_without_a_value_are_as_if_not_there(signer: Signer, bob: Browser) -> None:
    path = address(signer, "&code_challenge=&scope=", scope="", resource=["", ""], redirect_uri="")
    assert "See your data" in text_of(bob.get(path))
    assert "code" in told(bob.post(path, ALLOW))


@pytest.mark.parametrize(
    "more",
    [
        "&approval_prompt=auto",
        "&prompt=none",
        "&prompt=create",
        "&prompt=login",
        "&response_mode=fragment",
        "&response_mode=form_post",
        "&user=1&client=1&scopes=write&request=1",
        "&skip_authorization=true",
        "&allow=true",
        f"&nonce={'x' * 1000}&claims=%7B",
    ],
)
def test_other_parameters_change_nothing(signer: Signer, bob: Browser, more: str) -> None:
    # A second time, so that there is something to skip the question for.
    signer.exchange_code(told(bob.post(address(signer), ALLOW))["code"])
    response = bob.get(address(signer, more))
    assert response.status_code == 200
    assert "Allow Payments to act for you?" in text_of(response)
    answer = told(bob.post(address(signer, more), ALLOW))
    assert body_of(signer.exchange_code(answer["code"]))["scope"] == "read"


@pytest.mark.parametrize(
    "form",
    [
        {"scope": "read write"},
        {"redirect_uri": "https://evil.example/"},
        {"client_id": "unknown"},
        {"state": "another"},
        {"code_challenge": "x" * 43},
        {"response_type": "token"},
        {"user": "1", "claims": "{", "nonce": "\0"},
    ],
)
def test_what_is_posted_beside_the_answer_changes_nothing(
    signer: Signer, bob: Browser, form: dict[str, str]
) -> None:
    answer = told(bob.post(address(signer), ALLOW | form))
    assert answer["state"] == "a state"
    assert body_of(signer.exchange_code(answer["code"]))["scope"] == "read"


NAMES = ["client_id", "redirect_uri", "scope", "state", "code_challenge", "response_type"]
ODD = [
    "%00",
    "a%00b",
    "%ff",
    "%ED%A0%80",
    "%",
    "%zz",
    "%u0041",
    "\\",
    "<script>",
    "%0d%0a",
    "%E2%80%AE",
    ";",
    "[]",
]


@pytest.mark.parametrize("name", [*NAMES, "resource", "code_challenge_method", "anything"])
def test_odd_bytes_are_never_an_error_of_ours(signer: Signer, bob: Browser, name: str) -> None:
    for odd in ODD:
        path = address(signer, f"&{name}={odd}", **{name: None} if name in NAMES else {})
        for response in (bob.get(path), bob.post(path, ALLOW)):
            assert response.status_code in {200, 400}, odd
            assert "Refresh" not in response or told(response)


@pytest.mark.parametrize("query", ["", "&&&", "=", "%", "a=b=c&;", "\x7f", "%00=%00", "a&" * 900])
def test_a_malformed_query_string_is_a_bad_request(bob: Browser, query: str) -> None:
    assert bob.get(f"{AUTHORIZE}?{query}").status_code == 400


def test_a_query_is_no_longer_than_nginx_takes(signer: Signer, bob: Browser) -> None:
    path = address(signer)
    room = 8 * 1024 - len(path.partition("?")[2]) - 3
    assert bob.get(f"{path}&a={'a' * room}").status_code == 200
    refused = bob.get(f"{path}&a={'a' * (room + 1)}")
    assert refused.status_code == 400
    assert "more than 8 KiB of parameters" in refused.content.decode()


def test_a_form_of_another_site_agrees_to_nothing(signer: Signer, cast: SimpleNamespace) -> None:
    browser = Browser(enforce_csrf_checks=True)
    browser.force_login(cast.bob)
    assert browser.post(address(signer), ALLOW).status_code == 403
    assert not AuthorizationCode.objects.exists()


@pytest.mark.parametrize("method", ["put", "delete", "patch", "options"])
def test_wrong_methods_are_refused(signer: Signer, bob: Browser, method: str) -> None:
    response = getattr(bob, method)(address(signer))
    assert (response.status_code, response["Allow"]) == (405, "GET, HEAD, POST")


def test_a_head_asks_nobody(signer: Signer, bob: Browser) -> None:
    assert bob.head(address(signer)).status_code == 200


def test_a_suspended_client_asks_nobody(
    signer: Signer, bob: Browser, cast: SimpleNamespace
) -> None:
    suspend_client(signer.client, note="", by=cast.admin)
    said(bob.get(address(signer)), "invalid_request")
    said(bob.post(address(signer), ALLOW), "invalid_request")


def directives(response: Response) -> dict[str, str]:
    policy = response["Content-Security-Policy"]
    return dict(re.findall(r"([a-z-]+) ([^;]+)", policy))


def test_no_page_has_a_looser_policy_than_others(signer: Signer, bob: Browser) -> None:
    usual = directives(bob.get("/clients/"))
    assert usual["form-action"] == "'self'"
    for response in (
        bob.get(address(signer)),
        bob.post(address(signer), ALLOW),
        bob.get(address(signer, redirect_uri="https://evil.example/")),
        bob.get(address(signer, scope="everything")),
    ):
        assert directives(response) == usual


def test_nobody_can_put_the_question_into_a_frame(signer: Signer, bob: Browser) -> None:
    response = bob.get(address(signer))
    assert directives(response)["frame-ancestors"] == "'none'"
    assert response["X-Frame-Options"] == "DENY"
