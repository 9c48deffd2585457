"""Stream a list as a file."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.core.exceptions import BadRequest
from django.http.response import HttpResponseBase, StreamingHttpResponse
from django.utils import timezone

from portal.console.decorators import AdminRequest
from portal.console.export import FORMATS
from portal.console.export.process import limit_reached, run_export
from portal.console.export.table import Table
from portal.web.errors import unavailable


def export_of(
    request: AdminRequest, table: Table[Any], page: Callable[..., HttpResponseBase]
) -> HttpResponseBase:
    """Stream the rows that match the filters, as `?format=csv` or `jsonl`.

    A server process runs the export in another process, and answers 503 if too many are running.
    With invalid filters, the answer is the `page` of the list.
    """
    chosen = FORMATS.get(request.GET.get("format", "csv"))
    if chosen is None:
        message = "Unknown format. Use csv or jsonl."
        raise BadRequest(message)
    form, now = table.filter(request.GET), timezone.now()
    if not form.is_valid():
        return page(request)
    if settings.THREADS:
        if limit_reached():
            return unavailable(request, busy=True)
        pieces = run_export(table.name, chosen, form.query())
    else:
        pieces = table.export(chosen, form, form.rows(now), now)
    response = StreamingHttpResponse(pieces, content_type=chosen.media_type)
    name = f"{table.name}-{now:%Y-%m-%d}.{chosen.extension}"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
