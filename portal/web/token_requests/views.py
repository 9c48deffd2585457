"""The token requests of a client: the refused ones with their reasons, and the accepted ones."""

from __future__ import annotations

from django.conf import settings
from django.core.exceptions import BadRequest
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_safe

from portal.registry.models import Client
from portal.registry.permissions import can_use_console
from portal.registry.token_requests import TokenRequest, find_refused_request, find_token_request
from portal.web.current_user import current_user
from portal.web.explanations import explanation_of
from portal.web.render import show
from portal.web.shortcuts import get_client_or_404
from portal.web.token_requests.lists import TokenRequestFilter, with_explanations


@require_safe
def token_requests(request: HttpRequest, client_id: str) -> HttpResponse:
    """List the client's token requests, newest first."""
    client = get_client_or_404(request, client_id)
    form = TokenRequestFilter(request.GET)
    if not form.is_valid():
        message = "The link to this page of the list is invalid."
        raise BadRequest(message)
    page = form.page(client)
    context = {
        "section": "clients",
        "client": client,
        "only": form.cleaned_data["only"],
        "requests": with_explanations(page.rows),
        "filters": form.query(),
        "older": form.query(before=page.before),
        "newer": form.query(after=page.after),
        "is_first": not (form.cleaned_data["before"] or form.cleaned_data["after"]),
        "days": settings.TOKEN_REQUEST_DAYS,
    }
    return show(request, "web/token_requests/list.html", context)


@require_safe
def token_request(request: HttpRequest, client_id: str, reference: str) -> HttpResponse:
    """Explain one token request of the client."""
    client = get_client_or_404(request, client_id)
    found = find_token_request(client, reference)
    if found is None:
        raise Http404
    return _show(request, found, client)


@require_safe
def token_request_reference(request: HttpRequest, reference: str) -> HttpResponse:
    """Redirect from the error_uri of a refused request to its explanation.

    Only members of the client may see which client it is. Admins see requests of unknown clients.
    """
    found = find_refused_request(reference)
    if found is None:
        raise Http404
    if found.client:
        client = get_client_or_404(request, found.client.client_id)
        return redirect("token_request", client.client_id, reference)
    if not can_use_console(current_user(request)):
        raise Http404
    return _show(request, found, None)


def _show(request: HttpRequest, found: TokenRequest, client: Client | None) -> HttpResponse:
    context = {
        "section": "clients" if client else "console",
        "client": client,
        "found": found,
        "explanation": explanation_of(found.reason) if found.is_refused else None,
        "days": settings.TOKEN_REQUEST_DAYS,
    }
    return show(request, "web/token_requests/request.html", context)
