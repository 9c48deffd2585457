"""How the log looks: one line an event."""

from __future__ import annotations

import logging
from copy import copy
from typing import Final

from django.core.exceptions import BadRequest, PermissionDenied, SuspiciousOperation
from django.db import InterfaceError, OperationalError
from django.http.multipartparser import MultiPartParserError

_UNREACHABLE: Final = (OperationalError, InterfaceError)
_THEIR_DOING: Final = (BadRequest, PermissionDenied, SuspiciousOperation, MultiPartParserError)


class OneLine(logging.Formatter):
    """Writes a traceback only where it helps: when it is the code that is wrong.

    While the database does not answer every request fails, and its cause is all there is to say.
    Strangers who send nonsense, and people who try what they may not do, would fill the log with
    tracebacks as they like.
    """

    def format(self, record: logging.LogRecord) -> str:
        """Return the text of a record."""
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
