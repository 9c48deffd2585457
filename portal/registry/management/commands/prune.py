"""Delete expired rows."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from portal.registry.cleanup import prune


class Command(BaseCommand):
    """Deletes in small transactions, while the portal serves. Idempotent."""

    help = "Delete expired assertions, refused requests, codes, tokens and sessions."

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Delete expired rows; print how many of each kind."""
        for kind, number in prune(timezone.now()).items():
            self.stdout.write(f"{number} {kind} deleted")
