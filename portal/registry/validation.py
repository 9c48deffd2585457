"""Validation of text that people enter, the same for every caller and for both databases.

PostgreSQL refuses over-long texts, NUL bytes and lone surrogates with an error of its own; SQLite
stores them. Forms check too, to show the error at the field. The commands rely on these checks.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from typing import Final

from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from portal.registry.errors import UnfitInput

MAX_NAME: Final = 100
MAX_NOTE: Final = 500
MAX_EMAIL: Final = 254
MAX_CONTACTS: Final = 20

# Unicode TR36 §2.10: these change the text direction and can make one name look like another.
_TURNS_TEXT: Final = frozenset(
    "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
)

# Unicode's Default_Ignorable_Code_Point and the blank Braille pattern: without them, names that
# look the same are the same.
_INVISIBLE: Final = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f"
    "\u2800\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    "\U000e0000-\U000e0fff]"
)

_ZWNJ, _ZWJ, _EMOJI, _VIRAMA = "\u200c", "\u200d", "\ufe0f", 9

# The portal's name with any spacing. "Monkey portal" does not match.
_OWN_NAME: Final = re.compile(r"(?<![^\W_])" + r"[\W_]*".join("keyportal"))
# Maps digits, Cyrillic and Greek letters to the letters of the portal's name that they resemble.
_LOOKALIKES: Final = str.maketrans(
    "0157\u0430\u0435\u043e\u0440\u0441\u0443\u0445\u043a\u0433\u0442\u04cf"
    "\u0456\u03b1\u03b5\u03bf\u03c1\u03b9\u03c5\u03ba\u03c4",
    "olstaeopcyxkrtllaeoplykt",
)
_WORD: Final = re.compile(r"[^\W\d_]+")
_SCRIPTS: Final = ("LATIN", "GREEK", "CYRILLIC")


def clean_line(text: str, *, field: str, limit: int = MAX_NAME) -> str:
    """Return a line of text without surrounding whitespace. Raises `UnfitInput`.

    It is shown as a name, so invisible characters are refused, except where they shape the
    characters around them.
    """
    text = _clean(text.strip(), field=field, limit=limit, allowed="")
    for found in _INVISIBLE.finditer(text):
        if not _joins(text, found.start()):
            code = f"U+{ord(found[0]):04X}"
            message = f"The {field} contains an invisible character ({code}). Remove it."
            raise UnfitInput(message, field=field)
    return text


def clean_client_name(text: str) -> str:
    """Return the name of a client without surrounding whitespace. Raises `UnfitInput`.

    People rely on it when they consent, so it must neither be the portal's own name nor mix letters
    of scripts that look alike (Unicode TR39 §5.1).
    """
    name = clean_line(text, field="name")
    letters = unicodedata.normalize("NFKD", name).casefold().translate(_LOOKALIKES)
    if _OWN_NAME.search(letters):
        message = "This is the portal's own name. Choose another name for the client."
        raise UnfitInput(message, field="name")
    for word in _WORD.findall(name):
        scripts = {unicodedata.name(letter, "").split(" ")[0] for letter in word}
        if len(mixed := [each.title() for each in _SCRIPTS if each in scripts]) > 1:
            message = f"“{word}” mixes {' and '.join(mixed)} letters. Use one script."
            raise UnfitInput(message, field="name")
    return name


def clean_note(text: str, *, field: str = "note") -> str:
    """Return a note, which may be empty, without surrounding whitespace. Raises `UnfitInput`."""
    text = text.replace("\r\n", "\n").strip()
    return _clean(text, field=field, limit=MAX_NOTE, allowed="\n\t") if text else ""


def clean_contacts(contacts: Sequence[str]) -> list[str]:
    """Return the e-mail addresses as given, without duplicates. Raises `UnfitInput`."""
    cleaned = list(dict.fromkeys(contact.strip() for contact in contacts))
    if len(cleaned) > MAX_CONTACTS:
        message = f"These are {len(cleaned)} contacts. Enter at most {MAX_CONTACTS}."
        raise UnfitInput(message, field="contacts")
    for contact in cleaned:
        try:
            validate_email(clean_line(contact, field="contacts", limit=MAX_EMAIL))
        except ValidationError:
            message = f"“{contact}” is not an e-mail address such as team@example.com."
            raise UnfitInput(message, field="contacts") from None
    return cleaned


def clean_email(text: str, *, field: str = "email") -> str:
    """Return an e-mail address in lower case, without spaces around it. Raises `UnfitInput`."""
    email = clean_line(text, field=field, limit=MAX_EMAIL).lower()
    try:
        validate_email(email)
    except ValidationError:
        message = f"“{email}” is not an e-mail address such as ann@example.com."
        raise UnfitInput(message, field=field) from None
    return email


def clean_fingerprint(text: str) -> str:
    """Return a SHA-256 as 64 lower-case hexadecimal digits. The input may contain colons.

    Raises `UnfitInput`.
    """
    fingerprint = text.replace(":", "").strip().lower()
    if not re.fullmatch(r"[0-9a-f]{64}", fingerprint):
        message = "This is not a SHA-256 fingerprint: it needs 64 hexadecimal digits."
        raise UnfitInput(message, field="spki_sha256")
    return fingerprint


def _clean(text: str, *, field: str, limit: int, allowed: str) -> str:
    if len(text) > limit:
        message = f"The {field} has {len(text)} characters. Use at most {limit}."
        raise UnfitInput(message, field=field)
    if any(_is_unwritten(letter) and letter not in allowed for letter in text):
        message = f"The {field} contains a control character. Remove it."
        raise UnfitInput(message, field=field)
    if all(unicodedata.category(letter)[0] in "CZ" for letter in text):
        message = f"The {field} is empty. Enter visible characters."
        raise UnfitInput(message, field=field)
    return text


def _joins(text: str, at: int) -> bool:
    """Return whether the invisible character at `at` shapes the characters around it.

    For Indic and Arabic letters see RFC 5892 appendix A.1 and A.2. The other cases form an emoji.
    """
    before, joiner, after = text[at - 1 : at], text[at], text[at + 1 : at + 2]
    if not before:
        return False
    if joiner in {_ZWNJ, _ZWJ} and unicodedata.combining(before) == _VIRAMA:
        return True
    if joiner == _ZWNJ:
        return {unicodedata.bidirectional(each) for each in (before, after or "a")} == {"AL"}
    if joiner == _ZWJ:
        is_emoji = unicodedata.category(before) in {"So", "Sk"} or before == _EMOJI
        return is_emoji and bool(after) and unicodedata.category(after) == "So"
    return joiner == _EMOJI and unicodedata.category(before) == "So"


def _is_unwritten(letter: str) -> bool:
    return unicodedata.category(letter) in {"Cc", "Cs", "Zl", "Zp"} or letter in _TURNS_TEXT
