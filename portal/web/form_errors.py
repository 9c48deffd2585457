"""The one mapping from a refusal to a form error."""

from __future__ import annotations

from django import forms

from portal.core.reasons import Reason, Refused
from portal.registry.errors import (
    AlreadyMember,
    HasOwner,
    KeyAlreadyHere,
    KeyTaken,
    LastOwner,
    PendingLimitReached,
    PersonUnusable,
    RegistryRefusal,
    UnfitInput,
)

_FIELDS: dict[type[RegistryRefusal], str] = {
    KeyAlreadyHere: "material",
    KeyTaken: "material",
    PersonUnusable: "email",
    HasOwner: "email",
    AlreadyMember: "email",
    PendingLimitReached: "email",
    LastOwner: "role",
}
_ABOUT_ALG = {Reason.ALG_UNKNOWN, Reason.ALG_NOT_OFFERED, Reason.ALG_DOES_NOT_FIT}


def add_refusal(form: forms.Form, refusal: Refused | RegistryRefusal) -> None:
    """Add the refusal to the form field that it concerns, or to the form as a whole.

    A `Refused` is also stored as `form.refused`, so that the page can show separately what was
    found, what is needed, and the command.
    """
    if isinstance(refusal, Refused):
        form.refused = refusal  # type: ignore[attr-defined]  # declared by the forms that take keys
        field = "alg" if refusal.reason in _ABOUT_ALG else "material"
    elif isinstance(refusal, UnfitInput):
        field = refusal.field
    else:
        field = _FIELDS.get(type(refusal), "")
    form.add_error(field if field in form.fields else None, str(refusal))
