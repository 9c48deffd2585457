"""The clients of the current user: start page, list, and the forms to create or change one."""

from __future__ import annotations

from typing import Final

from django.contrib import messages
from django.db.models import Case, Count, OuterRef, Q, QuerySet, Sum, When
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from portal.accounts.models import User
from portal.registry import permissions
from portal.registry.actions import change_client, create_client
from portal.registry.errors import RegistryRefusal
from portal.registry.models import Client, PendingMember
from portal.registry.models.client import team_size
from portal.registry.paging import SCAN, page_of
from portal.web.clients.forms import ClientForm, NewClientForm
from portal.web.current_user import current_user
from portal.web.form_errors import add_refusal
from portal.web.forms import posted
from portal.web.pages import pager_of, place_of
from portal.web.render import leave, show
from portal.web.shortcuts import client_to_change, require

PAGE_SIZE: Final = 25
MAX_ASKING: Final = 20
_SEARCHABLE: Final = 5
"""A person with more clients can search."""


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """Redirect an admin to the console, others to their only client or to the list of clients.

    A person who is asked to join a client gets the list, which shows that.
    """
    user = current_user(request)
    if _asking(user).exists():
        return redirect("clients")
    if permissions.can_use_console(user):
        return redirect("console")
    own = list(Client.objects.in_use().filter(memberships__user=user)[:2])
    if len(own) == 1:
        return redirect("client", own[0].client_id)
    return redirect("clients")


@require_safe
def client_list(request: HttpRequest) -> HttpResponse:
    """List the clients that the user is a member of, with a search when there are many.

    One page of them is sorted by name; of more, the newest memberships come first. `archived` shows
    the archived ones instead of the others.
    """
    user = current_user(request)
    wanted = request.GET.get("q", "").strip()[:100]
    shows_archived = bool(request.GET.get("archived"))
    mine = user.memberships.all()
    is_own = Q(client__archived_at__isnull=not shows_archived, client__deleted=False)
    own = mine.filter(is_own)
    found = own.filter(client__name__icontains=wanted) if wanted else own
    page = page_of(
        found.prefetch_related("client").annotate(team=team_size(OuterRef("client"))),
        size=PAGE_SIZE,
        candidates=mine,
        **place_of(request),
    )
    if page.before is page.after is None:
        page.rows.sort(key=lambda membership: (membership.client.name, membership.pk))
    newest = mine.order_by("-pk").annotate(is_own=Case(When(is_own, then=1), default=0))[:SCAN]
    counted = newest.aggregate(all=Count("pk"), own=Sum("is_own", default=0))
    asking = page_of(
        _asking(user).select_related("client", "asked_by"),
        size=MAX_ASKING,
        **place_of(request, "asking"),
    )
    context = {
        "section": "clients",
        "asking": pager_of(request, asking, prefix="asking"),
        "asking_labels": ("Newest requests", "Newer requests", "Older requests"),
        "wanted": wanted,
        "shows_archived": shows_archived,
        "has_archived": shows_archived or counted["all"] > counted["own"],
        "scan": f"{SCAN:,}",
        "searchable": bool(wanted) or counted["own"] > _SEARCHABLE,
        "may_create": permissions.can_create_client(user),
        **pager_of(request, page, q=wanted, archived="1" if shows_archived else ""),
    }
    return show(request, "web/clients/list.html", context, fragment="found")


@require_http_methods(["GET", "HEAD", "POST"])
def client_new(request: HttpRequest) -> HttpResponse:
    """Create a client. The user becomes its first owner."""
    user = current_user(request)
    require(
        permissions.can_create_client(user),
        "Only admins can create clients in this portal. Ask an admin for yours.",
    )
    form = NewClientForm(posted(request), initial={"contacts": user.email})
    if form.is_valid():
        try:
            client = create_client(**form.cleaned_data, by=user)
        except RegistryRefusal as refusal:
            add_refusal(form, refusal)
        else:
            messages.success(request, f"{client.name} was created. Now add its first public key.")
            return leave(request, "client", client.client_id)
    context = {"section": "clients", "form": form}
    status = 422 if form.is_bound else 200
    return show(request, "web/clients/new.html", context, fragment="form", status=status)


@require_http_methods(["GET", "HEAD", "POST"])
def client_edit(request: HttpRequest, client_id: str) -> HttpResponse:
    """Change the name, the contacts and the redirect URIs of a client."""
    client = client_to_change(request, client_id)
    before = {
        "name": client.name,
        "contacts": "\n".join(client.contacts),
        "redirect_uris": "\n".join(client.redirect_uris),
        "wants_successor": client.wants_successor,
    }
    form = ClientForm(posted(request), initial=before)
    if form.is_valid():
        try:
            changed = change_client(client, **form.cleaned_data, by=current_user(request))
        except RegistryRefusal as refusal:
            add_refusal(form, refusal)
        else:
            messages.success(request, f"{changed.name} was changed.")
            return leave(request, "client", changed.client_id)
    has_keys = client.keys.exists()
    context = {"section": "clients", "client": client, "form": form, "has_keys": has_keys}
    status = 422 if form.is_bound else 200
    return show(request, "web/clients/edit.html", context, fragment="form", status=status)


def _asking(user: User) -> QuerySet[PendingMember]:
    """Return the requests to the user to join a client."""
    return PendingMember.objects.of_person(user).open(timezone.now())
