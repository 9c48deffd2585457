"""What the tests of the ledger share: its check, and changes past the portal."""

from __future__ import annotations

import io
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from portal.registry.choices import Verb
from portal.registry.models import Event
from tests.triggers import triggers_off


def verified() -> str:
    """Return what the command says of a ledger that is whole."""
    output = io.StringIO()
    call_command("verify_ledger", stdout=output)
    return output.getvalue()


def problems(*arguments: str) -> list[str]:
    """Return the differences that the command names."""
    errors = io.StringIO()
    with pytest.raises(CommandError, match="differences, listed above"):
        call_command("verify_ledger", *arguments, stdout=io.StringIO(), stderr=errors)
    return errors.getvalue().splitlines()


def sql(statement: str, *parameters: Any) -> None:
    with triggers_off(), connection.cursor() as cursor:
        cursor.execute(statement, parameters)


def numbers() -> list[int | None]:
    return list(Event.objects.order_by("pk").values_list("number", flat=True))


def older_event(cast: SimpleNamespace, verb: Verb, **facts: Any) -> Event:
    """Write an event as a portal of the version before does."""
    return Event.objects.create(verb=verb, actor_user=cast.dev, **facts)
