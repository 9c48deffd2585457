"""Why the registry says no, beside what the core says of a key itself."""

from __future__ import annotations

from typing import ClassVar


class RegistryRefusal(Exception):  # noqa: N818 - it reads as what it is
    """An action that the present state does not allow. `str()` is a full sentence for people.

    `reason` is a stable code, stored in events like `portal.core.reasons.Reason`: never rename one.
    """

    reason: ClassVar[str]


class UnfitInput(RegistryRefusal):
    """Something given is empty, too long or not what it should be; `field` names it."""

    reason = "unfit_input"

    def __init__(self, message: str, *, field: str) -> None:
        super().__init__(message)
        self.field = field


class KeyAlreadyHere(RegistryRefusal):
    """The client has this key already; the sentence says under which label and in which state."""

    reason = "key_already_here"


class KeyTaken(RegistryRefusal):
    """The key is known elsewhere. Where, and whether it was revoked, is nobody else's business."""

    reason = "key_taken"


class KeyLimitReached(RegistryRefusal):
    """The client has as many keys as it may have."""

    reason = "key_limit_reached"


class ClientSuspended(RegistryRefusal):
    """The client is suspended, so that it takes no new keys."""

    reason = "client_suspended"


class KeyNotLive(RegistryRefusal):
    """The key is revoked, retired or expired, so that this can no longer be done with it."""

    reason = "key_not_live"


class LastOwner(RegistryRefusal):
    """A client keeps at least one owner."""

    reason = "last_owner"


class NoSuchPerson(RegistryRefusal):
    """Nobody has signed up with that e-mail address."""

    reason = "no_such_person"


class AlreadyMember(RegistryRefusal):
    """The person belongs to the client already."""

    reason = "already_member"


class NotMember(RegistryRefusal):
    """The person does not belong to the client any more."""

    reason = "not_member"


class ClientLimitReached(RegistryRefusal):
    """The person has created as many clients as one person may."""

    reason = "client_limit_reached"


class HasOwner(RegistryRefusal):
    """The client has an owner who can sign in, so that the choice is theirs."""

    reason = "has_owner"


class AlreadyPerson(RegistryRefusal):
    """Somebody has an account with this e-mail address already."""

    reason = "already_person"


class PersonUnusable(RegistryRefusal):
    """The account is switched off, or nobody has confirmed its address."""

    reason = "person_unusable"


class LastAdmin(RegistryRefusal):
    """The portal keeps at least one admin."""

    reason = "last_admin"
