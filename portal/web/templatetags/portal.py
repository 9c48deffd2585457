"""Template tags of many pages: ids to copy, times, the status of a key, icons."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from django import template
from django.forms import BoundField, CheckboxInput, RadioSelect, Select
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.timesince import timesince

from portal.core.dates import time_text
from portal.core.key_files import PRIVATE, PUBLIC, KeyFiles
from portal.core.lifecycle import KeyStatus
from portal.registry.models import Actor, ClientKey, describe_actor
from portal.web.forms import PortalForm

register = template.Library()

_ADDRESS: Final = re.compile(r"://|@")

_STATUS_COLOURS: Final = {
    KeyStatus.ACTIVE: "green",
    KeyStatus.PENDING: "blue",
    KeyStatus.UNCONFIRMED: "blue",
    KeyStatus.RETIRING: "yellow",
    KeyStatus.EXPIRED: "grey",
    KeyStatus.RETIRED: "grey",
    KeyStatus.REVOKED: "red",
}


@register.simple_tag
def icon(name: str, extra: str = "") -> SafeString:
    """Return the icon with this name (templates/partials/icons.html), for decoration only."""
    return format_html(
        '<svg class="icon icon-{} {}" aria-hidden="true" focusable="false">'
        '<use href="#icon-{}"></use></svg>',
        name,
        extra,
        name,
    )


@register.inclusion_tag("partials/copyable.html")
def copyable(value: str, name: str = "", shorten: int = 0) -> dict[str, Any]:
    """Show a value with a button that copies it; `name` says what it is ("the client_id").

    `shorten` limits the characters that are shown. The button always copies the whole value.
    """
    short = bool(shorten) and len(value) > shorten
    return {
        "value": value,
        "shown": f"{value[:shorten]}…" if short else value,
        "name": name,
        "full": short,
    }


@register.inclusion_tag("partials/command.html", takes_context=True)
def command(context: template.Context, value: str, name: str = "the command") -> dict[str, Any]:
    """Show a shell command, or any longer text, with a button that copies it.

    `files` of the page replaces the names of key files in the command.
    """
    if PRIVATE in value or PUBLIC in value:
        files: KeyFiles = context["files"]
        value = files.put_into(value)
    return {"value": value, "name": name}


@register.simple_tag
def moment(when: datetime, show: str = "both") -> SafeString:
    """Show a time in UTC and how long ago or ahead it is.

    `show`: both, absolute, seconds (absolute too) or relative. portal.js adds the local time.
    """
    context = {
        "iso": when.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        "absolute": time_text(when, seconds=show == "seconds"),
        "relative": relative(when, timezone.now()),
        "absolute_only": show in {"absolute", "seconds"},
        "relative_only": show == "relative",
    }
    # Without the line break that ends the template: a full stop may follow.
    return SafeString(render_to_string("partials/moment.html", context).rstrip())


def relative(when: datetime, now: datetime) -> str:
    """Return the distance from now: "1 week, 5 days ago", "in 2 hours", "just now"."""
    if abs(when - now) < timedelta(minutes=1):
        return "in a moment" if when > now else "just now"
    if when > now:
        # Rounded up: a grace period of 24 hours would otherwise begin as "in 23 hours, 59 minutes".
        return f"in {timesince(now, when + timedelta(seconds=59))}"
    return f"{timesince(when, now)} ago"


@register.filter
def breakable(value: object) -> SafeString:
    """Return a URL or an e-mail address that lines may break after its punctuation."""
    parts = (
        re.findall(r"[^/@.?&=-]*[/@.?&=-]*", str(value)) if _ADDRESS.search(str(value)) else [value]
    )
    return format_html_join(SafeString("<wbr>"), "{}", ((part,) for part in parts if part))


@register.filter
def named(actor: Actor) -> str:
    """Return the name of an actor: an e-mail address, the client “X”, or the portal."""
    return describe_actor(actor)


@register.simple_tag
def key_status(key: ClientKey, now: datetime | None = None) -> SafeString:
    """Return the status of the key at `now` as a badge, with text and not colour alone."""
    status = key.lifecycle.status(now or timezone.now())
    return format_html(
        '<span class="status status-of-{}">{}</span>', _STATUS_COLOURS[status], status.label
    )


@register.simple_tag
def control(field: BoundField) -> SafeString:
    """Return the styled control of a form field. The first one with an error gets the focus."""
    widget = field.field.widget
    if not isinstance(field.form, PortalForm):
        # allauth repeats each label as a placeholder, which looks like a value that was entered.
        widget.attrs.pop("placeholder", None)
    classes = [str(widget.attrs.get("class", ""))]
    if isinstance(widget, Select) and not isinstance(widget, RadioSelect):
        classes.append("form-select")
    elif not isinstance(widget, CheckboxInput):
        classes.append("form-control")
    attrs: dict[str, Any] = {"class": " ".join(filter(None, classes))}
    if field.name == next((name for name in field.form.fields if name in field.form.errors), None):
        attrs["autofocus"] = True
    return field.as_widget(attrs=attrs)
