"""Template tags of messages in plain text."""

from __future__ import annotations

from django import template

register = template.Library()


@register.filter
def indented(text: str) -> str:
    """Return a text whose further lines are indented, so that it imitates no line of ours."""
    return text.replace("\n", "\n    ")
