"""The paths of webhooks: each below its client, and below the console."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from django.http.response import HttpResponseBase
from django.urls import URLPattern, path
from django.views.decorators.http import require_http_methods

from portal.console.decorators import admin_view
from portal.web import converters  # noqa: F401 - registers them
from portal.webhooks import views


def _both(
    route: str, view: Callable[..., HttpResponseBase], name: str, *methods: str
) -> Iterator[URLPattern]:
    """Yield the path for members of a client, and the path for admins."""
    of_client = require_http_methods(methods)(view)
    yield path(f"clients/<client_id:client_id>/webhooks/{route}", of_client, name=name)
    yield path(f"console/webhooks/{route}", admin_view(*methods)(view), name=f"console_{name}")


_WEBHOOK = "<row:webhook>/"
_PAGE = ("GET", "HEAD", "POST")

urlpatterns = [
    *_both("", views.webhooks, "webhooks", *_PAGE),
    *_both(_WEBHOOK, views.webhook, "webhook", *_PAGE),
    *_both(f"{_WEBHOOK}test/", views.send_test, "webhook_test", "POST"),
    *_both(f"{_WEBHOOK}switch/", views.switch, "webhook_switch", "POST"),
    *_both(f"{_WEBHOOK}secret/", views.secret, "webhook_secret", "POST"),
    *_both(f"{_WEBHOOK}removal/", views.removal, "webhook_removal", *_PAGE),
    *_both(f"{_WEBHOOK}deliveries/<row:delivery>/", views.delivery, "delivery", "POST"),
]
