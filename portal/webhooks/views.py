"""The pages of webhooks: of a client, for its members, and of the console, for admins.

`client_id` is None in the console, whose views are admin views. There, an admin can also open the
webhook of a client.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final

from django.contrib import messages
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone

from portal.own_keys import WEBHOOKS, signing_keys
from portal.registry import permissions
from portal.registry.endpoints import issuer
from portal.registry.errors import RegistryRefusal
from portal.registry.models import Client
from portal.registry.paging import newest_of, page_of
from portal.web.current_user import current_user
from portal.web.form_errors import add_refusal
from portal.web.forms import posted
from portal.web.pages import pager_of, place_of
from portal.web.render import show
from portal.web.shortcuts import get_client_or_404, refusal_as_message, require
from portal.webhooks import actions
from portal.webhooks.follow import KEPT
from portal.webhooks.forms import NewWebhookForm, WebhookForm
from portal.webhooks.models import Delivery, EventType, Webhook
from portal.webhooks.paths import path_of
from portal.webhooks.signing import public_text

PAGE_SIZE: Final = 20

NOT_YOURS: Final = (
    "Only the client's owners and developers can see its webhooks. Ask an owner for another role."
)
NOT_YOURS_TO_CHANGE: Final = (
    "Only the client's owners can add, change and remove its webhooks. Ask one of them."
)

_MAX_TROUBLED: Final = 50
_SOON: Final = timedelta(seconds=15)


def webhooks(request: HttpRequest, client_id: str | None = None) -> HttpResponse:
    """List the webhooks (GET), and add one (POST)."""
    client = _client(request, client_id, to_change=request.method == "POST")
    form = NewWebhookForm(posted(request))
    if form.is_valid():
        now, user = timezone.now(), current_user(request)
        try:
            webhook, secret = actions.add_webhook(client, **form.cleaned_data, by=user, now=now)
        except RegistryRefusal as refusal:
            add_refusal(form, refusal)
        else:
            if secret:
                return _show_secret(request, client_id, webhook, secret)
            messages.success(request, "The webhook was added. Send a test to see whether it works.")
            return redirect(path_of(client_id, "webhook", webhook.pk))
    rows = Webhook.objects.of(client).order_by("pk")
    context = {
        "rows": _with_paths(client_id, rows),
        "troubled": _with_paths(client_id, _troubled()) if client_id is None else [],
        "form": form,
        "is_full": len(rows) >= actions.LIMIT,
        "limit": actions.LIMIT,
    }
    return _show(
        request,
        "webhooks/list.html",
        client_id,
        client,
        context,
        status=422 if form.is_bound else 200,
    )


def webhook(request: HttpRequest, webhook: int, client_id: str | None = None) -> HttpResponse:
    """Show a webhook and what it was sent (GET), and change it (POST)."""
    found = _find(request, client_id, webhook, to_change=request.method == "POST")
    initial = {"url": found.url, "types": found.types}
    form = WebhookForm(posted(request), initial=initial)
    if form.is_valid():
        try:
            user, now = current_user(request), timezone.now()
            actions.change_webhook(found, **form.cleaned_data, by=user, now=now)
        except RegistryRefusal as refusal:
            add_refusal(form, refusal)
        else:
            messages.success(request, "The webhook was changed.")
            return redirect(path_of(client_id, "webhook", found.pk))
    now = timezone.now()
    deliveries = newest_of(Delivery.objects.all(), "webhook", found.pk)
    page = page_of(deliveries, size=PAGE_SIZE, **place_of(request))
    context = {
        "webhook": found,
        "types": _labels(found),
        "deliveries": [
            (each, path_of(client_id, "delivery", found.pk, each.pk)) for each in page.rows
        ],
        "polls": found.is_on and any(_is_soon(each, now) for each in page.rows),
        "public_keys": [public_text(key) for key in signing_keys(WEBHOOKS)],
        "jwks_url": issuer() + reverse("portal_jwks"),
        "form": form,
        "path": path_of(client_id, "webhook", found.pk),
        "kept_days": KEPT.days,
        **pager_of(request, page),
    }
    return _show(
        request,
        "webhooks/webhook.html",
        client_id,
        found.client,
        context,
        fragment="log",
        status=422 if form.is_bound else 200,
    )


def send_test(request: HttpRequest, webhook: int, client_id: str | None = None) -> HttpResponse:
    """Send a test."""
    found = _find(request, client_id, webhook)
    return _act(request, client_id, found, "A test is on its way.", actions.send_test)


def delivery(
    request: HttpRequest, webhook: int, delivery: int, client_id: str | None = None
) -> HttpResponse:
    """Send a message again."""
    found = _find(request, client_id, webhook)
    message = get_object_or_404(found.deliveries.select_related("webhook"), pk=delivery)

    def send(_: Webhook, *, now: datetime) -> None:
        actions.send_again(message, now=now)

    return _act(request, client_id, found, "The message is on its way again.", send)


def switch(request: HttpRequest, webhook: int, client_id: str | None = None) -> HttpResponse:
    """Switch the webhook on or off, as the field `on` says."""
    found = _find(request, client_id, webhook, to_change=True)
    on = request.POST.get("on") == "yes"
    said = "on: it is sent what happens from now on" if on else "off"
    act = partial(actions.switch_webhook, on=on, by=current_user(request))
    return _act(request, client_id, found, f"The webhook is {said}.", act)


def secret(request: HttpRequest, webhook: int, client_id: str | None = None) -> HttpResponse:
    """Make a new shared secret, and show it: the only time that anybody sees it."""
    found = _find(request, client_id, webhook, to_change=True)
    made = actions.renew_secret(found, by=current_user(request))
    return _show_secret(request, client_id, found, made)


def removal(request: HttpRequest, webhook: int, client_id: str | None = None) -> HttpResponse:
    """Ask for confirmation (GET), and remove the webhook (POST)."""
    found = _find(request, client_id, webhook, to_change=True)
    if request.method == "POST":
        actions.remove_webhook(found, by=current_user(request))
        messages.success(request, "The webhook was removed.")
        return redirect(path_of(client_id, "webhooks"))
    return _show(request, "webhooks/removal.html", client_id, found.client, {"webhook": found})


def _client(request: HttpRequest, client_id: str | None, *, to_change: bool) -> Client | None:
    """Return the client of the path after checking the rights. None in the console."""
    if client_id is None:
        return None
    client, user = get_client_or_404(request, client_id), current_user(request)
    require(permissions.can_change_keys(user, client), NOT_YOURS)
    require(not to_change or permissions.can_change_client(user, client), NOT_YOURS_TO_CHANGE)
    return client


def _find(
    request: HttpRequest, client_id: str | None, pk: int, *, to_change: bool = False
) -> Webhook:
    client = _client(request, client_id, to_change=to_change)
    rows = Webhook.objects.select_related("client", "made_by")
    return get_object_or_404(rows.of(client) if client else rows, pk=pk)


def _troubled() -> QuerySet[Webhook]:
    """Return webhooks of clients that fail or are off, the newest first."""
    rows = Webhook.objects.filter(Q(failures__gt=0) | Q(off_at__isnull=False), client__isnull=False)
    return rows.select_related("client").order_by("-pk")[:_MAX_TROUBLED]


def _with_paths(client_id: str | None, rows: Iterable[Webhook]) -> list[tuple[Webhook, str]]:
    return [(each, path_of(client_id, "webhook", each.pk)) for each in rows]


def _labels(webhook: Webhook) -> list[str]:
    return [text for value, text in EventType.choosable() if value in webhook.types]


def _is_soon(delivery: Delivery, now: datetime) -> bool:
    return delivery.next_at is not None and delivery.next_at - now < _SOON


def _act(
    request: HttpRequest,
    client_id: str | None,
    webhook: Webhook,
    done: str,
    act: Callable[..., object],
) -> HttpResponse:
    """Do something to a webhook, say so, and return to its page."""
    with refusal_as_message(request):
        act(webhook, now=timezone.now())
        messages.success(request, done)
    return redirect(path_of(client_id, "webhook", webhook.pk))


def _show_secret(
    request: HttpRequest, client_id: str | None, webhook: Webhook, secret: str
) -> HttpResponse:
    context = {
        "webhook": webhook,
        "secret": secret,
        "path": path_of(client_id, "webhook", webhook.pk),
    }
    return _show(request, "webhooks/secret.html", client_id, webhook.client, context)


def _show(
    request: HttpRequest,
    template: str,
    client_id: str | None,
    client: Client | None,
    context: dict[str, Any],
    *,
    fragment: str = "",
    status: int = 200,
) -> HttpResponse:
    in_console = client_id is None
    may_change = in_console or (
        client is not None and permissions.can_change_client(current_user(request), client)
    )
    context = {
        "base": "console/base.html" if in_console else "webhooks/base.html",
        "section": "console" if in_console else "clients",
        "tab": "webhooks",
        "in_console": in_console,
        "client": client,
        "list_path": path_of(client_id, "webhooks"),
        "may_change": may_change,
        "now": timezone.now(),
        **context,
    }
    if "webhook" in context:
        pk = context["webhook"].pk
        names = ("test", "switch", "secret", "removal")
        context["paths"] = {each: path_of(client_id, f"webhook_{each}", pk) for each in names}
    return show(request, template, context, fragment=fragment, status=status)
