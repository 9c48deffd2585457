"""Well-formed trees of DER, JSON and SSH strings, and how to spoil them one node at a time.

A fuzzer of bytes breaks the outermost length and is refused there. These trees are written with
right lengths and right brackets after each change, so that what is wrong lies deep inside.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass, field
from random import Random
from typing import Any, TypeVar

from portal.core.formats import der

MAX_BYTES = 30_000
"""A little less than what is read of an input: what is larger is refused for its size."""

DEPTHS = (1, 2, 3, 5, 40, 210, 600)
TAGS = (0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x0C, 0x17, 0x18, 0x30, 0x31, 0x80, 0x82, 0xA0, 0xA3)
CONTENTS = (b"", b"\0", b"\x01", b"\x80", b"\xff", b"\0\0", b"\0\x01", b"\xff\xff", b"\x03" * 40)

_Node = TypeVar("_Node", "Der", "Json")


@dataclass
class Der:
    """An element: with children, or with content. `prefix` is the first byte of a BIT STRING."""

    tag: int
    content: bytes = b""
    children: list[Der] = field(default_factory=list)
    prefix: bytes = b""

    @classmethod
    def read(cls, data: bytes) -> Der:
        """Return the tree of an encoding, strings that hold DER themselves opened."""
        element = der.read(data)
        inner, prefix = element.content, b""
        if element.tag == der.BIT_STRING:
            inner, prefix = inner[1:], inner[:1]
        if element.tag & 0x20 or element.tag in {der.BIT_STRING, der.OCTET_STRING}:
            try:
                parts = der.read_all(inner)
                if element.tag & 0x20 or (parts and parts[0].tag in {0x04, 0x30}):
                    return cls(element.tag, b"", [cls.read(each.encoded) for each in parts], prefix)
            except der.NotDer:
                pass
        return cls(element.tag, element.content)

    def write(self) -> bytes:
        """Return the encoding, with right lengths."""
        if not self.children:
            return der.encode(self.tag, self.prefix, self.content)
        return der.encode(self.tag, self.prefix, *(child.write() for child in self.children))

    def all(self) -> Iterator[Der]:
        """Yield this element and all below it."""
        yield self
        for child in self.children:
            yield from child.all()

    def fill(self, content: bytes) -> None:
        """Put bytes in place of what is in the element."""
        self.content, self.children = content, []


DER_CHANGES = [
    "drop",
    "double",
    "swap",
    "empty",
    "tag",
    "content",
    "prefix",
    "replace",
    "wrap",
    "bury",
]


def spoil_der(root: Der, random: Random, corpus: list[Der]) -> None:
    """Change one place in the tree."""
    node = random.choice(list(root.all()))
    change = random.choice(DER_CHANGES)
    match change:
        case "drop" | "double" | "swap":
            spoil_list(node.children, change, random)
        case "empty":
            node.fill(b"")
        case "tag":
            node.tag = random.choice(TAGS)
        case "content":
            node.fill(random.choice((*CONTENTS, random.randbytes(random.randrange(70)))))
        case "prefix":
            node.prefix = random.choice((b"", b"\0", b"\x01", b"\x08"))
        case "replace":
            other = deepcopy(random.choice(list(random.choice(corpus).all())))
            node.tag, node.content, node.children = other.tag, other.content, other.children
        case "wrap":
            tag = random.choice((node.tag, der.SEQUENCE, der.OCTET_STRING, 0xA0))
            encoded = node.write()
            for _ in range(random.choice(DEPTHS) - 1):
                encoded = der.encode(tag, encoded)
            node.tag = tag
            node.fill(encoded)
        case "bury":  # the whole in one of its parts, over and over
            for _ in range(random.choice(DEPTHS)):
                encoded = root.write()
                if len(encoded) > MAX_BYTES:
                    break
                node.fill(encoded)


def spoil_list(items: list[Any], change: str, random: Random) -> None:
    """Drop or double one of the items, or shuffle them all."""
    if not items:
        return
    at = random.randrange(len(items))
    match change:
        case "drop":
            items.pop(at)
        case "double":
            items.insert(at, deepcopy(items[at]))
        case "swap":
            random.shuffle(items)


@dataclass
class Json:
    """An object or array as its pairs (the names of an array are empty), or any other value.

    `raw` is inserted as it is, and need not be JSON.
    """

    pairs: list[tuple[str, Json]] | None = None
    value: Any = None
    is_object: bool = False
    raw: str = ""

    @classmethod
    def of(cls, value: Any) -> Json:
        """Return the tree of a value."""
        if isinstance(value, dict):
            return cls([(name, cls.of(each)) for name, each in value.items()], is_object=True)
        if isinstance(value, list):
            return cls([("", cls.of(each)) for each in value])
        return cls(value=value)

    def write(self) -> str:
        """Return the JSON, with whatever stands twice in it."""
        if self.raw:
            return self.raw
        if self.pairs is None:
            return json.dumps(self.value)
        if self.is_object:
            members = (f"{json.dumps(name)}:{each.write()}" for name, each in self.pairs)
            return "{" + ",".join(members) + "}"
        return "[" + ",".join(each.write() for _, each in self.pairs) + "]"

    def all(self) -> Iterator[Json]:
        """Yield this value and all below it."""
        yield self
        for _, each in self.pairs or ():
            yield from each.all()

    def become(self, other: Json) -> None:
        """Put another value in place of this one."""
        self.pairs, self.value, self.is_object, self.raw = (
            other.pairs, other.value, other.is_object, other.raw,
        )  # fmt: skip


VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 0.5, 1e308, 2**70, "", " ", "\0", "\ud800", "=", "AA", "AQAB", "A"),
    *("A" * 43, "A" * 342, "x" * 3000, [], {}, [[]], [None], ["verify"], {"": ""}, {"kty": "RSA"}),
)
NAMES = (
    *("kty", "crv", "x", "y", "n", "e", "d", "p", "q", "k", "priv", "pub", "oth", "keys", "key"),
    *("alg", "kid", "use", "typ", "crit", "iss", "sub", "aud", "exp", "iat", "jti", "nbf"),
)
RAW = ("1e400", "-0", "NaN", "9" * 4000, "1e-999", "01", "'", '"\\ud800"', '"\\u0000"', '"\\', "}")


JSON_CHANGES = (
    *("drop", "double", "swap", "empty", "name", "value", "raw", "cut", "replace", "wrap", "bury"),
)


def spoil_json(root: Json, random: Random, corpus: list[Json]) -> None:
    """Change one place in the tree."""
    node = random.choice(list(root.all()))
    pairs = node.pairs or []
    change = random.choice(JSON_CHANGES)
    match change:
        case "drop" | "double" | "swap":
            spoil_list(pairs, change, random)
        case "empty":
            pairs.clear()
        case "name" if pairs:
            at = random.randrange(len(pairs))
            pairs[at] = (random.choice((*NAMES, "", "\0", "\ud800")), pairs[at][1])
        case "value":
            node.become(Json.of(random.choice(VALUES)))
        case "raw":
            node.become(Json(raw=random.choice(RAW)))
        case "cut" if isinstance(node.value, str):
            node.value = node.value[: random.randrange(len(node.value) + 1)]
        case "replace":
            node.become(deepcopy(random.choice(list(random.choice(corpus).all()))))
        case "wrap":
            depth = random.choice(DEPTHS)
            left, right = random.choice((("[", "]"), ('{"a":', "}"), ('{"keys":[', "]}")))
            node.become(Json(raw=left * depth + node.write() + right * depth))
        case "bury":
            for _ in range(random.choice(DEPTHS)):
                text = root.write()
                if len(text) > MAX_BYTES:
                    break
                node.become(Json(raw=random.choice((text, json.dumps(text)))))


SSH_CHANGES = ("drop", "double", "swap", "empty", "content", "wrap", "length", "none")


def spoil_fields(fields: list[bytes], random: Random) -> bytes:
    """Change one of the strings that SSH writes with their lengths before them (RFC 4251 §5)."""
    at = random.randrange(len(fields))
    change = random.choice(SSH_CHANGES)
    match change:
        case "drop" | "double" | "swap":
            spoil_list(fields, change, random)
        case "empty":
            fields[at] = b""
        case "content":
            fields[at] = random.choice((*CONTENTS, random.randbytes(random.randrange(70))))
        case "wrap":
            for _ in range(random.choice(DEPTHS)):
                fields[at] = ssh_strings([fields[at]])
        case "length":
            lie = random.choice((0, 1, 2**16, 2**31, 2**32 - 1))
            return ssh_strings(fields[:at]) + lie.to_bytes(4, "big") + ssh_strings(fields[at:])
    return ssh_strings(fields)


def ssh_strings(fields: list[bytes]) -> bytes:
    """Return the strings, each with its length before it."""
    return b"".join(len(each).to_bytes(4, "big") + each for each in fields)


def spoiled(
    tree: _Node,
    corpus: list[_Node],
    random: Random,
    spoil: Callable[[_Node, Random, list[_Node]], None],
) -> _Node:
    """Return the tree with one to four changes, some of them from others of the corpus."""
    root = deepcopy(tree)
    for _ in range(random.choice((1, 1, 1, 2, 3, 4))):
        spoil(root, random, corpus)
    return root
