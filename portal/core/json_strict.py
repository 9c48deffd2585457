"""JSON from strangers: no duplicate members, no deep nesting, no numbers of endless length."""

from __future__ import annotations

import json
from typing import Final, NoReturn

MAX_BRACKETS: Final = 200
"""How many arrays and objects a text may open. It cannot nest deeper than that, so the parser's
recursion (a RecursionError at about 1,000) is guarded before parsing, by counting."""


class NotJson(Exception):  # noqa: N818 - it says what the text is, as `Refused` does
    """The text is not JSON that we take; the message says why, and holds nothing of the text."""


def loads(text: str) -> object:
    """Return the value of a JSON text; raise `NotJson` and nothing else.

    RFC 8259 §4 leaves duplicate members open; two parsers that read one key as two are an attack,
    so they are refused (RFC 7517 §4 asks for it as well).
    """
    if text.count("[") + text.count("{") > MAX_BRACKETS:
        raise NotJson("It has far more brackets than a key needs.")
    try:
        value: object = json.loads(
            text, object_pairs_hook=_members, parse_constant=_refuse_constant
        )
    except ValueError:  # also a number of more digits than Python converts
        raise NotJson("It is not well-formed JSON.") from None
    return value


def _members(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise NotJson("A member stands there twice.")
    return members


def _refuse_constant(_name: str) -> NoReturn:
    raise NotJson("It is not well-formed JSON.")
