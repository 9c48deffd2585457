"""The members of a client: list, change and remove them, and ask others to join."""

from __future__ import annotations

from typing import Final

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from portal.accounts.models import User
from portal.core.dates import date_text
from portal.registry import permissions
from portal.registry.actions import ask_member, change_role, remove_member, withdraw_member
from portal.registry.choices import Role
from portal.registry.errors import RegistryRefusal
from portal.registry.models import Client, Membership
from portal.registry.paging import SCAN, page_of
from portal.registry.validation import MAX_EMAIL
from portal.web.back import back_to
from portal.web.current_user import current_user
from portal.web.form_errors import add_refusal
from portal.web.forms import posted
from portal.web.pages import pager_of, place_of
from portal.web.render import show
from portal.web.shortcuts import (
    NOT_YOUR_CLIENT,
    client_to_change,
    get_client_or_404,
    refusal_as_message,
    require,
)
from portal.web.team.forms import MemberForm, RoleForm

PAGE_SIZE: Final = 50


@require_http_methods(["GET", "HEAD", "POST"])
def team(request: HttpRequest, client_id: str) -> HttpResponse:
    """List the members of a client, and ask a person to join."""
    client = get_client_or_404(request, client_id)
    form = MemberForm(posted(request))
    if request.method == "POST":
        require(permissions.can_change_client(current_user(request), client), NOT_YOUR_CLIENT)
        if form.is_valid() and _ask(request, client, form):
            return redirect("team", client.client_id)
    status = 422 if form.is_bound else 200
    return _show_team(request, client, form, status=status)


@require_POST
def member(request: HttpRequest, client_id: str, row: int) -> HttpResponse:
    """Change the role of a member."""
    membership = _find_membership(request, client_id, row)
    require(
        permissions.can_change_client(current_user(request), membership.client), NOT_YOUR_CLIENT
    )
    form = RoleForm(request.POST)
    if not form.is_valid():
        messages.error(request, "This is not a role. Choose owner, developer or viewer.")
    else:
        with refusal_as_message(request):
            change_role(membership, role=form.cleaned_data["role"], by=current_user(request))
            messages.success(request, f"The role of {membership.user} was changed.")
    return redirect(back_to(request, "team", client_id).url)


@require_POST
def pending_member_withdrawal(request: HttpRequest, client_id: str, pending: int) -> HttpResponse:
    """Withdraw a request to join the client."""
    client = client_to_change(request, client_id)
    found = get_object_or_404(client.pending_members, pk=pending)
    withdraw_member(found, by=current_user(request))
    messages.success(request, f"{found.email} is no longer asked to join.")
    return redirect("team", client_id)


@require_http_methods(["GET", "HEAD", "POST"])
def member_removal(request: HttpRequest, client_id: str, row: int) -> HttpResponse:
    """Ask for confirmation (GET), and remove a member (POST); members leave in the same way."""
    membership = _find_membership(request, client_id, row)
    user, client = current_user(request), membership.client
    require(permissions.can_remove_member(user, membership), NOT_YOUR_CLIENT)
    if request.method != "POST":
        context = {
            "section": "clients",
            "client": client,
            "membership": membership,
            "back": back_to(request, "team", client_id),
        }
        return show(request, "web/team/member_removal.html", context)
    with refusal_as_message(request):
        remove_member(membership, by=user)
        messages.success(request, _removed(membership, user))
    own = Client.objects.visible_to(user).filter(pk=client.pk)
    return redirect(back_to(request, "team", client_id).url if own.exists() else "home")


def _removed(membership: Membership, user: User) -> str:
    if membership.user == user:
        return f"You left {membership.client}."
    return f"{membership.user} was removed from {membership.client}."


def _find_membership(request: HttpRequest, client_id: str, row: int) -> Membership:
    client = get_client_or_404(request, client_id)
    return get_object_or_404(client.memberships.select_related("user", "client"), pk=row)


def _ask(request: HttpRequest, client: Client, form: MemberForm) -> bool:
    try:
        pending = ask_member(client, **form.cleaned_data, by=current_user(request))
    except RegistryRefusal as refusal:
        add_refusal(form, refusal)
        return False
    role = Role(pending.role).label.lower()
    messages.success(
        request,
        f"{pending.email} is asked to join as {role}, by e-mail unless there were many questions "
        f"lately. They accept on their list of clients until {date_text(pending.ends_at)}.",
    )
    return True


def _show_team(
    request: HttpRequest, client: Client, form: MemberForm, *, status: int
) -> HttpResponse:
    wanted = request.GET.get("q", "").strip().lower()[:MAX_EMAIL]
    members = client.memberships.prefetch_related("user")
    person = User.objects.filter(email=wanted).first()
    found = members.filter(user=person) if wanted else members
    page = page_of(found, size=PAGE_SIZE, order=("pk",), **place_of(request))
    if page.before is page.after is None:
        page.rows.sort(key=lambda membership: membership.user.email)
    number = client.memberships.all()[: SCAN + 1].count()
    context = {
        "section": "clients",
        "client": client,
        "form": form,
        "roles": Role.choices,
        "wanted": wanted,
        "number": f"{SCAN:,}+" if number > SCAN else f"{number:,}",
        "searchable": bool(wanted) or number > PAGE_SIZE,
        "pending": client.pending_members.select_related("asked_by").order_by("email"),
        "now": timezone.now(),
        "may_change_client": permissions.can_change_client(current_user(request), client),
        "pager_labels": ("First", "Previous", "Next"),
        **pager_of(request, page, q=wanted),
    }
    return show(request, "web/team/team.html", context, fragment="team", status=status)
