"""Template tags of notices: for messages in plain text, and for the page of a client."""

from __future__ import annotations

from django import template

from portal.notices.contacts import answers
from portal.registry.models import Client

register = template.Library()


@register.filter
def indented(text: str) -> str:
    """Return a text whose further lines are indented, so that it imitates no line of ours."""
    return text.replace("\n", "\n    ")


@register.filter
def contacts_with_answers(client: Client) -> list[tuple[str, str]]:
    """Return the contacts of a client, each with its answer about notices."""
    return answers(client)
