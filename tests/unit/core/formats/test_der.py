"""Strict DER: whatever is accepted has one encoding."""

from __future__ import annotations

import pytest

from portal.core.formats import der
from portal.core.formats.der import NotDer


@pytest.mark.parametrize(
    "encoded",
    ["", "30", "3080", "308000", "30800000", "3001", "30810100", "30820001ff", "3f0100",
     "1f8100", "300200", "3000ff", "3084000000010000", "30ff"],
)  # fmt: skip
def test_what_is_not_one_der_element_is_refused(encoded: str) -> None:
    with pytest.raises(NotDer):
        der.read(bytes.fromhex(encoded))


@pytest.mark.parametrize("content", ["", "0000", "007f", "ff80", "ffff"])
def test_integer_has_one_form(content: str) -> None:
    with pytest.raises(NotDer):
        der.read(der.encode(der.INTEGER, bytes.fromhex(content))).integer()


@pytest.mark.parametrize(
    ("content", "value"), [("00", 0), ("7f", 127), ("0080", 128), ("80", -128), ("ff7f", -129)]
)
def test_integer_is_signed(content: str, value: int) -> None:
    assert der.read(der.encode(der.INTEGER, bytes.fromhex(content))).integer() == value


@pytest.mark.parametrize("value", [0, 1, 127, 128, 255, 256, 65537, 2**2048 - 1, 2**8192])
def test_integer_goes_both_ways(value: int) -> None:
    assert der.read(der.encode_integer(value)).integer() == value


@pytest.mark.parametrize("size", [0, 1, 127, 128, 255, 256, 65535, 65536])
def test_length_goes_both_ways(size: int) -> None:
    element = der.read(der.encode(der.OCTET_STRING, bytes(size)))
    assert element.contents(der.OCTET_STRING) == bytes(size)
    assert der.encode(element.tag, element.content) == element.encoded


def test_bit_string_has_no_unused_bits() -> None:
    assert der.read(bytes.fromhex("030200ff")).bits() == b"\xff"
    for encoded in ("030201fe", "0300"):
        with pytest.raises(NotDer):
            der.read(bytes.fromhex(encoded)).bits()


def test_element_of_another_tag_is_refused() -> None:
    element = der.read(bytes.fromhex("0400"))
    for read in (element.children, element.integer, element.bits):
        with pytest.raises(NotDer):
            read()
