"""The one place that chooses between a whole page and the part of it that htmx swaps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.utils.cache import patch_vary_headers


def show(
    request: HttpRequest,
    template: str,
    context: Mapping[str, Any] | None = None,
    *,
    fragment: str = "",
    status: int = 200,
) -> HttpResponse:
    """Render the template, or only its partial `fragment` when htmx asks and there is one.

    With a fragment come the messages of the request, as an out-of-band swap: they stand in the
    frame of the page, which htmx leaves alone.
    """
    if fragment and wants_fragment(request):
        response = render(request, f"{template}#{fragment}", dict(context or {}), status=status)
        response.write(render_to_string("partials/messages_oob.html", request=request))
    else:
        response = render(request, template, dict(context or {}), status=status)
    patch_vary_headers(response, ["HX-Request"])
    return response


def wants_fragment(request: HttpRequest) -> bool:
    """Return whether htmx asks for a part of a page, and not for a page of its history."""
    return (
        request.headers.get("HX-Request") == "true"
        and request.headers.get("HX-History-Restore-Request") != "true"
    )


def leave(request: HttpRequest, to: Any, *args: Any) -> HttpResponse:
    """Redirect to another page, as `django.shortcuts.redirect` does.

    htmx would follow a plain redirect and put the other page where the form was, so it is told to
    load that page instead.
    """
    response = redirect(to, *args)
    if not wants_fragment(request):
        return response
    return HttpResponse(headers={"HX-Redirect": response["Location"], "Vary": "HX-Request"})
