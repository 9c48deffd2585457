"""Verbs at the same moment, on PostgreSQL: numbers have no gaps, and nobody waits in a ring."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from secrets import token_hex
from types import SimpleNamespace
from typing import Any, Final

import pytest
from allauth.account.models import EmailAddress
from django.db.models import Model
from django.utils import timezone

from portal.accounts.models import User
from portal.core.jwk import published_jwk
from portal.core.public_key.parse import parse_public_key
from portal.core.reasons import Refused
from portal.registry import actions
from portal.registry.actions.block_key import block_leaked_keys
from portal.registry.actions.report_weakness import report_weakness
from portal.registry.choices import GrantType, RevocationReason, Role, Verb
from portal.registry.errors import RegistryRefusal
from portal.registry.ledger import verify_events
from portal.registry.models import (
    PORTAL,
    Client,
    ClientKey,
    Event,
    Ledger,
    Membership,
    PendingMember,
    Replacement,
)
from portal.work.models import Task
from tests.db.registry.racing import outcome_of, race_behind
from tests.keys import new_private_key, public_pem
from tests.registering import register_pem
from tests.waiting import PATIENCE_S

pytestmark = [pytest.mark.postgresql, pytest.mark.django_db(transaction=True)]


class Scene:
    """A client with people and keys, so that every verb has something to do."""

    def __init__(self, cast: SimpleNamespace) -> None:
        self.admin, self.dev = cast.admin, cast.dev
        people = [User(email=f"{token_hex(8)}@example.com") for _ in range(4)]
        people[3].is_staff = True
        self.owner, self.member, self.new, self.staff = User.objects.bulk_create(people)
        EmailAddress.objects.bulk_create(
            EmailAddress(user=each, email=each.email, verified=True, primary=True)
            for each in people
        )
        self.client, other = Client.objects.bulk_create(
            Client(name=name, created_by=self.owner) for name in ("Payments", "Other")
        )
        _, self.membership = Membership.objects.bulk_create(
            Membership(client=self.client, user=user, role=role)
            for user, role in ((self.owner, Role.OWNER), (self.member, Role.DEVELOPER))
        )
        self.asked = self.staff
        self.pending = PendingMember.objects.create(
            client=self.client,
            email=self.asked.email,
            role=Role.VIEWER,
            asked_at=timezone.now(),
            asked_by=self.owner,
        )
        # The same key in both clients: proving one ends the other.
        key, spare, old = (parse_public_key(public_pem(new_private_key())) for _ in range(3))
        self.key, self.copy, self.spare, self.replaced = ClientKey.objects.bulk_create(
            ClientKey(
                client=client,
                label="x",
                pem=key.pem,
                alg="EdDSA",
                kty=key.kty,
                curve=key.curve,
                bits=key.bits,
                kid=key.thumbprint,
                spki_sha256=key.spki_sha256,
                jwk=published_jwk(key, "EdDSA"),
                registered_by=self.dev,
            )
            for client, key in (
                (self.client, key),
                (other, key),
                (self.client, spare),
                (self.client, old),
            )
        )
        # Its retirement depends on the key that replaces it.
        actions.retire_key(self.replaced, grace=timedelta(days=1), by=self.dev)
        Replacement.objects.create(
            client=self.client,
            old=self.replaced,
            new=self.key,
            begun_at=timezone.now(),
            begun_by=self.dev,
        )
        self.replacement = Replacement.objects.create(
            client=self.client, old=self.key, begun_at=timezone.now(), begun_by=self.dev
        )
        self.pem = public_pem(new_private_key())


VERBS: Final[Mapping[str, Callable[[Scene], Any]]] = {
    "create_client": lambda s: actions.create_client(name="New", by=s.owner),
    "change_client": lambda s: actions.change_client(
        s.client, name="Renamed", contacts=[], redirect_uris=[], by=s.owner
    ),
    "change_rights": lambda s: actions.change_rights(
        s.client, scopes=["read"], grant_types=[GrantType.CLIENT_CREDENTIALS], resources=[],
        by=s.admin,
    ),
    "suspend_client": lambda s: actions.suspend_client(s.client, note="", by=s.admin),
    "resume_client": lambda s: actions.resume_client(s.client, by=s.admin),
    "archive_client": lambda s: actions.archive_client(s.client, by=s.owner),
    "unarchive_client": lambda s: actions.unarchive_client(s.client, by=s.owner),
    "delete_client": lambda s: actions.delete_client(s.client, by=s.owner),
    "make_calendar_feed": lambda s: actions.make_calendar_feed(s.client, by=s.dev),
    "revoke_calendar_feed": lambda s: actions.revoke_calendar_feed(s.client, by=s.dev),
    "ask_member": lambda s: actions.ask_member(
        s.client, email=s.new.email, role=Role.VIEWER, by=s.owner
    ),
    "withdraw_member": lambda s: actions.withdraw_member(s.pending, by=s.owner),
    "accept_membership": lambda s: actions.accept_membership(s.pending, by=s.asked),
    "decline_membership": lambda s: actions.decline_membership(s.pending, by=s.asked),
    "change_role": lambda s: actions.change_role(s.membership, role=Role.OWNER, by=s.owner),
    "remove_member": lambda s: actions.remove_member(s.membership, by=s.owner),
    "appoint_owner": lambda s: actions.appoint_owner(s.client, email=s.new.email, by=s.admin),
    "register_key": lambda s: register_pem(
        s.client, material=s.pem, alg="EdDSA", label="x", by=s.dev
    ),
    "inspect_key": lambda s: actions.inspect_key(
        "no key", by=s.dev, client=s.client, registering=True
    ),
    "change_key": lambda s: actions.change_key(
        s.key, label="Renamed", expires_at=timezone.now() + timedelta(days=1), by=s.dev
    ),
    "retire_key": lambda s: actions.retire_key(s.key, grace=timedelta(days=1), by=s.dev),
    "retire_replaced_key": lambda s: actions.retire_key(
        s.replaced, grace=timedelta(days=2), by=s.dev
    ),
    "keep_key": lambda s: actions.keep_key(s.key, by=s.dev),
    "begin_replacement": lambda s: actions.begin_replacement(s.spare, by=s.dev),
    "choose_successor": lambda s: actions.choose_successor(s.replacement, s.spare, by=s.dev),
    "retire_replaced": lambda s: actions.retire_replaced(
        s.replacement, at=None, insists=True, by=s.dev
    ),
    "withdraw_replacement": lambda s: actions.withdraw_replacement(s.replacement, by=s.dev),
    "confirm_key": lambda s: actions.confirm_key(s.key, by=s.key),
    "confirm_copy": lambda s: actions.confirm_key(s.copy, by=s.copy),
    "revoke_key": lambda s: actions.revoke_key(
        s.key, reason=RevocationReason.COMPROMISED, by=s.dev
    ),
    "revoke_copy": lambda s: actions.revoke_key(
        s.copy, reason=RevocationReason.COMPROMISED, by=s.dev
    ),
    "block_key": lambda s: actions.block_key(s.key.spki_sha256, by=s.admin),
    "block_leaked_keys": lambda s: block_leaked_keys(
        [parse_public_key(s.pem), parse_public_key(s.key.pem)], by=PORTAL, client=s.client
    ),
    "report_weakness": lambda s: report_weakness(s.key, reason="weak", note="Weak"),
    "invite_person": lambda s: actions.invite_person(f"{token_hex(8)}@example.com", by=PORTAL),
    "deactivate_person": lambda s: actions.deactivate_person(s.staff, by=s.admin),
    "activate_person": lambda s: actions.activate_person(s.staff, by=s.admin),
    "grant_admin": lambda s: actions.grant_admin(s.member, by=s.admin),
    "withdraw_admin": lambda s: actions.withdraw_admin(s.staff, by=s.admin),
    "job_that_revokes": lambda s: carry_on(
        Verb.REVOKE_KEY, [s.key, s.copy], reason=RevocationReason.COMPROMISED, by=s.admin
    ),
    "job_that_suspends": lambda s: carry_on(
        Verb.SUSPEND_CLIENT, [s.client, s.copy.client], reason=None, by=s.admin
    ),
}  # fmt: skip


def carry_on(
    verb: Verb, rows: Sequence[Model], *, reason: RevocationReason | None, by: User
) -> None:
    """Start a job on these rows and do all of it, as a worker would."""
    job = actions.prepare_job(verb, [row.pk for row in rows], filters="", by=by)
    actions.start_job(job, reason=reason, note="", by=by)
    actions.carry_on_job(Task(subject=str(job.pk)), timezone.now())


def test_every_verb_is_among_the_pairs() -> None:
    # What these record is recorded by verbs that are among the pairs, or by itself.
    # These lock nothing themselves: they call the verbs above, one after the other.
    inner = {"authenticate_client", "blocking_leaked_keys", "inspect_key", "read_key"}
    inner |= {"check_client_takes"}  # it only reads
    # They lock the job's row alone; the pairs have two jobs that are carried on.
    inner |= {"prepare_job", "start_job", "cancel_job", "carry_on_job"}
    inner |= {"record_refused_grant"}
    # They lock rows of the key policy alone, in which no other verb waits.
    inner |= {"draft_rule", "save_rule", "end_rule", "exempt_client", "end_exemption"}
    # They lock nothing but the row of a verifier.
    inner |= {"save_verifier", "remove_verifier"}
    public = {each for each in actions.__all__ if each[0].islower()}
    assert public - inner <= set(VERBS)


HOLDING: Final = ("change_client", "revoke_key", "revoke_copy", "deactivate_person")
"""Verbs that hold a row of each kind that verbs lock: a client, all keys but one, a person."""


@pytest.mark.parametrize("first", VERBS)
@pytest.mark.parametrize(
    "others",
    [
        pytest.param(HOLDING, id="that hold rows"),
        pytest.param([*VERBS], id="all", marks=pytest.mark.exhaustive),
    ],
)
def test_no_two_verbs_wait_in_a_ring(
    first: str, others: Sequence[str], cast: SimpleNamespace
) -> None:
    """All that both lock is locked before the head is let go: what they lock later could be a ring.

    In a ring the first waits for the head with too little locked, so any verb that holds one of its
    rows closes it. PostgreSQL ends a ring with an error, and `race_behind` raises it.
    """
    head, _ = Ledger.objects.get_or_create()
    for second in others:
        scene = Scene(cast)
        acts = [partial(VERBS[name], scene) for name in (first, second)]
        race_behind(head, *acts)
    verify_events()


def test_numbers_have_no_gaps_and_are_in_the_order_of_commit(cast: SimpleNamespace) -> None:
    scenes = [Scene(cast) for _ in range(4)]
    before = Ledger.head().size

    def work(number: int) -> None:
        scene = scenes[number % 4]
        for name in list(VERBS)[number::2]:
            try:
                VERBS[name](scene)
            except (Refused, RegistryRefusal):
                continue

    with ThreadPoolExecutor(8) as pool:
        for future in [pool.submit(outcome_of, partial(work, n)) for n in range(8)]:
            future.result(timeout=PATIENCE_S)
    head = verify_events()
    assert head.size == Event.objects.count() > before
    ids = list(Event.objects.order_by("number").values_list("pk", flat=True))
    assert ids == sorted(ids)
