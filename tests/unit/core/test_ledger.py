"""The tree of the ledger and the bytes of its leaves."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.core.ledger import Entry, Tree, leaf_hash, sealed, texts

# The reference leaves and roots of Certificate Transparency (merkle_tree_test.cc, RFC 6962, 9162).
LEAVES = [
    bytes.fromhex(each)
    for each in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


def tree_of(contents: list[bytes]) -> Tree:
    tree = Tree.empty()
    for content in contents:
        tree.append(leaf_hash(content))
    return tree


def reference_root(contents: list[bytes]) -> bytes:
    """Return MTH(D[n]) word for word as RFC 9162 §2.1.1 defines it."""
    if not contents:
        return hashlib.sha256(b"").digest()
    if len(contents) == 1:
        return hashlib.sha256(b"\x00" + contents[0]).digest()
    k = 1
    while k * 2 < len(contents):
        k *= 2
    left, right = reference_root(contents[:k]), reference_root(contents[k:])
    return hashlib.sha256(b"\x01" + left + right).digest()


@pytest.mark.parametrize("size", range(len(ROOTS)))
def test_the_published_roots_come_out(size: int) -> None:
    assert tree_of(LEAVES[:size]).root.hex() == ROOTS[size]


@given(st.lists(st.binary(max_size=4), max_size=70))
def test_every_tree_has_the_root_that_the_rfc_defines(contents: list[bytes]) -> None:
    assert tree_of(contents).root == reference_root(contents)


@given(st.lists(st.binary(max_size=2), max_size=70))
def test_each_subtree_of_the_frontier_is_a_tree_of_its_leaves(contents: list[bytes]) -> None:
    tree = tree_of(contents)
    covered: list[int] = []
    for first, last, subtree in tree.subtrees():
        assert subtree == reference_root(contents[first - 1 : last])
        covered += range(first, last + 1)
    assert covered == list(range(1, len(contents) + 1))
    assert len(tree.frontier) <= len(contents).bit_length()


# --- The canonical form: these bytes are in databases, and never change ---------------------------

AT = datetime(2026, 3, 31, 12, 0, 0, 5, tzinfo=UTC)
ENTRY: dict[str, Any] = {
    "number": 7,
    "at": AT,
    "verb": "revoke_key",
    "actor": {"person": 3},
    "client_id": "payments",
    "kid": "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs",
    "detail": {"reason": "compromised", "note": "Ann's laptop är weg"},
    "salts": {"/note": "000102030405060708090a0b0c0d0e0f"},
}
VECTORS = [
    (
        {},
        (
            '{"actor":{"person":3},"at":"2026-03-31T12:00:00.000005Z","client_id":"payments",'
            '"detail":{"note":{"sha256":'
            '"cd08bf1dc98f6863c87aa5da73b3f48030c19f4b1a7ee603499e404de11d66ec"},'
            '"reason":"compromised"},"kid":"NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs",'
            '"number":7,"verb":"revoke_key","version":1}'
        ),
        "944ab1931afc741d2e6d17983cf9baa733a8a75b155e373141d9b370438342c3",
    ),
    (
        {"actor": {"client_id": "payments", "kid": "k"}, "kid": None, "detail": {}, "salts": {}},
        (
            '{"actor":{"client_id":"payments","kid":"k"},"at":"2026-03-31T12:00:00.000005Z",'
            '"client_id":"payments","detail":{},"kid":null,"number":7,"verb":"revoke_key","version":1}'
        ),
        "34a9009d3efe26af40028abe09a38ab94bfae9e16f92e8e7690ff692c465dc50",
    ),
    (
        {
            "at": AT.replace(microsecond=0),
            "actor": {},
            "client_id": None,
            "kid": None,
            "detail": {"a/b": ["ä", 1, True, None], "~": {"x": "\U0001f511"}},
            "salts": {"/a~1b/0": "", "/~0/x": "ff"},
        },
        (
            '{"actor":{},"at":"2026-03-31T12:00:00.000000Z","client_id":null,"detail":{"a/b":[{"sha256":'
            '"33e6d73fee82904c8d7afb78de1154d1e8dc2a0edb08120e63df5b9385c2d9cc"},1,true,null],"~":{"x":{"sha256":'
            '"5a8e788aa2fcd033e2738f404f98c87545d62568c870260c3e12ef2aa5630874"}}},"kid":null,'
            '"number":7,"verb":"revoke_key","version":1}'
        ),
        "c63a4e2f7b85e282675963d3ff71f1a62577396af81d07679c1cb08724eb6108",
    ),
]


@pytest.mark.parametrize(("changes", "canonical", "leaf"), VECTORS)
def test_the_canonical_form_is_fixed(changes: dict[str, Any], canonical: str, leaf: str) -> None:
    entry = Entry(**ENTRY | changes)
    assert entry.canonical().decode() == canonical
    assert entry.leaf.hex() == leaf


def test_the_leaf_does_not_depend_on_the_time_zone_and_the_order_of_members() -> None:
    east = AT.astimezone(timezone(timedelta(hours=2)))
    detail = dict(reversed(ENTRY["detail"].items()))
    assert Entry(**ENTRY | {"at": east, "detail": detail}).leaf == Entry(**ENTRY).leaf


def test_the_leaf_has_no_private_text() -> None:
    assert b"laptop" not in Entry(**ENTRY).canonical()


@pytest.mark.parametrize(
    "change",
    [
        {"number": 8},
        {"at": AT + timedelta(microseconds=1)},
        {"verb": "keep_key"},
        {"actor": {"person": 4}},
        {"actor": {}},
        {"client_id": "other"},
        {"kid": None},
        {"detail": ENTRY["detail"] | {"note": "Ann's laptop"}},
        {"detail": ENTRY["detail"] | {"reason": "superseded"}},
        {"salts": {"/note": "ff"}},
        {"salts": {}},
    ],
)
def test_each_fact_is_in_the_leaf(change: dict[str, Any]) -> None:
    assert Entry(**ENTRY | change).leaf != Entry(**ENTRY).leaf


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(JSON, st.binary(min_size=1, max_size=4))
def test_texts_can_be_erased_and_the_leaf_stays_the_same(value: Any, salt: bytes) -> None:
    detail = {"detail": value}
    salts = dict.fromkeys(texts(detail), salt.hex())
    before = Entry(**ENTRY | {"detail": detail, "salts": salts})
    after = Entry(**ENTRY | {"detail": sealed(detail, salts), "salts": {}})
    assert after.leaf == before.leaf


def test_a_number_with_a_fraction_is_refused() -> None:
    with pytest.raises(ValueError, match=r"0\.5 at /a/0"):
        sealed({"a": [0.5]}, {})
