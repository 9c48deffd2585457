"""Why the registry refuses an action. The reasons against a key itself are in `core.reasons`."""

from __future__ import annotations

from typing import ClassVar


class RegistryRefusal(Exception):  # noqa: N818 - the name says what happened
    """An action that the current state does not allow. `str()` is a sentence to show to people.

    `reason` is a stable code, stored in events like `portal.core.reasons.Reason`. Never rename one.
    """

    reason: ClassVar[str]


class UnfitInput(RegistryRefusal):
    """An input is empty, too long or invalid. `field` names it."""

    reason = "unfit_input"

    def __init__(self, message: str, *, field: str) -> None:
        super().__init__(message)
        self.field = field


class KeyAlreadyHere(RegistryRefusal):
    """The client already has this key. The message gives its label and status."""

    reason = "key_already_here"


class KeyTaken(RegistryRefusal):
    """Another client has the key. The message says neither which one nor the key's status."""

    reason = "key_taken"


class LifeTooLong(UnfitInput):
    """The key policy does not let a key live so long."""

    reason = "life_too_long"


class RuleNotPossible(RegistryRefusal):
    """The rule of the key policy is not in a state that allows this."""

    reason = "rule_not_possible"


class KeyLimitReached(RegistryRefusal):
    """The client has the maximum number of keys."""

    reason = "key_limit_reached"


class ClientSuspended(RegistryRefusal):
    """The client is suspended, so it cannot register keys."""

    reason = "client_suspended"


class ClientArchived(RegistryRefusal):
    """The client is archived, so it cannot register keys."""

    reason = "client_archived"


class ClientDeleted(RegistryRefusal):
    """The client was deleted."""

    reason = "client_deleted"


class ClientHasKeys(RegistryRefusal):
    """The client has or had a key, so it can be archived but not deleted."""

    reason = "client_has_keys"


class CalendarExists(RegistryRefusal):
    """The client already has a calendar address."""

    reason = "calendar_exists"


class KeyNotLive(RegistryRefusal):
    """The key is revoked, retired or expired, so the action is no longer possible."""

    reason = "key_not_live"


class LastOwner(RegistryRefusal):
    """A client keeps at least one owner."""

    reason = "last_owner"


class AlreadyMember(RegistryRefusal):
    """The person is already a member of the client."""

    reason = "already_member"


class NotAsked(RegistryRefusal):
    """The person is not asked to join, or is not any more."""

    reason = "not_asked"


class PendingLimitReached(RegistryRefusal):
    """The client has asked the maximum number of people who have not answered."""

    reason = "pending_limit_reached"


class NotMember(RegistryRefusal):
    """The person is no longer a member of the client."""

    reason = "not_member"


class ClientLimitReached(RegistryRefusal):
    """The person has created the maximum number of clients."""

    reason = "client_limit_reached"


class HasOwner(RegistryRefusal):
    """The client has an owner who can sign in, so only an owner can add another."""

    reason = "has_owner"


class AlreadyPerson(RegistryRefusal):
    """An account with this e-mail address already exists."""

    reason = "already_person"


class PersonUnusable(RegistryRefusal):
    """The account is deactivated, or its address is not confirmed."""

    reason = "person_unusable"


class LastAdmin(RegistryRefusal):
    """The portal keeps at least one admin."""

    reason = "last_admin"


class JobNotPossible(RegistryRefusal):
    """No key or client fits the filters, or too many do."""

    reason = "job_not_possible"


class ReplacementWithdrawn(RegistryRefusal):
    """Somebody took the replacement of a key back."""

    reason = "replacement_withdrawn"


class TooEarly(RegistryRefusal):
    """A key would end before verifiers can know the key that replaces it."""

    reason = "too_early"
