"""A client that signs in for real: assertions are signed, requests posted, answers read."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlencode, urlsplit

from django.test import Client as Browser
from django.utils.html import escape

from portal.accounts.models import User
from portal.registry.actions import change_client, change_rights
from portal.registry.choices import GrantType
from portal.registry.models import Client, ClientKey
from tests.assertions import claims_of, form_of, sign
from tests.keys import PrivateKey, new_private_key, public_pem
from tests.registering import register_pem
from tests.sessions import sign_in

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as Response

ISSUER = "http://testserver"
TOKEN = "/api/oauth2/token"  # noqa: S105 - a path
INTROSPECT = "/api/oauth2/introspect"
REVOKE = "/api/oauth2/revoke"
AUTHORIZE = "/api/oauth2/authorize"
CALLBACK = "https://app.example.com/callback"
FORM = "application/x-www-form-urlencoded"


def post(path: str, form: dict[str, Any] | list[tuple[str, str]], **extra: Any) -> Response:
    """Send a form as clients do; a list may name a parameter twice."""
    return Browser().post(path, urlencode(form, doseq=True), content_type=FORM, **extra)


def body_of(response: Response) -> dict[str, Any]:
    """The JSON of an answer, which nobody may keep."""
    assert response["Content-Type"] == "application/json"
    assert response["Cache-Control"] == "no-store"
    assert response["Content-Length"] == str(len(response.content))
    body: dict[str, Any] = json.loads(response.content)
    return body


def sent_to(response: Response) -> str:
    """Where the person is sent after the question, by header and by link."""
    assert response.status_code == 200, response.content
    seconds, _, uri = response["Refresh"].partition("; url=")
    assert seconds == "0"
    assert f'href="{escape(uri)}"' in response.content.decode()
    return uri


@dataclass
class Signer:
    """A client with one ES256 key, and its private key."""

    client: Client
    key: ClientKey
    private: PrivateKey
    verifier: str = field(default_factory=lambda: secrets.token_urlsafe(48))

    def assertion(self, **claims: Any) -> str:
        """A good assertion but for these claims."""
        good = claims_of(self.client.client_id, ISSUER, **claims)
        return sign(self.private, "ES256", good, kid=self.key.kid)

    def form(self, **more: Any) -> dict[str, Any]:
        """The parameters of a token request, good but for what is given."""
        return form_of(self.assertion(), **more)

    def ask(self, path: str = TOKEN, **more: Any) -> Response:
        """Send a request with a fresh assertion."""
        return post(path, self.form(**more))

    def consent_query(self, **changes: Any) -> dict[str, str]:
        """The parameters that the client sends a person with; a change to None leaves one out."""
        challenge = hashlib.sha256(self.verifier.encode()).digest()
        query = {
            "response_type": "code",
            "client_id": self.client.client_id,
            "redirect_uri": CALLBACK,
            "scope": "read",
            "state": "a state",
            "code_challenge": base64.urlsafe_b64encode(challenge).rstrip(b"=").decode(),
            "code_challenge_method": "S256",
        }
        return {name: value for name, value in (query | changes).items() if value is not None}

    def allow(self, admin: User, *scopes: str, **chosen: list[str]) -> None:
        """Let the client ask for these scopes, and for the other things that are given."""
        new = {"scopes": list(scopes), "grant_types": list(GrantType.values), "resources": []}
        change_rights(self.client, **new | chosen, by=admin)
        self.client.refresh_from_db()

    def code_from(self, person: User, **changes: Any) -> str:
        """Let the person agree, and return the code that the client gets."""
        browser = Browser()
        sign_in(browser, person)
        path = f"{AUTHORIZE}?{urlencode(self.consent_query(**changes), doseq=True)}"
        page = browser.get(path)
        assert page.status_code == 200, page.content
        sent = browser.post(path, {"allow": "true"})
        code: str = parse_qs(urlsplit(sent_to(sent)).query)["code"][0]
        return code

    def exchange_code(self, code: str, **more: Any) -> Response:
        """Change a code for tokens."""
        given = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK}
        return self.ask(**given | {"code_verifier": self.verifier} | more)


def new_signer(
    client: Client, by: User, label: str = "Signer", private: PrivateKey | None = None
) -> Signer:
    """Register an ES256 key of the client, and the address that people come back to."""
    private = private or new_private_key("ES256")
    change_client(
        client, name=client.name, contacts=client.contacts, redirect_uris=[CALLBACK], by=by
    )
    client.refresh_from_db()
    key = register_pem(client, material=public_pem(private), alg="ES256", label=label, by=by)
    return Signer(client, key, private)
