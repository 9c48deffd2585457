"""Write keys to standard output, in the formats of the console's export."""

from __future__ import annotations

from portal.console.export import KEYS
from portal.console.management.export_command import ExportCommand


class Command(ExportCommand):
    """Writes keys."""

    help = "Write all keys, or those that match a filter, to standard output, without key material."
    table = KEYS
