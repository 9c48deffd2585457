"""List and export events."""

from __future__ import annotations

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.utils import timezone

from portal import own_keys
from portal.console.decorators import AdminRequest, admin_view
from portal.console.event_text import event_text, readable
from portal.console.export import EVENTS
from portal.console.filters import EventFilter
from portal.console.views.export import export_of
from portal.registry.checkpoints import signed_checkpoint
from portal.registry.models import Ledger
from portal.registry.serving import serving
from portal.web.render import show, wants_fragment


@admin_view("GET", "HEAD")
def events(request: AdminRequest) -> HttpResponse:
    """List events, newest first."""
    form = EventFilter(request.GET)
    now = timezone.now()
    page = form.page(now)
    rows = page.rows if page else []
    events = [(event, event_text(event), readable(event.detail)) for event in rows]
    context = form.listing(page, now) | {"events": events, "table": EVENTS}
    if not form.narrows and not wants_fragment(request):
        context |= _ledger()
    status = 422 if page is None else 200
    return show(request, "console/events.html", context, fragment="found", status=status)


def _ledger() -> dict[str, object]:
    """Return the head of the ledger, and its checkpoint if a signing key is configured."""
    head = Ledger.head()
    key = own_keys.signing_key(own_keys.CHECKPOINT)
    note = signed_checkpoint(head, key).decode() if key else None
    return {"ledger": head, "checkpoint": note, "serving": serving()}


@admin_view("GET", "HEAD")
def export(request: AdminRequest) -> HttpResponseBase:
    """Stream the events that match the filters."""
    return export_of(request, EVENTS, events)
