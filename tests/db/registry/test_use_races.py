"""Uses of keys are counted while they are stored, by several workers, and by one that is lost."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Event as Signal

import pytest
from django.db import connection, transaction
from django.db.models import Sum

from portal.registry import uses
from portal.registry.models import ClientKey, KeyUse, UseCursor
from portal.registry.uses import count_uses
from tests.db.registry.racing import at_once
from tests.db.used import used
from tests.waiting import PATIENCE_S

pytestmark = [pytest.mark.postgresql, pytest.mark.django_db(transaction=True)]

HOUR = timedelta(hours=1)


def counted() -> int:
    total: int | None = KeyUse.objects.aggregate(sum=Sum("uses"))["sum"]
    return total or 0


def test_a_use_that_commits_later_than_a_newer_one_is_counted_once(key: ClientKey) -> None:
    stored, commit = Signal(), Signal()

    def use_slowly() -> None:
        with transaction.atomic():
            used(key, HOUR)
            stored.set()
            commit.wait(PATIENCE_S)
        connection.close()

    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(use_slowly)
        assert stored.wait(PATIENCE_S)
        used(key, HOUR)
        assert not count_uses()
        assert counted() == 0
        commit.set()
        slow.result(PATIENCE_S)
    assert count_uses()
    assert not count_uses()
    assert counted() == 2


def test_several_workers_count_each_use_once(
    key: ClientKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uses, "BATCH", 3)
    for _ in range(20):
        used(key, HOUR)
    at_once(lambda: [count_uses() for _ in range(3)], 5)
    while count_uses():
        pass
    assert counted() == 20


def test_a_worker_that_is_lost_in_between_has_counted_nothing(
    key: ClientKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    used(key, HOUR)

    def lose(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(UseCursor, "save", lose)
        with pytest.raises(KeyboardInterrupt):
            count_uses()
    assert counted() == 0
    assert count_uses()
    assert counted() == 1
