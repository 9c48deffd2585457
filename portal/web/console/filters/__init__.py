"""The filters of the lists: what may stand in their addresses, and which rows they leave."""

from portal.web.console.filters.blocked import BlockedFilter
from portal.web.console.filters.clients import ClientFilter
from portal.web.console.filters.events import EventFilter
from portal.web.console.filters.keys import KeyFilter
from portal.web.console.filters.refused import RefusedFilter

__all__ = ["BlockedFilter", "ClientFilter", "EventFilter", "KeyFilter", "RefusedFilter"]
