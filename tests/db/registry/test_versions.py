"""On SQLite each look at the memory asks the file first."""

from __future__ import annotations

import shutil
import sqlite3
import threading
from pathlib import Path

import pytest
from django.db import connection
from pytest_django import Settings

from portal.registry import changes
from portal.registry.changes.versions import Versions


class Kept:
    """What a keeper was told last."""

    trusted = False
    clearings = 0

    def drop(self, client_id: str) -> None:
        raise AssertionError

    def clear(self) -> None:
        self.clearings += 1

    def trust(self, until: float) -> None:
        self.trusted = True

    def distrust(self) -> None:
        self.trusted = False
        self.clear()

    def serve_on(self, until: float) -> None:
        raise AssertionError


@pytest.fixture
def name(tmp_path: Path) -> str:
    """A database in the portal's mode."""
    name = str(tmp_path / "portal.sqlite3")
    with sqlite3.connect(name) as database:
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("CREATE TABLE t (x)")
    database.close()
    return name


def write(name: str) -> None:
    with sqlite3.connect(name) as database:
        database.execute("INSERT INTO t VALUES (1)")
    database.close()


def look_elsewhere(versions: Versions) -> None:
    other = threading.Thread(target=versions.look)
    other.start()
    other.join()


def test_each_write_empties_the_memory_once_for_each_thread(name: str) -> None:
    kept = Kept()
    versions = Versions(kept, name)
    versions.look()
    assert (kept.trusted, kept.clearings) == (True, 1)
    versions.look()
    assert kept.clearings == 1
    write(name)
    versions.look()
    versions.look()
    assert kept.clearings == 2


def test_first_look_of_another_thread_counts_as_a_change(name: str) -> None:
    kept = Kept()
    versions = Versions(kept, name)
    versions.look()
    look_elsewhere(versions)
    versions.look()
    assert (kept.trusted, kept.clearings) == (True, 2)


def test_file_that_takes_the_place_of_another_counts_as_a_change(name: str, tmp_path: Path) -> None:
    kept = Kept()
    versions = Versions(kept, name)
    versions.look()
    other = Path(shutil.copy(name, tmp_path / "restored"))
    for beside in ("-wal", "-shm"):
        Path(name + beside).unlink()
    other.replace(name)
    versions.look()
    assert (kept.trusted, kept.clearings) == (True, 2)
    write(name)
    versions.look()
    assert kept.clearings == 3


def test_file_that_is_taken_away_is_not_trusted_until_it_is_back(name: str) -> None:
    kept = Kept()
    versions = Versions(kept, name)
    versions.look()
    away = Path(name).rename(f"{name}.away")
    versions.look()
    assert not kept.trusted
    away.rename(name)
    versions.look()
    assert kept.trusted


def test_each_thread_asks_again_after_a_failure_of_another(name: str) -> None:
    """Whatever was written meanwhile, nobody can say."""
    kept = Kept()
    versions = Versions(kept, name)
    versions.look()
    away = Path(name).rename(f"{name}.away")
    look_elsewhere(versions)
    away.rename(name)
    before = kept.clearings
    versions.look()
    assert (kept.trusted, kept.clearings) == (True, before + 1)


def test_without_a_file_nothing_is_trusted(tmp_path: Path) -> None:
    kept = Kept()
    Versions(kept, ":memory:").look()
    Versions(kept, str(tmp_path / "none")).look()
    assert not kept.trusted


def test_file_that_cannot_be_read_is_not_trusted(tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    broken.write_bytes(b"no database" * 100)
    kept = Kept()
    versions = Versions(kept, str(broken))
    versions.look()
    assert not kept.trusted


def test_file_of_the_settings_is_the_one_that_is_asked(
    name: str, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "vendor", "sqlite")
    monkeypatch.setitem(settings.DATABASES["default"], "NAME", name)
    kept = Kept()
    look = changes.watch(kept)
    assert look
    look()
    assert (kept.trusted, kept.clearings) == (True, 1)
    write(name)
    look()
    assert kept.clearings == 2
