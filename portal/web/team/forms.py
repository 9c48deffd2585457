"""The forms of members."""

from __future__ import annotations

from django import forms

from portal.registry.choices import Role
from portal.web.forms import PortalForm


class RoleForm(PortalForm):
    """The role of a member."""

    role = forms.TypedChoiceField(
        choices=Role.choices,
        coerce=Role,
        initial=Role.DEVELOPER,
        help_text="Owners manage the name and the team, developers manage keys, viewers can "
        "only read.",
    )


class MemberForm(RoleForm):
    """A person to ask to join a client."""

    field_order = ("email", "role")
    email = forms.EmailField(
        max_length=254,
        label="E-mail address",
        widget=forms.EmailInput(attrs={"autocomplete": "off"}),
        help_text="An address that they have confirmed here, or will confirm.",
        error_messages={"required": "Enter an e-mail address."},
    )
