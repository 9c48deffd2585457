"""The refused token requests of all clients."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpResponse
from django.utils import timezone

from portal.console.decorators import AdminRequest, admin_view
from portal.console.filters import RefusedRequestFilter
from portal.web.explanations import explanation_of
from portal.web.render import show


@admin_view("GET", "HEAD")
def refused(request: AdminRequest) -> HttpResponse:
    """List refused token requests, newest first, or the one with a reference."""
    form = RefusedRequestFilter(request.GET)
    now = timezone.now()
    page = form.page(now)
    requests = [(each, explanation_of(each.reason)) for each in page.rows] if page else []
    context = form.listing(page, now) | {"requests": requests, "days": settings.TOKEN_REQUEST_DAYS}
    status = 422 if page is None else 200
    return show(request, "console/refused_requests.html", context, fragment="found", status=status)
