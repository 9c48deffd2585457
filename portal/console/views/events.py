"""List and export events."""

from __future__ import annotations

from django.conf import settings
from django.core.exceptions import BadRequest
from django.http import HttpResponse
from django.http.response import HttpResponseBase, StreamingHttpResponse
from django.utils import timezone

from portal import own_keys
from portal.console.decorators import AdminRequest, admin_view
from portal.console.event_text import event_text, readable
from portal.console.export import COLUMNS, FORMATS
from portal.console.export_process import limit_reached, run_export
from portal.console.filters import EventFilter
from portal.registry.checkpoints import signed_checkpoint
from portal.registry.models import Ledger
from portal.registry.serving import serving
from portal.web.errors import unavailable
from portal.web.render import show, wants_fragment


@admin_view("GET", "HEAD")
def events(request: AdminRequest) -> HttpResponse:
    """List events, newest first."""
    form = EventFilter(request.GET)
    now = timezone.now()
    page = form.page(now)
    rows = page.rows if page else []
    events = [(event, event_text(event), readable(event.detail)) for event in rows]
    context = form.listing(page, now) | {"events": events, "columns": COLUMNS.items()}
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
    """Stream the events that match the filters, as `?format=csv` or `jsonl`.

    A server process runs the export in another process, and answers 503 if too many are running.
    """
    chosen = FORMATS.get(request.GET.get("format", "csv"))
    if chosen is None:
        message = "Unknown format. Use csv or jsonl."
        raise BadRequest(message)
    form = EventFilter(request.GET)
    if not form.is_valid():
        return events(request)
    now = timezone.now()
    if settings.THREADS:
        if limit_reached():
            return unavailable(request, busy=True)
        pieces = run_export(chosen, form.query())
    else:
        pieces = chosen.export(form.rows(now), form.index_filter)
    response = StreamingHttpResponse(pieces, content_type=chosen.media_type)
    name = f"events-{now:%Y-%m-%d}.{chosen.extension}"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
