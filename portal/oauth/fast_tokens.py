"""WSGI middleware that issues tokens for client_credentials without entering Django (ADR 0024)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from io import BytesIO
from time import perf_counter
from typing import Any, Final
from urllib.parse import parse_qsl

from django.conf import settings
from django.http import HttpResponse
from django.utils import timezone
from django.utils.log import log_response
from oauthlib.oauth2.rfc6749.utils import scope_to_list

from portal import bulkhead
from portal.core.assertion import MAX_ASSERTION_BYTES
from portal.logs import REQUEST_ID_HEADER, already_logged, request_id
from portal.metrics import REQUESTS, name_span, outcome_of
from portal.oauth.client_requests import FAST, FORM, answer, not_now
from portal.oauth.grants import new_token
from portal.oauth.key_end import key_end
from portal.oauth.networks import network_of
from portal.publishing.cached_jwks import Application, is_surely_https
from portal.registry.actions.authenticate_client import new_reference
from portal.registry.batching import BatchesFull, OutcomeUnknown
from portal.registry.choices import GrantType
from portal.registry.endpoints import TOKEN_PATH
from portal.registry.fast_authentication import FastAuthentication
from portal.registry.follower import Follower
from portal.registry.issuing import TokenRequest
from portal.registry.models import Client

MAX_BODY_BYTES: Final = MAX_ASSERTION_BYTES + 1024
"""Django reads, and refuses, larger bodies."""

_PATH: Final = f"/{TOKEN_PATH}"
_ENDPOINT: Final = "token"
_SECONDS: Final = {each: REQUESTS.labels(_ENDPOINT, each) for each in ("ok", "busy")}
_PARAMETERS: Final = frozenset(
    {
        *("grant_type", "client_id", "client_assertion", "client_assertion_type"),
        *("scope", "resource"),
    }
)


class FastTokens:
    """Decides plain token requests: those in which everything is as it should be.

    It returns None for all others. Django then decides them from the beginning, and records the
    cause if it refuses them.
    """

    def __init__(self, authentication: FastAuthentication) -> None:
        """Take what verifies the assertions and consumes them."""
        self.authentication: Final = authentication

    def issue(self, body: bytes, *, network: str = "") -> str | None:
        """Return the JSON with a new token for the form in a request's body, or None.

        `network` is where the request came from, as it is stored.

        Raises `BatchesFull`, or `OutcomeUnknown` if PostgreSQL does not answer.
        """
        at = timezone.now()
        form = _read(body)
        if form is None:
            return None
        signed = self.authentication.verify({name: [form[name]] for name in form}, at)
        rights = signed and _allowed(form, signed.key.client)
        if signed is None or rights is None:
            return None
        scope, resource = rights
        token = new_token()
        request = TokenRequest(
            verified=signed.verified,
            key=signed.key,
            reference=new_reference(),
            at=at,
            token_sha256=hashlib.sha256(token.encode("ascii")).hexdigest(),
            scope=scope,
            resource=resource,
            network=network,
        )
        consumed = self.authentication.consume(request)
        if consumed is None:
            return None
        # The members of oauthlib's `BearerToken.create_token`, in its order.
        issued = {
            "access_token": token,
            "expires_in": settings.ACCESS_TOKEN_SECONDS,
            "token_type": "Bearer",
            "scope": scope,
            **key_end(consumed.lifecycle, timezone.now()),
        }
        return json.dumps(issued)


def _read(body: bytes) -> dict[str, str] | None:
    """Return the parameters of a form that has only what client_credentials needs, each once."""
    if not body.isascii():
        return None
    # As Django's QueryDict reads it.
    pairs = parse_qsl(body.decode("ascii"), keep_blank_values=True)
    form = dict(pairs)
    if len(form) != len(pairs) or not _PARAMETERS.issuperset(form):
        return None
    if form.get("grant_type") != GrantType.CLIENT_CREDENTIALS:
        return None
    return None if any("\0" in value for value in form.values()) else form


def _allowed(form: Mapping[str, str], client: Client) -> tuple[str, list[str]] | None:
    """Return the scope and the resources of the token, or None if the client may not have them.

    The rules are those of `Validator`, which asks the same properties of the client.
    """
    allowed = client.allowed_scopes
    scopes = scope_to_list(form["scope"]) if form.get("scope") else allowed[:1]
    resources = [form["resource"]] if form.get("resource") else []
    if not (
        client.may_use(GrantType.CLIENT_CREDENTIALS)
        and scopes
        and set(scopes).issubset(allowed)
        and set(resources).issubset(client.allowed_resources)
    ):
        return None
    return " ".join(scopes), resources


def fast_tokens(application: Application, tokens: FastTokens, follower: Follower) -> Application:
    """Return a WSGI application that answers plain token requests, and passes others on.

    Those get what authenticates clients, for `ClientEndpoint`. A request that was read is passed on
    with its body. One whose batch failed is not: nobody knows whether its assertion was consumed.
    """

    def answer_or_pass_on(
        environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        environ[FAST] = tokens.authentication
        length = _length(environ) if environ["PATH_INFO"] == _PATH else 0
        # Without the database, Django says so at once.
        if not length or follower.gone:
            return application(environ, start_response)
        began = perf_counter()
        request_id(environ)
        try:
            with bulkhead.tokens:
                body = environ["wsgi.input"].read(length)
                is_whole = len(body) == length
                issued = tokens.issue(body, network=network_of(environ)) if is_whole else None
        except (bulkhead.BulkheadFull, BatchesFull):
            return _send(not_now("The portal is too busy."), environ, start_response, began)
        except OutcomeUnknown:
            failed = already_logged(not_now("The portal cannot reach its database."))
            return _send(failed, environ, start_response, began)
        if issued is None:
            return application({**environ, "wsgi.input": BytesIO(body)}, start_response)
        return _send(answer(issued), environ, start_response, began)

    return answer_or_pass_on


def _length(environ: Mapping[str, Any]) -> int:
    """Return the length of the body if the request is plain, and else 0."""
    kind, _, parameter = environ.get("CONTENT_TYPE", "").partition(";")
    length = environ.get("CONTENT_LENGTH", "")
    if (
        environ["REQUEST_METHOD"] == "POST"
        and not environ.get("QUERY_STRING")
        and kind.strip().lower() == FORM
        and parameter.strip().lower() in {"", "charset=utf-8"}
        and not environ.get("HTTP_AUTHORIZATION")
        and "HTTP_TRANSFER_ENCODING" not in environ
        and (not settings.SECURE_SSL_REDIRECT or is_surely_https(environ))
        and length.isdecimal()
        and len(length) < 6
        and int(length) <= MAX_BODY_BYTES
    ):
        return int(length)
    return 0


def _send(
    response: HttpResponse,
    environ: dict[str, Any],
    start_response: Callable[..., Any],
    began: float,
) -> list[bytes]:
    """Send a response as Django would, with the id of its request and its line in the log."""
    name_span(environ, _ENDPOINT)
    _SECONDS[outcome_of(response.status_code)].observe(perf_counter() - began)
    response.headers[REQUEST_ID_HEADER] = request_id(environ)
    status = f"{response.status_code} {response.reason_phrase}"
    if response.status_code >= 400:
        log_response("%s: %s", response.reason_phrase, _PATH, response=response)
    start_response(status, list(response.items()))
    return [response.content]
