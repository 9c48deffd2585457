"""Choose between a whole page and the part of it that htmx swaps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render, resolve_url
from django.template.loader import render_to_string
from django.utils.cache import patch_vary_headers
from django_htmx.http import HttpResponseClientRedirect
from django_htmx.middleware import HtmxDetails


def show(
    request: HttpRequest,
    template: str,
    context: Mapping[str, Any] | None = None,
    *,
    fragment: str = "",
    status: int = 200,
) -> HttpResponse:
    """Render the template, or only its partial `fragment` when htmx asks and there is one.

    A fragment also contains the messages of the request, as an out-of-band swap: the messages
    area is in the frame of the page, which htmx does not replace.
    """
    if fragment and wants_fragment(request):
        response = render(request, f"{template}#{fragment}", dict(context or {}), status=status)
        response.write(render_to_string("partials/messages_oob.html", request=request))
    else:
        response = render(request, template, dict(context or {}), status=status)
    patch_vary_headers(response, ["HX-Request"])
    return response


def wants_fragment(request: HttpRequest) -> bool:
    """Return whether htmx requests a part of a page, and not a whole page for its history."""
    # Error pages are also rendered outside the middleware, where request.htmx is not set.
    htmx = HtmxDetails(request)
    return bool(htmx) and not htmx.history_restore_request


def leave(request: HttpRequest, to: Any, *args: Any) -> HttpResponse:
    """Redirect to another page, as `django.shortcuts.redirect` does.

    htmx would follow a plain redirect and put the other page in place of the form. The response
    therefore tells htmx to load that page.
    """
    if not wants_fragment(request):
        return redirect(to, *args)
    response = HttpResponseClientRedirect(resolve_url(to, *args))
    patch_vary_headers(response, ["HX-Request"])
    return response
