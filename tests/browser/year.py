"""A year of one client, with a clock that the test sets: its program, a verifier and a worker."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_string
from email.policy import default
from io import BytesIO
from typing import Any, Final
from urllib.parse import urlencode

import jwt
from django.core.handlers.wsgi import WSGIHandler
from django.test import RequestFactory
from django.utils import timezone
from time_machine import Traveller

from portal.oauth.fast_tokens import FastTokens, fast_tokens
from portal.publishing.cache_filler import CacheFiller
from portal.publishing.cached_jwks import cached_jwks
from portal.publishing.jwks_cache import JwksCache
from portal.publishing.public_endpoint import Document, PublicDocument
from portal.publishing.reading import read_into
from portal.registry.fast_authentication import FastAuthentication
from portal.registry.follower import Follower
from portal.registry.issuing import TokenDatabase
from portal.registry.ledger_source import Postgres
from portal.registry.models import Client, RefusedRequest
from portal.registry.signing_keys import SigningKeys
from portal.work.tasks import KINDS, put_recurring
from portal.work.worker import Worker
from tests.assertions import claims_of, form_of, sign
from tests.db.oauth.token_requests import FORM, INTROSPECT, ISSUER, TOKEN
from tests.db.webhooks.conftest import Hooked
from tests.keys import PrivateKey, new_private_key, public_pem
from tests.mail_server import MailServer
from tests.waiting import wait_until

START: Final = datetime(2031, 1, 6, 9, tzinfo=UTC)
KEPT: Final = timedelta(hours=1)
"""How long the verifier keeps a key set. It does not look for an unknown kid."""

_DATES: Final = re.compile(r",? (on|since) \d.*")


class Pair:
    """A key pair of the program, and the kid that the portal gave it."""

    kid = ""

    def __init__(self, label: str) -> None:
        self.label = label
        self.private: PrivateKey = new_private_key("ES256")
        self.pem = public_pem(self.private)


class Portal:
    """A process of the portal as `portal.wsgi` builds it, without threads."""

    def __init__(self) -> None:
        self._follower = Follower(Postgres(), stale_s=0)
        self._database = TokenDatabase()
        cache = JwksCache(100_000, self._follower)
        self._filler = CacheFiller(cache, self._follower)

        @PublicDocument
        def jwks(client_id: str) -> Document:
            found = read_into(cache, client_id, extended=False)
            assert found
            return found

        fast = FastAuthentication(SigningKeys(self._follower), self._database, waiting=8)
        tokens = fast_tokens(WSGIHandler(), FastTokens(fast), self._follower)
        views = {"jwks.json": jwks}
        self._application = cached_jwks(tokens, cache, self._follower, views=views)
        # No request starts threads: `look` does what they do.
        self._follower.start = lambda: None  # type: ignore[method-assign]

    def look(self) -> None:
        """Follow the ledger, and report which number this process serves."""

        def is_healthy() -> bool:
            self._follower.step()
            return self._follower.is_healthy()

        wait_until(is_healthy, "The ledger cannot be followed.")
        self._filler._report_at = 0
        self._filler.step()

    def get(self, path: str) -> Any:
        """Return what is served under a path, as JSON."""
        status, body = self._answer(RequestFactory().get(path).environ)
        assert status == 200, body
        return body

    def post(self, path: str, form: dict[str, str]) -> tuple[int, Any]:
        """Send a form; return the status and the body."""
        content = urlencode(form)
        environ = RequestFactory().post(path, content, content_type=FORM).environ
        # A server's stream ends where the connection does.
        environ["wsgi.input"] = BytesIO(content.encode())
        return self._answer(environ)

    def _answer(self, environ: dict[str, Any]) -> tuple[int, Any]:
        told: list[Any] = []
        answer: Iterable[bytes] = self._application(environ, lambda *given: told.extend(given))
        body = b"".join(answer)
        if hasattr(answer, "close"):
            answer.close()
        return int(told[0][:3]), json.loads(body)

    def close(self) -> None:
        """Close the connections to the database."""
        self._database.close()
        self._follower._close()


class Verifier:
    """A server that verifies assertions of the client with its JWKS, and keeps that for a time."""

    def __init__(self, fetch: Callable[[], Any]) -> None:
        self._fetch = fetch
        self._keys: dict[str, Any] = {}
        self._until = START

    def kids(self) -> set[str]:
        """Return the kids of the keys that it trusts now."""
        if timezone.now() >= self._until:
            self._keys = {each["kid"]: each for each in self._fetch()["keys"]}
            self._until = timezone.now() + KEPT
        return set(self._keys)

    def accepts(self, assertion: str) -> bool:
        """Return whether it knows the key of the assertion, and its signature is valid."""
        kid = jwt.get_unverified_header(assertion)["kid"]
        if kid not in self.kids():
            return False
        key = jwt.PyJWK.from_dict(self._keys[kid])
        jwt.decode(assertion, key, algorithms=["ES256"], audience=ISSUER)
        return True


@dataclass
class Year:
    """The clock, and everybody who acts by it."""

    traveller: Traveller
    portal: Portal
    client: Client
    mails: MailServer
    hooks: Hooked
    sent: list[tuple[int, str, str]] = field(default_factory=list)
    """The e-mails: day, mailbox, subject without the client's name and dates."""
    hooked: list[tuple[int, str]] = field(default_factory=list)
    """The webhooks: day and type."""
    refused: list[tuple[int, str, str]] = field(default_factory=list)
    """The refused assertions: day, label of the key, reason."""
    signed: dict[tuple[str, Any], int] = field(default_factory=dict)
    """How many assertions were accepted, by kid and date."""

    def __post_init__(self) -> None:
        self.path = f"/clients/{self.client.client_id}/jwks.json"
        self.verifier = Verifier(lambda: self.portal.get(self.path))

    @property
    def day(self) -> int:
        """How many days have passed."""
        return (timezone.now() - START).days

    def wait(self, minutes: int = 1) -> None:
        """Let time pass, and the workers do what is due then; note what was received."""
        self.traveller.shift(timedelta(minutes=minutes))
        self.portal.look()
        put_recurring(KINDS, timezone.now())
        worker = Worker()
        while worker.step():
            pass
        for each in self.mails.messages:
            message = message_from_string(each, policy=default)
            subject = _DATES.sub("", str(message["Subject"]).strip())
            self.sent.append((self.day, str(message["To"]).partition("@")[0], subject))
        self.hooked += [(self.day, each) for each in self.hooks.types]
        self.mails.messages.clear()
        self.hooks.receiver.requests.clear()

    def live(self, until: int, pair: Pair, *, every: int = 1) -> None:
        """Let days pass, up to one. The program signs with the pair on each of them, twice."""
        day = self.day
        while day < until:
            day = min(day + every, until)
            self.traveller.move_to(START + timedelta(days=day))
            self.wait()
            self.sign(pair)
            self.sign(pair)

    def sign(self, pair: Pair) -> str:
        """Let the program sign in; return its token. The portal and the verifier accept it."""
        assertion = self.assertion(pair)
        status, body = self.portal.post(TOKEN, form_of(assertion))
        assert status == 200, (self.day, pair.label, body)
        key = self.client.keys.get(kid=pair.kid)
        assert body.get("key_expires_in") == key.lifecycle.seconds_left(timezone.now())
        assert pair.kid in self.published
        assert self.verifier.accepts(assertion), (self.day, pair.label)
        self._count(pair)
        return str(body["access_token"])

    def is_refused(self, pair: Pair) -> None:
        """Let the program sign in with a key that is not live: it is refused, and unpublished."""
        status, body = self.portal.post(TOKEN, form_of(self.assertion(pair)))
        assert (status, body["error"]) == (401, "invalid_client")
        assert pair.kid not in self.published
        reason = RefusedRequest.objects.latest("pk").reason
        self.refused.append((self.day, pair.label, reason))

    def is_active(self, token: str, pair: Pair) -> bool:
        """Return what the portal says of a token to its client, which signs in with the pair."""
        form = form_of(self.assertion(pair), token=token)
        del form["grant_type"]
        status, body = self.portal.post(INTROSPECT, form)
        assert status == 200, body
        self._count(pair)
        return bool(body["active"])

    def _count(self, pair: Pair) -> None:
        place = pair.kid, timezone.now().date()
        self.signed[place] = self.signed.get(place, 0) + 1

    def assertion(self, pair: Pair, **claims: Any) -> str:
        """Return an assertion that the program has just signed."""
        claims = claims_of(self.client.client_id, ISSUER, **claims)
        return sign(pair.private, "ES256", claims, kid=pair.kid)

    @property
    def published(self) -> set[str]:
        """The kids that are in the JWKS now, as the follower has seen it."""
        self.portal.look()
        return {each["kid"] for each in self.portal.get(self.path)["keys"]}
