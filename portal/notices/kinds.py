"""The kinds of notices: what each is about, who gets it, and whether a person can mute it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from django.db import models

from portal.registry.choices import Role


class NoticeKind(models.TextChoices):
    """What a notice is about."""

    KEY_REGISTERED = "key_registered", "A key was registered"
    KEY_CONFIRMED = "key_confirmed", "A key was confirmed by another person than registered it"
    KEY_END_MOVED = "key_end_moved", "A key was retired, or its end was moved"
    KEY_ENDING = "key_ending", "A key ends soon or has ended, and no successor is in use"
    NO_SUCCESSOR = "no_successor", "A key or a client has lost its successor"
    MEMBERS_CHANGED = "members_changed", "A member joined or left, or has another role"
    MEMBER_ASKED = "member_asked", "A person was asked to join"
    CLIENT_ARCHIVED = "client_archived", "A client was archived, or taken back"
    POLICY_EXCLUDES = "policy_excludes", "A new rule of the key policy excludes a key"
    WEBHOOK_CHANGED = "webhook_changed", "A webhook was added, changed or removed"
    SUCCESSOR_USED = "successor_used", "A successor signed while another key is in use"
    KEY_REVOKED = "key_revoked", "A key was revoked"
    KEY_BLOCKED = "key_blocked", "A key was blocked for all clients"
    PRIVATE_KEY_SEEN = "private_key_seen", "A private key was sent to the portal"
    CLIENT_SUSPENDED = "client_suspended", "A client was suspended or resumed"
    SIGN_IN_CHANGED = "sign_in_changed", "Redirect URIs or rights of a client were changed"


@dataclass(frozen=True, slots=True)
class Rule:
    """Who gets a kind of notice, beside the people whom a notice is about.

    With `to_actor`, also the person who did it: it may have been somebody else with their session.
    """

    roles: frozenset[Role]
    to_actor: bool = False
    to_contacts: bool = False
    """Whether the client's contacts get it too, those that agreed."""
    is_security: bool = False
    """Nobody can mute it, and other notices do not delay it."""


CAN: Final = {
    Role.OWNER: "Owners manage the client, its keys and its team.",
    Role.DEVELOPER: "Developers manage the client's keys.",
    Role.VIEWER: "Viewers can only read.",
}
"""What each role can do, in a sentence."""

_OWNERS: Final = frozenset({Role.OWNER})
KEY_MANAGERS: Final = frozenset({Role.OWNER, Role.DEVELOPER})
"""Those who can change keys."""
_ACCESS: Final = Rule(KEY_MANAGERS, to_actor=True, is_security=True)
"""Who can sign in, manage the client or read what happens to it: a stolen session changes that."""
_SECURITY: Final = Rule(KEY_MANAGERS, to_actor=True, to_contacts=True, is_security=True)

RULES: Final[dict[NoticeKind, Rule]] = {
    NoticeKind.KEY_REGISTERED: _ACCESS,
    NoticeKind.KEY_CONFIRMED: Rule(KEY_MANAGERS),
    NoticeKind.KEY_END_MOVED: Rule(KEY_MANAGERS),
    NoticeKind.KEY_ENDING: Rule(KEY_MANAGERS, to_contacts=True),
    NoticeKind.NO_SUCCESSOR: Rule(KEY_MANAGERS, to_actor=True, to_contacts=True),
    NoticeKind.MEMBERS_CHANGED: replace(_ACCESS, roles=_OWNERS),
    NoticeKind.MEMBER_ASKED: Rule(_OWNERS),
    NoticeKind.CLIENT_ARCHIVED: Rule(KEY_MANAGERS),
    NoticeKind.POLICY_EXCLUDES: Rule(KEY_MANAGERS),
    NoticeKind.WEBHOOK_CHANGED: replace(_ACCESS, roles=_OWNERS),
    NoticeKind.SUCCESSOR_USED: _SECURITY,
    NoticeKind.KEY_REVOKED: _SECURITY,
    NoticeKind.KEY_BLOCKED: _SECURITY,
    NoticeKind.PRIVATE_KEY_SEEN: _SECURITY,
    NoticeKind.CLIENT_SUSPENDED: _SECURITY,
    NoticeKind.SIGN_IN_CHANGED: _SECURITY,
}

SECURITY: Final = [kind for kind, rule in RULES.items() if rule.is_security]
