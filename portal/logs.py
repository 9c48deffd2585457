"""The format of the log: one line per event."""

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

REFERENCE: Final = "portal.reference"
"""The name in `request.META` of the reference that an error page shows."""

# Links in e-mails: a reader of the full link can set the password of its recipient. And the secret
# addresses of calendars.
_LINK: Final = re.compile(
    r"(/account/(?:password/reset/key|confirm-email)/|/calendars/)\S+", re.IGNORECASE
)


class OneLine(logging.Formatter):
    """Writes a traceback only for an error in the code.

    While the database does not answer, every request fails, and its cause says everything. Invalid
    and forbidden requests could fill the log with tracebacks. No line contains the secret of a
    link.
    """

    def format(self, record: logging.LogRecord) -> str:
        """Return the text of a record, with the reference that its error page shows."""
        request = getattr(record, "request", None)
        reference = getattr(request, "META", {}).get(REFERENCE)
        if reference:
            record = copy(record)
            record.msg, record.args = f"{record.getMessage()} (reference {reference})", None
        return _LINK.sub(r"\1…", self._format(record))

    def _format(self, record: logging.LogRecord) -> str:
        failure = record.exc_info[1] if record.exc_info else None
        if failure and not isinstance(failure, _UNREACHABLE + _THEIR_DOING):
            return super().format(record)
        bare = copy(record)
        bare.exc_info = bare.exc_text = None
        line = super().format(bare)
        if isinstance(failure, _UNREACHABLE):
            # For other errors, only the log message: the error's text may contain request data.
            line += f": {failure}"
        return " ".join(line.split())


def already_logged(response: HttpResponse) -> HttpResponse:
    """Mark and return a response whose cause is in the log already.

    For other responses with a status from 400 up, Django logs a line with only the path.
    """
    response._has_been_logged = True  # type: ignore[attr-defined]  # noqa: SLF001 - django.utils.log
    return response
