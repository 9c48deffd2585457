"""The enumerations that the tables use."""

from typing import Final

from django.db import models


class Role(models.TextChoices):
    """What a member can do. Each role includes the rights of the ones after it."""

    OWNER = "owner", "Owner"
    DEVELOPER = "developer", "Developer"
    VIEWER = "viewer", "Viewer"


class RevocationReason(models.TextChoices):
    """Why a key was revoked."""

    UNSPECIFIED = "unspecified", "Unspecified"
    COMPROMISED = "compromised", "Compromised: someone else may have the private key"
    SUPERSEDED = "superseded", "Superseded: a newer key replaced it"
    PROVED_ELSEWHERE = (
        "proved_elsewhere",
        "Proved by another client: only that client signed with the private key",
    )


CHOSEN_REASONS: Final = [
    (str(reason), reason.label)
    for reason in RevocationReason
    if reason != RevocationReason.PROVED_ELSEWHERE
]
"""The reasons that people can choose. Only the portal uses `PROVED_ELSEWHERE`."""


class GrantType(models.TextChoices):
    """How a client gets tokens (RFC 6749 §4, §6)."""

    AUTHORIZATION_CODE = "authorization_code", "Authorization code (authorization_code)"
    CLIENT_CREDENTIALS = "client_credentials", "Client credentials (client_credentials)"
    REFRESH_TOKEN = "refresh_token", "Refresh token (refresh_token)"


RESPONSE_TYPES: Final = ("code",)
"""What the authorization endpoint returns (RFC 6749 §3.1.1)."""


class BlockedWhy(models.TextChoices):
    """Why a key was blocked."""

    PRIVATE_KEY_SEEN = "private_key_seen", "Its private key was sent to the portal"
    ADMIN = "admin", "Blocked by an admin"
    WEAK = "weak", "Its private key can be computed or is published"


class Verb(models.TextChoices):
    """What an event records, in the terms of the glossary."""

    CREATE_CLIENT = "create_client", "created the client"
    CHANGE_CLIENT = "change_client", "changed the client"
    CHANGE_RIGHTS = "change_rights", "changed the client's rights"
    SUSPEND_CLIENT = "suspend_client", "suspended the client"
    RESUME_CLIENT = "resume_client", "resumed the client"
    ARCHIVE_CLIENT = "archive_client", "archived the client"
    UNARCHIVE_CLIENT = "unarchive_client", "took the client out of the archive"
    DELETE_CLIENT = "delete_client", "deleted the client"
    MAKE_CALENDAR = "make_calendar", "made a calendar address"
    REVOKE_CALENDAR = "revoke_calendar", "revoked the calendar address"
    ADD_WEBHOOK = "add_webhook", "added a webhook"
    CHANGE_WEBHOOK = "change_webhook", "changed a webhook"
    REMOVE_WEBHOOK = "remove_webhook", "removed a webhook"
    ASK_MEMBER = "ask_member", "asked a person to join the client"
    WITHDRAW_MEMBER = "withdraw_member", "withdrew a request to join the client"
    ACCEPT_MEMBERSHIP = "accept_membership", "joined the client"
    DECLINE_MEMBERSHIP = "decline_membership", "declined to join the client"
    # Only versions without ASK_MEMBER record this one.
    ADD_MEMBER = "add_member", "added a member"
    CHANGE_MEMBER = "change_member", "changed a member's role"
    REMOVE_MEMBER = "remove_member", "removed a member"
    APPOINT_OWNER = "appoint_owner", "appointed an owner"
    INVITE_PERSON = "invite_person", "invited a person"
    DEACTIVATE_PERSON = "deactivate_person", "deactivated an account"
    ACTIVATE_PERSON = "activate_person", "reactivated an account"
    GRANT_ADMIN = "grant_admin", "made a person an admin"
    WITHDRAW_ADMIN = "withdraw_admin", "withdrew admin rights"
    REGISTER_KEY = "register_key", "registered the key"
    CHANGE_KEY = "change_key", "changed the key"
    RETIRE_KEY = "retire_key", "retired the key"
    KEEP_KEY = "keep_key", "cancelled the retirement"
    BEGIN_REPLACEMENT = "begin_replacement", "began to replace the key"
    CHOOSE_SUCCESSOR = "choose_successor", "chose the key that replaces the key"
    WITHDRAW_REPLACEMENT = "withdraw_replacement", "took the replacement of the key back"
    USE_SUCCESSOR = "use_successor", "noticed that the successor signed"
    CONFIRM_KEY = "confirm_key", "confirmed the key"
    REVOKE_KEY = "revoke_key", "revoked the key"
    BLOCK_KEY = "block_key", "blocked a key"
    REFUSE_KEY = "refuse_key", "tried a key that was refused"
    CHANGE_POLICY = "change_policy", "changed the key policy"
    FIND_WEAKNESS = "find_weakness", "found a weakness in the key"
    CHANGE_VERIFIER = "change_verifier", "changed a verifier"
