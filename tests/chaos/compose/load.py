"""Others who ask all the time, and what they were answered."""

from __future__ import annotations

import ssl
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from http.client import HTTPException, HTTPSConnection
from typing import Any, Self

import requests

from tests.assertions import claims_of, form_of, sign
from tests.chaos.compose.site import Site

ASKERS = 4


@dataclass
class Load:
    """Others who ask all the time; what they were answered, by the kind of the question."""

    site: Site
    client_id: str
    kid: str
    private: Any
    outcomes: Counter[tuple[str, str]] = field(default_factory=Counter)
    lost_at: float = 0.0
    over: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Self:
        self._threads = [threading.Thread(target=self._keep_asking) for _ in range(ASKERS)]
        self._threads += [threading.Thread(target=self._keep_one_connection) for _ in range(ASKERS)]
        for each in self._threads:
            each.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        for each in self._threads:
            each.join()

    def _keep_asking(self) -> None:
        while not self.over.wait(0.3):
            for kind in ("key set", "page", "token"):
                # Each on a connection of its own, as a client that begins now.
                with requests.Session() as session:
                    session.trust_env, session.verify = False, self.site.certificate
                    outcome = self._ask(session, kind)
                    if outcome != "200":
                        self.lost_at = time.monotonic()
                    self.outcomes[kind, outcome] += 1

    def _keep_one_connection(self) -> None:
        """Ask on one connection, as a client does that never looks whether it was closed."""
        context = ssl.create_default_context(cafile=self.site.certificate)
        wire = HTTPSConnection("localhost", self.site.https, timeout=20, context=context)
        while not self.over.wait(1):
            try:
                wire.request("GET", "/healthz")
                answer = wire.getresponse()
                answer.read()
                outcome = str(answer.status)
            except (OSError, HTTPException) as failure:
                wire.close()
                outcome = type(failure).__name__
            if outcome != "200":
                self.lost_at = time.monotonic()
            self.outcomes["kept", outcome] += 1

    def _ask(self, session: requests.Session, kind: str) -> str:
        try:
            if kind == "key set":
                answer = session.get(
                    f"{self.site.url}/clients/{self.client_id}/jwks.json", timeout=20
                )
            elif kind == "page":
                answer = session.get(f"{self.site.url}/account/login/", timeout=20)
            else:
                claims = claims_of(self.client_id, self.site.url)
                assertion = sign(self.private, "ES256", claims, kid=self.kid)
                answer = session.post(
                    f"{self.site.url}/api/oauth2/token", form_of(assertion), timeout=20
                )
        except requests.RequestException as failure:
            return type(failure).__name__
        return str(answer.status_code)
