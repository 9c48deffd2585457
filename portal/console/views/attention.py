"""The start page of the console: what needs attention."""

from __future__ import annotations

from django.http import HttpResponse
from django.utils import timezone

from portal.console.attention import ends_by_week, items, refused_by_hour
from portal.console.decorators import AdminRequest, admin_view
from portal.registry.paging import SCAN
from portal.web.render import show
from portal.work.worker import worker_state


@admin_view("GET", "HEAD")
def attention(request: AdminRequest) -> HttpResponse:
    """Show what needs attention, with a number and a link to its list."""
    now = timezone.now()
    found = items(now)
    context = {
        "section": "console",
        "tab": "attention",
        "items": [each for each in found if not each.is_none],
        "nothing": [each for each in found if each.is_none],
        "charts": [ends_by_week(now), refused_by_hour(now)],
        "workers": worker_state(now),
        "scan": f"{SCAN:,}",
        "now": now,
    }
    return show(request, "console/attention.html", context)
