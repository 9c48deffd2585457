"""The filters of the lists: their query parameters, and the rows that match."""

from portal.console.filters.blocked import BlockedFilter
from portal.console.filters.clients import ClientFilter
from portal.console.filters.events import EventFilter
from portal.console.filters.jobs import AffectedClients, JobFilter
from portal.console.filters.keys import KeyFilter
from portal.console.filters.refused_requests import RefusedRequestFilter

__all__ = [
    "AffectedClients",
    "BlockedFilter",
    "ClientFilter",
    "EventFilter",
    "JobFilter",
    "KeyFilter",
    "RefusedRequestFilter",
]
