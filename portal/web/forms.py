"""The base classes and fields of all forms."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.http import HttpRequest, QueryDict


class PortalForm(forms.Form):
    """A form for templates/partials/field.html, without inline styles or scripts (CSP)."""

    template_name = "partials/form.html"
    required_css_class = ""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("label_suffix", "")
        super().__init__(*args, **kwargs)
        # The page reports a missing value in our words, not the browser in a tooltip.
        self.use_required_attribute = False


def paste_area(rows: int, css: str = "is-key", **attrs: str) -> forms.Textarea:
    """Return a field for keys and assertions, without spell checking and autocompletion."""
    fixed = {"autocomplete": "off", "autocapitalize": "off", "spellcheck": "false"}
    return forms.Textarea(attrs={"class": css, "rows": rows, **fixed, **attrs})


def posted(request: HttpRequest) -> QueryDict | None:
    """Return the data of a POST, or None when the form is only shown."""
    return request.POST if request.method == "POST" else None


def one_line(value: str) -> None:
    """Refuse control characters: PostgreSQL does not accept NUL, and SQLite would store it."""
    if any(ord(character) < 32 or ord(character) == 127 for character in value):
        message = "Write this on one line, without control characters."
        raise ValidationError(message)


class ConfirmedForm(PortalForm):
    """A form that asks for the client's name before it does what is hard to undo."""

    confirmation = forms.CharField(
        required=False,
        max_length=200,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )

    def __init__(self, *args: Any, name: str, **kwargs: Any) -> None:
        """`name` is the name to enter. Empty: the form does not ask for it."""
        super().__init__(*args, **kwargs)
        self._name = name
        if name:
            self.fields["confirmation"].label = f"To confirm, enter the client's name: {name}"
        else:
            del self.fields["confirmation"]

    def clean_confirmation(self) -> str:
        """Refuse anything but the client's name, ignoring case and spacing."""
        written = " ".join(self.cleaned_data["confirmation"].casefold().split())
        if written != " ".join(self._name.casefold().split()):
            message = f"Nothing was changed. Enter “{self._name}” to confirm."
            raise ValidationError(message)
        return self._name
