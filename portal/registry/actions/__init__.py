"""The actions: the verbs that change the tables, and what authenticates a client or reads a key.

A verb is one transaction that locks, checks, writes and records its event. A job has no event of
its own: each verb that it calls has one.
"""

from portal.registry.actions.archive_client import (
    archive_client,
    delete_client,
    unarchive_client,
)
from portal.registry.actions.authenticate_client import (
    Authenticated,
    AuthenticationRefused,
    authenticate_client,
    record_refused_grant,
)
from portal.registry.actions.block_key import block_key
from portal.registry.actions.calendar_feed import make_calendar_feed, revoke_calendar_feed
from portal.registry.actions.carry_on_job import carry_on_job
from portal.registry.actions.change_key import change_key
from portal.registry.actions.change_rights import change_rights
from portal.registry.actions.client import (
    change_client,
    create_client,
    resume_client,
    suspend_client,
)
from portal.registry.actions.confirm_key import confirm_key
from portal.registry.actions.inspect_key import inspect_key
from portal.registry.actions.job import cancel_job, prepare_job, start_job
from portal.registry.actions.join_client import (
    accept_membership,
    ask_member,
    decline_membership,
    withdraw_member,
)
from portal.registry.actions.people import (
    activate_person,
    deactivate_person,
    grant_admin,
    invite_person,
    withdraw_admin,
)
from portal.registry.actions.policy_rule import (
    draft_rule,
    end_exemption,
    end_rule,
    exempt_client,
    save_rule,
)
from portal.registry.actions.read_key import blocking_leaked_keys, read_key
from portal.registry.actions.register_key import check_client_takes, register_key
from portal.registry.actions.replace_key import (
    begin_replacement,
    choose_successor,
    retire_replaced,
    withdraw_replacement,
)
from portal.registry.actions.report_weakness import report_weakness
from portal.registry.actions.retire_key import keep_key, retire_key
from portal.registry.actions.revoke_key import revoke_key
from portal.registry.actions.team import (
    appoint_owner,
    change_role,
    remove_member,
)
from portal.registry.actions.verifier import remove_verifier, save_verifier

__all__ = [
    "Authenticated",
    "AuthenticationRefused",
    "accept_membership",
    "activate_person",
    "appoint_owner",
    "archive_client",
    "ask_member",
    "authenticate_client",
    "begin_replacement",
    "block_key",
    "blocking_leaked_keys",
    "cancel_job",
    "carry_on_job",
    "change_client",
    "change_key",
    "change_rights",
    "change_role",
    "check_client_takes",
    "choose_successor",
    "confirm_key",
    "create_client",
    "deactivate_person",
    "decline_membership",
    "delete_client",
    "draft_rule",
    "end_exemption",
    "end_rule",
    "exempt_client",
    "grant_admin",
    "inspect_key",
    "invite_person",
    "keep_key",
    "make_calendar_feed",
    "prepare_job",
    "read_key",
    "record_refused_grant",
    "register_key",
    "remove_member",
    "remove_verifier",
    "report_weakness",
    "resume_client",
    "retire_key",
    "retire_replaced",
    "revoke_calendar_feed",
    "revoke_key",
    "save_rule",
    "save_verifier",
    "start_job",
    "suspend_client",
    "unarchive_client",
    "withdraw_admin",
    "withdraw_member",
    "withdraw_replacement",
]
