"""How the log looks: one line an event."""

from __future__ import annotations

import logging
import re
from copy import copy
from typing import Final

from django.core.exceptions import BadRequest, PermissionDenied, SuspiciousOperation
from django.db import InterfaceError, OperationalError
from django.http import HttpResponse
from django.http.multipartparser import MultiPartParserError

_UNREACHABLE: Final = (OperationalError, InterfaceError)
_THEIR_DOING: Final = (BadRequest, PermissionDenied, SuspiciousOperation, MultiPartParserError)

# Links in e-mails: whoever reads the rest of one can choose somebody's password.
_LINK: Final = re.compile(r"(/account/(?:password/reset/key|confirm-email)/)\S+", re.IGNORECASE)


class OneLine(logging.Formatter):
    """Writes a traceback only where it helps: when it is the code that is wrong.

    While the database does not answer every request fails, and its cause is all there is to say.
    Strangers who send nonsense, and people who try what they may not do, would fill the log with
    tracebacks as they like. The secrets of links are left out of all lines.
    """

    def format(self, record: logging.LogRecord) -> str:
        """Return the text of a record."""
        return _LINK.sub(r"\1…", self._format(record))

    def _format(self, record: logging.LogRecord) -> str:
        failure = record.exc_info[1] if record.exc_info else None
        if failure and not isinstance(failure, _UNREACHABLE + _THEIR_DOING):
            return super().format(record)
        bare = copy(record)
        bare.exc_info = bare.exc_text = None
        line = super().format(bare)
        if isinstance(failure, _UNREACHABLE):
            # Of the others only what was said of them: what strangers sent stands in the error.
            line += f": {failure}"
        return " ".join(line.split())


def already_logged(response: HttpResponse) -> HttpResponse:
    """Return an answer of which the log has a line with the cause already.

    Django writes one of its own for each status from 400 up, with no more than the path.
    """
    response._has_been_logged = True  # type: ignore[attr-defined]  # noqa: SLF001 - django.utils.log
    return response
