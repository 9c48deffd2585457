"""The tables. They store facts (who did what and when); status is derived, never stored."""

from portal.registry.models.actor import Actor, describe_actor, describe_client
from portal.registry.models.actor_fields import PORTAL, Portal
from portal.registry.models.appending import recording
from portal.registry.models.blocked_key import BlockedKey
from portal.registry.models.calendar_feed import CalendarFeed
from portal.registry.models.client import Client, Membership, new_client_id
from portal.registry.models.client_key import LEGACY_ALGORITHMS, ClientKey
from portal.registry.models.event import Event
from portal.registry.models.job import Job
from portal.registry.models.judged_key import JudgedKey
from portal.registry.models.key_use import KeyUse, UseCursor
from portal.registry.models.ledger import Ledger
from portal.registry.models.ledger_position import LedgerPosition
from portal.registry.models.pending_member import PendingMember
from portal.registry.models.policy_rule import PolicyExemption, PolicyRule
from portal.registry.models.replacement import Replacement
from portal.registry.models.serving import RequestedSet, ServingProcess
from portal.registry.models.token_request import RedeemedAssertion, RefusedRequest
from portal.registry.models.tokens import AccessToken, AuthorizationCode, RefreshToken
from portal.registry.models.verifier import Verifier

__all__ = [
    "LEGACY_ALGORITHMS",
    "PORTAL",
    "AccessToken",
    "Actor",
    "AuthorizationCode",
    "BlockedKey",
    "CalendarFeed",
    "Client",
    "ClientKey",
    "Event",
    "Job",
    "JudgedKey",
    "KeyUse",
    "Ledger",
    "LedgerPosition",
    "Membership",
    "PendingMember",
    "PolicyExemption",
    "PolicyRule",
    "Portal",
    "RedeemedAssertion",
    "RefreshToken",
    "RefusedRequest",
    "Replacement",
    "RequestedSet",
    "ServingProcess",
    "UseCursor",
    "Verifier",
    "describe_actor",
    "describe_client",
    "new_client_id",
    "recording",
]
