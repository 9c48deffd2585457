"""What people write: checked here, so that every caller and both databases hold to the same.

PostgreSQL refuses over-long texts, NUL bytes and lone surrogates with an error of its own, and
SQLite keeps them. Forms check too, to say so beside the field; the command line relies on this.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from typing import Final

from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from portal.registry.refusals import UnfitInput

MAX_NAME: Final = 100
MAX_NOTE: Final = 500
MAX_EMAIL: Final = 254
MAX_CONTACTS: Final = 20

# Unicode TR36 §2.10: these turn text around, so that one name can be made to look like another.
_TURNS_TEXT: Final = frozenset(
    "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
)


def clean_line(text: str, *, field: str, limit: int = MAX_NAME) -> str:
    """Return a text of one line without the space around it; raise `UnfitInput`."""
    return _clean(text.strip(), field=field, limit=limit, allowed="")


def clean_note(text: str, *, field: str = "note") -> str:
    """Return a note of several lines, or none, without the space around it; raise `UnfitInput`."""
    text = text.replace("\r\n", "\n").strip()
    return _clean(text, field=field, limit=MAX_NOTE, allowed="\n\t") if text else ""


def clean_contacts(contacts: Sequence[str]) -> list[str]:
    """Return the e-mail addresses as given, each of them once; raise `UnfitInput`."""
    cleaned = list(dict.fromkeys(contact.strip() for contact in contacts))
    if len(cleaned) > MAX_CONTACTS:
        message = f"There are {len(cleaned)} contacts; please give at most {MAX_CONTACTS}."
        raise UnfitInput(message, field="contacts")
    for contact in cleaned:
        try:
            validate_email(clean_line(contact, field="contacts", limit=MAX_EMAIL))
        except ValidationError:
            message = f"“{contact}” is not an e-mail address such as team@example.com."
            raise UnfitInput(message, field="contacts") from None
    return cleaned


def clean_fingerprint(text: str) -> str:
    """Return a SHA-256 as 64 lower-case hexadecimal digits, given with or without colons.

    Raises `UnfitInput`.
    """
    fingerprint = text.replace(":", "").strip().lower()
    if not re.fullmatch(r"[0-9a-f]{64}", fingerprint):
        message = "This is not a SHA-256 fingerprint, which has 64 hexadecimal digits."
        raise UnfitInput(message, field="spki_sha256")
    return fingerprint


def _clean(text: str, *, field: str, limit: int, allowed: str) -> str:
    if len(text) > limit:
        message = f"The {field} has {len(text)} characters; please use at most {limit}."
        raise UnfitInput(message, field=field)
    if any(_is_unwritten(letter) and letter not in allowed for letter in text):
        message = f"The {field} holds a control character; please write it again without."
        raise UnfitInput(message, field=field)
    if all(unicodedata.category(letter)[0] in "CZ" for letter in text):
        message = f"The {field} is empty; please write something there that people can read."
        raise UnfitInput(message, field=field)
    return text


def _is_unwritten(letter: str) -> bool:
    return unicodedata.category(letter) in {"Cc", "Cs", "Zl", "Zp"} or letter in _TURNS_TEXT
