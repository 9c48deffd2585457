"""Untrusted JSON: no duplicate members, no deep nesting, no numbers of unbounded length."""

from __future__ import annotations

import json
from math import isinf
from typing import Final, NoReturn

MAX_BRACKETS: Final = 200
"""How many arrays and objects a text may open. Nesting cannot be deeper, so counting them before
parsing prevents a RecursionError of the parser (at a depth of about 1,000)."""


_WHITE_SPACE: Final = " \t\n\r"  # RFC 8259 §2


class NotJson(Exception):  # noqa: N818 - it says what the text is, as `Refused` does
    """The text is not acceptable JSON; the message says why and contains nothing of the text."""


class TooNested(NotJson):
    """The text opens more than `MAX_BRACKETS` arrays and objects."""


class MemberTwice(NotJson):
    """An object has two members with the same name."""


class BadCharacter(NotJson):
    """A string contains a lone surrogate or NUL."""


def loads(text: str) -> object:
    """Return the value of a JSON text; raise `NotJson` and no other exception.

    RFC 8259 §4 does not define duplicate members. If two parsers read one text differently, an
    attack is possible, so duplicates are refused (RFC 7517 §4 and RFC 7515 §4 require it too).
    Numbers are finite, and every string can be encoded as UTF-8 (RFC 8259 §8.2) and stored in a
    database.
    """
    if text.count("[") + text.count("{") > MAX_BRACKETS:
        raise TooNested("It contains too many brackets.")
    text = text.strip(_WHITE_SPACE)
    try:
        value, end = _DECODER.raw_decode(text)
    except ValueError:  # also a number with more digits than Python converts
        raise NotJson("It is not well-formed JSON.") from None
    if end != len(text):
        raise NotJson("It is not well-formed JSON.")
    if "\\u" in text:  # only an escape can produce either
        _refuse_characters(value)
    return value


def _members(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise MemberTwice("It has a duplicate member.")
    return members


def _finite(digits: str) -> float:
    number = float(digits)
    if isinf(number):  # such as 1e400; RFC 8259 §6 sets no limit
        raise NotJson("It contains a number that is too large.")
    return number


def _refuse_constant(_name: str) -> NoReturn:
    raise NotJson("It is not well-formed JSON.")


def _refuse_characters(value: object) -> None:
    waiting = [value]
    while waiting:
        each = waiting.pop()
        if isinstance(each, str):
            if "\0" in each or any("\ud800" <= letter <= "\udfff" for letter in each):
                raise BadCharacter("It contains a string with a lone surrogate or NUL.")
        elif isinstance(each, dict):
            waiting += each
            waiting += each.values()
        elif isinstance(each, list):
            waiting += each


# Created once: creating one takes longer than decoding a short text.
_DECODER: Final = json.JSONDecoder(
    object_pairs_hook=_members, parse_float=_finite, parse_constant=_refuse_constant
)
