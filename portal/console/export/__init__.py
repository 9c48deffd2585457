"""The export of lists: what is exported, its formats, and the process that does it."""

from portal.console.export.events import EVENTS
from portal.console.export.formats import FORMATS
from portal.console.export.keys import KEYS

__all__ = ["EVENTS", "FORMATS", "KEYS"]
