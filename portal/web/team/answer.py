"""Accept or decline to join a client."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_POST

from portal.registry.actions import accept_membership, decline_membership
from portal.registry.models import PendingMember
from portal.web.current_user import current_user
from portal.web.shortcuts import refusal_as_message


@require_POST
def membership_acceptance(request: HttpRequest, pending: int) -> HttpResponse:
    """Join the client."""
    found = _find_own(request, pending)
    with refusal_as_message(request):
        accept_membership(found, by=current_user(request))
        role = found.get_role_display().lower()
        messages.success(request, f"You joined {found.client} as {role}.")
        return redirect("client", found.client.client_id)
    return redirect("clients")


@require_POST
def membership_refusal(request: HttpRequest, pending: int) -> HttpResponse:
    """Decline to join the client."""
    found = _find_own(request, pending)
    with refusal_as_message(request):
        decline_membership(found, by=current_user(request))
        messages.success(request, f"You declined to join {found.client}.")
    return redirect("clients")


def _find_own(request: HttpRequest, pending: int) -> PendingMember:
    own = PendingMember.objects.of_person(current_user(request)).select_related("client")
    return get_object_or_404(own, pk=pending)
