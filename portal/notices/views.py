"""Pages of notices: what is sent to a person, and the answers of addresses that were asked."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Final

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from portal.accounts.models import User
from portal.notices import addresses
from portal.notices.clock import KEPT
from portal.notices.kinds import RULES, NoticeKind
from portal.notices.models import AskedAddress, Mute, Purpose
from portal.notices.recipients import notices_of
from portal.registry.choices import Role
from portal.registry.models import Membership
from portal.web.current_user import current_user
from portal.web.render import show

LISTED: Final = 25
"""How many notices and contacts the page lists."""


@require_http_methods(["GET", "HEAD", "POST"])
def settings_page(request: HttpRequest) -> HttpResponse:
    """Show what is sent to the user and why; a POST says which kinds are wanted."""
    user = current_user(request)
    if request.method == "POST":
        _mute(user, wanted=set(request.POST.getlist("wanted")))
        messages.success(request, "Your choice of notices was stored.")
        return redirect("notices")
    muted = set(Mute.objects.filter(user=user).values_list("kind", flat=True))
    roles = set(user.memberships.values_list("role", flat=True).distinct())
    context = {
        "groups": _groups(muted),
        "roles": [role.label.lower() for role in Role if role in roles],
        "notices": notices_of(user).order_by("-made_at")[:LISTED],
        "contacts": _contacts_of(user),
        "email": user.email,
        "kept_days": KEPT.days,
    }
    return show(request, "notices/settings.html", context)


def _mute(user: User, *, wanted: set[str]) -> None:
    """Mute the kinds that the user does not want, where that is possible."""
    for kind, rule in RULES.items():
        if rule.is_security or kind in wanted:
            Mute.objects.filter(user=user, kind=kind).delete()
        else:
            Mute.objects.get_or_create(user=user, kind=kind)


@dataclass(frozen=True, slots=True)
class Group:
    """Kinds of notices that go to the same people, each with whether the user wants it."""

    roles: str
    is_security: bool
    kinds: list[tuple[NoticeKind, bool]]


def _groups(muted: Collection[str]) -> list[Group]:
    """Return the kinds in groups. Those about security come last."""
    groups: dict[tuple[bool, str], Group] = {}
    for kind, rule in RULES.items():
        roles = " and ".join(f"{role.label.lower()}s" for role in Role if role in rule.roles)
        group = Group(roles, rule.is_security, [])
        same = groups.setdefault((rule.is_security, roles), group)
        same.kinds.append((kind, kind not in muted))
    return sorted(groups.values(), key=lambda group: group.is_security)


def _contacts_of(user: User) -> list[AskedAddress]:
    owned = Membership.objects.filter(user=user, role=Role.OWNER).values("client")
    asked = AskedAddress.objects.filter(client__in=owned, purpose=Purpose.CONTACT)
    return list(asked.select_related("client").order_by("-pk")[:LISTED])


def _answer(
    request: HttpRequest, token: str, page: str, act: Callable[[AskedAddress], None]
) -> HttpResponse:
    """Show the page with its button; do what it says only after a POST.

    Programs that check links in e-mails follow them with GET.
    """
    asked = addresses.asked_of(token)
    if asked is None:
        raise Http404
    if request.method == "POST":
        act(asked)
    context = {"asked": asked, "page": page, "token": token, "done": request.method == "POST"}
    return render(request, "notices/answer.html", context)


@login_not_required
@require_http_methods(["GET", "HEAD", "POST"])
def agreement(request: HttpRequest, token: str) -> HttpResponse:
    """Let a contact agree to get the notices of a client."""

    def act(asked: AskedAddress) -> None:
        # A person who is asked to join answers in the portal.
        if asked.purpose == Purpose.CONTACT:
            addresses.agree(asked)

    return _answer(request, token, "agreement", act)


@csrf_exempt
@login_not_required
@require_http_methods(["GET", "HEAD", "POST"])
def stop(request: HttpRequest, token: str) -> HttpResponse:
    """Stop the notices of a client to a contact.

    A mail program sends the POST without a cookie (RFC 8058 §3.2). The token is the proof.
    """
    return _answer(request, token, "stop", addresses.stop)


@login_not_required
@require_http_methods(["GET", "HEAD", "POST"])
def silence(request: HttpRequest, token: str) -> HttpResponse:
    """Stop all questions and notices to an address that has no part in the portal."""
    return _answer(request, token, "silence", addresses.silence)
