"""The numbers of keys in their clients, also of keys that an older version has registered."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from django.db import IntegrityError

from portal.registry.key_numbers import count_keys, number_of
from portal.registry.models import Client, ClientKey
from tests.keys import new_private_key, public_pem
from tests.registering import register_pem


def add(client: Client, cast: SimpleNamespace) -> ClientKey:
    material = public_pem(new_private_key())
    return register_pem(client, material=material, alg="EdDSA", label="Key", by=cast.dev)


def test_keys_are_numbered_in_each_client(
    payments: Client, key: ClientKey, other: Client, cast: SimpleNamespace
) -> None:
    assert [add(payments, cast).number, add(other, cast).number] == [2, 1]
    assert (count_keys(payments), count_keys(other), number_of(key)) == (2, 1, 1)


@pytest.mark.parametrize("unnumbered", [{1, 2, 3}, {2}, {3}, {1, 2}, {2, 3}])
def test_keys_of_older_versions_are_counted(
    payments: Client, cast: SimpleNamespace, unnumbered: set[int]
) -> None:
    assert count_keys(payments) == 0
    keys = [add(payments, cast) for _ in range(3)]
    older = [keys[number - 1].pk for number in unnumbered]
    ClientKey.objects.filter(pk__in=older).update(number=None)
    assert count_keys(payments) == 3
    assert [number_of(key) for key in payments.keys.order_by("pk")] == [1, 2, 3]
    assert add(payments, cast).number == 4


def test_two_keys_never_have_the_same_number(
    payments: Client, key: ClientKey, cast: SimpleNamespace
) -> None:
    second = ClientKey.objects.filter(pk=add(payments, cast).pk)
    with pytest.raises(IntegrityError, match=r"key_of_number|client_id, .*number"):
        second.update(number=key.number)
