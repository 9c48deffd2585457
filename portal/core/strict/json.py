"""JSON from strangers: no duplicate members, no deep nesting, no numbers of endless length."""

from __future__ import annotations

import json
from math import isinf
from typing import Final, NoReturn

MAX_BRACKETS: Final = 200
"""How many arrays and objects a text may open. It cannot nest deeper than that, so the parser's
recursion (a RecursionError at about 1,000) is guarded before parsing, by counting."""


_WHITE_SPACE: Final = " \t\n\r"  # RFC 8259 §2


class NotJson(Exception):  # noqa: N818 - it says what the text is, as `Refused` does
    """The text is not JSON that we take; the message says why, and holds nothing of the text."""


class TooNested(NotJson):
    """It opens more than `MAX_BRACKETS` arrays and objects."""


class MemberTwice(NotJson):
    """An object has two members of one name."""


class BadCharacter(NotJson):
    """A string holds half a character (a lone surrogate), or NUL."""


def loads(text: str) -> object:
    """Return the value of a JSON text; raise `NotJson` and nothing else.

    RFC 8259 §4 leaves duplicate members open; two parsers that read one key as two are an attack,
    so they are refused (RFC 7517 §4 and RFC 7515 §4 ask for it as well). Numbers are finite, and
    every string can be encoded as UTF-8 (RFC 8259 §8.2) and stored in a database.
    """
    if text.count("[") + text.count("{") > MAX_BRACKETS:
        raise TooNested("It contains too many brackets.")
    text = text.strip(_WHITE_SPACE)
    try:
        value, end = _DECODER.raw_decode(text)
    except ValueError:  # also a number of more digits than Python converts
        raise NotJson("It is not well-formed JSON.") from None
    if end != len(text):
        raise NotJson("It is not well-formed JSON.")
    if "\\u" in text:  # neither can be there but by an escape
        _refuse_characters(value)
    return value


def _members(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise MemberTwice("It has a duplicate member.")
    return members


def _finite(digits: str) -> float:
    number = float(digits)
    if isinf(number):  # 1e400, which RFC 8259 §6 leaves open
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


# Made once: to make one takes longer than to decode a short text.
_DECODER: Final = json.JSONDecoder(
    object_pairs_hook=_members, parse_float=_finite, parse_constant=_refuse_constant
)
