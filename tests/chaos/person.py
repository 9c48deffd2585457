"""Somebody signed in, who uses the portal's forms as a browser sends them."""

from __future__ import annotations

import json
from http.client import HTTPConnection, HTTPException
from urllib.parse import urlencode

FORM = "application/x-www-form-urlencoded"
CSRF = "d" * 32
PATIENCE_S = 15


def ask(
    port: int, method: str, path: str, body: str | None = None, **headers: str
) -> tuple[int, str, bytes]:
    """Return the status, the place that a redirect leads to, and the body of the answer.

    Each request has a connection of its own, so that the kernel gives it to any of the workers.
    Status 0 is no answer; what the request did is unknown then.
    """
    wire = HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    try:
        wire.request(method, path, body, named)
        response = wire.getresponse()
        return response.status, response.headers.get("Location", ""), response.read()
    except (OSError, HTTPException) as failure:
        return 0, "", type(failure).__name__.encode()
    finally:
        wire.close()


class Person:
    """Posts forms; a redirect is the portal's acknowledgement."""

    def __init__(self, port: int, session: str) -> None:
        self._port = port
        self._cookies = f"sessionid={session}; csrftoken={CSRF}"

    def post(self, path: str, **fields: str) -> str:
        """Send a form; return nothing when it was acknowledged, and otherwise what came instead."""
        body = urlencode({"csrfmiddlewaretoken": CSRF, **fields})
        status, to, told = ask(
            self._port, "POST", path, body, Content_Type=FORM, Cookie=self._cookies
        )
        if status == 302 and not to.startswith("/account/"):
            return ""
        return str(status) if status else told.decode()


def fetch(port: int, client_id: str) -> tuple[str, set[str]]:
    """Return what the request for a client's JWKS met, and the kids in the set when it is there."""
    status, _, body = ask(port, "GET", f"/clients/{client_id}/jwks.json")
    if status != 200:
        return str(status) if status else body.decode(), set()
    return "200", {key["kid"] for key in json.loads(body)["keys"]}
