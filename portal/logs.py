"""The log: one line per event, with the id of its request, as text or as JSON."""

from __future__ import annotations

import json
import logging
import re
import secrets
from collections.abc import MutableMapping
from contextvars import ContextVar
from copy import copy
from datetime import UTC, datetime
from typing import Any, Final

from django.core.exceptions import BadRequest, PermissionDenied, SuspiciousOperation
from django.db import InterfaceError, OperationalError
from django.http import HttpResponse
from django.http.multipartparser import MultiPartParserError

_UNREACHABLE: Final = (OperationalError, InterfaceError)
_THEIR_DOING: Final = (BadRequest, PermissionDenied, SuspiciousOperation, MultiPartParserError)

REQUEST_ID_HEADER: Final = "X-Request-ID"
"""The header of a request and of its response, and the same as WSGI names it below."""
REQUEST_ID_VARIABLE: Final = "HTTP_X_REQUEST_ID"
_KEPT: Final = "portal.request_id"
_GIVEN: Final = re.compile(r"[A-Za-z0-9._-]{8,64}", re.ASCII)
_current: Final[ContextVar[str]] = ContextVar("request_id", default="")

# Links in e-mails: a reader of the full link can set the password of its recipient. And the secret
# addresses of calendars.
_LINK: Final = re.compile(
    r"(/account/(?:password/reset/key|confirm-email|notices)/|/calendars/)\S+", re.IGNORECASE
)


def request_id(environ: MutableMapping[str, Any]) -> str:
    """Return the id of a request: the one that it came with, or a new one.

    `environ` is that of WSGI, which Django calls `request.META`; it keeps the id. From now on the
    lines that this thread logs have it too. Strangers can choose an id, so it proves nothing.
    """
    kept: str | None = environ.get(_KEPT)
    if kept is None:
        given = given_request_id(environ)
        kept = environ[_KEPT] = given or secrets.token_hex(8)
    _current.set(kept)
    return kept


def given_request_id(environ: MutableMapping[str, Any]) -> str:
    """Return the id that the request came with, or "" if it has none that is fit for a log."""
    given: str = environ.get(REQUEST_ID_VARIABLE, "")
    return given if given and _GIVEN.fullmatch(given) else ""


def log_facts(logger: logging.Logger, level: int, sentence: str, **facts: object) -> None:
    """Log a sentence with facts. As JSON they are members of the line, as text they end it.

    A fact that is None is left out. None may be a secret, or a text of a stranger that nobody has
    checked.
    """
    facts = {name: value for name, value in facts.items() if value is not None}
    told = ", ".join(f"{name} {value}" for name, value in facts.items())
    logger.log(level, "%s: %s", sentence, told, extra={"facts": facts})


class OneLine(logging.Formatter):
    """Writes text, and a traceback only for an error in the code.

    While the database does not answer, every request fails, and its cause says everything. Invalid
    and forbidden requests could fill the log with tracebacks. No line contains the secret of a
    link.
    """

    def format(self, record: logging.LogRecord) -> str:
        """Return the text of a record, with the id of its request, which its error page shows."""
        bare, message, traceback = self._parts(record)
        named = _request_id_of(record)
        bare.msg = f"{message} (request {named})" if named else message
        line = super().format(bare)
        return f"{line}\n{traceback}" if traceback else line

    def _parts(self, record: logging.LogRecord) -> tuple[logging.LogRecord, str, str]:
        """Return a copy of the record without its error, its message, and the traceback if any."""
        bare = copy(record)
        bare.exc_info = bare.exc_text = bare.args = None
        failure = record.exc_info[1] if record.exc_info else None
        message, traceback = record.getMessage(), ""
        if failure and not isinstance(failure, _UNREACHABLE + _THEIR_DOING):
            traceback = self.formatException(record.exc_info) if record.exc_info else ""
        elif isinstance(failure, _UNREACHABLE):
            # For other errors, only the log message: the error's text may contain request data.
            message = f"{message}: {failure}"
        return bare, _without_secrets(" ".join(message.split())), _without_secrets(traceback)


class JsonLine(OneLine):
    """Writes the same as a JSON object.

    It has no other attributes of a record: Django puts the request there.
    """

    def format(self, record: logging.LogRecord) -> str:
        """Return the JSON of a record."""
        _, message, traceback = self._parts(record)
        members = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": message,
            "request_id": _request_id_of(record),
            **{name: str(value) for name, value in getattr(record, "facts", {}).items()},
            "traceback": traceback,
        }
        return json.dumps({name: value for name, value in members.items() if value})


def _request_id_of(record: logging.LogRecord) -> str:
    """Return the id of the request that Django's record is about, or of the thread's last one."""
    request = getattr(record, "request", None)
    return getattr(request, "META", {}).get(_KEPT) or _current.get()


def _without_secrets(text: str) -> str:
    return _LINK.sub(r"\1…", text)


def already_logged(response: HttpResponse) -> HttpResponse:
    """Mark and return a response whose cause is in the log already.

    For other responses with a status from 400 up, Django logs a line with only the path.
    """
    response._has_been_logged = True  # type: ignore[attr-defined]  # noqa: SLF001 - django.utils.log
    return response
