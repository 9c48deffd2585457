"""Why the registry says no, beside what the core says of a key itself."""

from __future__ import annotations


class RegistryRefusal(Exception):  # noqa: N818 - it reads as what it is
    """An action that the present state does not allow. `str()` is a full sentence for people."""


class KeyAlreadyHere(RegistryRefusal):
    """The client has this key already; the sentence says under which label and in which state."""


class KeyTaken(RegistryRefusal):
    """The key is known elsewhere. Where, and whether it was revoked, is nobody else's business."""


class KeyLimitReached(RegistryRefusal):
    """The client has as many keys as it may have."""


class ClientSuspended(RegistryRefusal):
    """The client is suspended, so that it takes no new keys."""


class KeyNotLive(RegistryRefusal):
    """The key is revoked, retired or expired, so that this can no longer be done with it."""


class LastOwner(RegistryRefusal):
    """A client keeps at least one owner."""


class NoSuchPerson(RegistryRefusal):
    """Nobody has signed up with that e-mail address."""


class AlreadyMember(RegistryRefusal):
    """The person belongs to the client already."""


class ClientLimitReached(RegistryRefusal):
    """The person has created as many clients as one person may."""
