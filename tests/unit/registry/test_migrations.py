"""Migrations of the registry keep no lock on a busy table while they do something else."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import pytest
from django.db.migrations import AddField, Migration

import portal.registry.migrations as package

FIRST = "0035"
"""The rule holds from here on. Before, 0030 added a column together with other things."""

NAMES = sorted(
    path.stem for path in Path(package.__path__[0]).glob("[0-9]*.py") if path.stem >= FIRST
)


@pytest.mark.parametrize("name", NAMES)
def test_a_column_is_added_by_a_migration_of_its_own(name: str) -> None:
    migration: type[Migration] = import_module(f"{package.__name__}.{name}").Migration
    kinds = {type(each) for each in migration.operations}
    if AddField in kinds:
        assert len(kinds) == 1
