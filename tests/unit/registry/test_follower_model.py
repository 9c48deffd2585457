"""The follower and the cache beside a model of the database, in any order of what can happen.

No schedule serves a key set for longer than the bound after it changed, and none stops serving one
that has not.
"""

from __future__ import annotations

import os
import secrets
import sys
from collections.abc import Callable
from contextlib import ExitStack
from copy import deepcopy
from dataclasses import dataclass, field
from math import inf
from unittest.mock import patch

from hypothesis import Phase
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from portal.core.ledger import Tree
from portal.publishing import jwks_cache
from portal.publishing.jwks_cache import JwksCache, Version, path_of, prepare
from portal.publishing.public_endpoint import Document
from portal.registry import follower
from portal.registry.follower import (
    BOUND_S,
    LATE_S,
    Follower,
    NewEvent,
    Refused,
    Snapshot,
    Unreachable,
)
from portal.registry.ledger_source import PATIENCE_S

STALE_S = 600.0
CONNECT_S = 5.0
CLIENTS = ["a", "b", "c"]

UP, LOCKED, REFUSING, FROZEN, DOWN, CUT_OFF = (
    *("up", "locked", "refusing", "frozen", "down", "cut off"),
)
WRITABLE = {UP, LOCKED, REFUSING, CUT_OFF}


class Clock:
    """Both clocks of the cache. The wall clock may jump; the other one goes on, or leaps."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.ahead = 1e9

    def monotonic(self) -> float:
        return self.now

    def time(self) -> float:
        return self.now + self.ahead


@dataclass
class Database:
    """What is stored: events, and which version of its set each client has."""

    identity: str = field(default_factory=lambda: secrets.token_hex(4))
    tree: Tree = field(default_factory=Tree.empty)
    events: list[NewEvent] = field(default_factory=list)
    sets: dict[str, int] = field(default_factory=lambda: dict.fromkeys(CLIENTS, 0))
    ids: int = 0

    def write(self, client_id: str, value: int, *, older: bool) -> None:
        """Commit a change; an older portal gives its event no number."""
        self.sets[client_id] = value
        self.ids += 1
        if older:
            self.events.append(NewEvent(self.ids, None, b"", client_id))
            return
        self.events.append(NewEvent(self.ids, None, b"", client_id))
        for at, event in enumerate(self.events):
            if event.number is None:
                leaf = secrets.token_bytes(32)
                self.tree.append(leaf)
                self.events[at] = NewEvent(event.id, self.tree.size, leaf, event.client_id)
        self.events.sort(key=lambda event: event.number or 0)


class Machine(RuleBasedStateMachine):
    """One process, its database, and others who write to that."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = Clock()
        self.patches = ExitStack()
        self.patches.enter_context(patch.object(jwks_cache, "time", self.clock))
        self.patches.enter_context(patch.object(follower.logger, "exception", self.fail))
        self.database = Database()
        self.backup = deepcopy(self.database)
        self.server = UP
        self.since = self.clock.now
        self.follower = Follower(self, stale_s=STALE_S, clock=self.clock.monotonic)
        self.follower.subscribe(self)
        self.cache = JwksCache(100_000, self.follower)
        # A filler runs, which never gets to a set in time: requests get the one that is there.
        self.cache.is_filled = True
        self.patches.enter_context(patch.object(jwks_cache, "_PATIENCE_S", 0))
        self.due = self.clock.now
        self.values = 0
        self.history = {each: [(0.0, 0)] for each in CLIENTS}
        self.readings: list[tuple[str, Version, int, float]] = []
        self.unreachable_since = inf
        self.is_another_one = True
        self.amid: list[Callable[[], None]] = []
        self.kept: dict[str, tuple[int, float]] = {}
        self.starved_until = self.clock.now
        self.is_seen = True
        self.was_followed = True
        self.failure: BaseException | None = None

    def teardown(self) -> None:
        self.patches.close()

    # --- The source, the session and a subscriber -----------------------------------------------

    def connect(self, late: Callable[[], object]) -> Machine:
        if self.server in {FROZEN, CUT_OFF}:
            self.clock.now += PATIENCE_S
            late()
            self.look_amid_a_step()
            self.clock.now += CONNECT_S - PATIENCE_S
            raise Unreachable
        if self.server == DOWN:
            raise Unreachable
        if self.server == REFUSING:
            raise Refused
        return self

    def poll(self, after: int | None) -> Snapshot:
        if self.server in {FROZEN, CUT_OFF, LOCKED}:
            self.clock.now += PATIENCE_S
            raise Unreachable
        if self.server in {DOWN, REFUSING}:
            raise Unreachable
        self.happen()
        self.is_seen = not self.amid
        known = inf if after is None else after
        new = [each for each in self.database.events if each.number is None or each.number > known]
        found = Snapshot(self.database.identity, deepcopy(self.database.tree), new)
        self.clock.now += 0.01
        self.happen()
        return found

    def wait(self, seconds: float) -> list[str]:
        return []

    def received(self) -> list[str]:
        return []

    def close(self) -> None: ...

    def drop(self, client_id: str) -> None:
        self.happen()
        self.kept.pop(client_id, None)

    def clear(self) -> None:
        self.happen()
        self.kept.clear()
        if not self.is_another_one:
            self.failure = AssertionError("everything is forgotten without need")
        self.is_another_one = False

    def fail(self, *_: object) -> None:
        """Take down what the follower logs: nothing here is allowed to fail in it."""
        self.failure = sys.exc_info()[1]

    def look_amid_a_step(self) -> None:
        """A failure may not get lost in the follower, which goes on after any."""
        try:
            self.everything_is_as_promised()
            self.what_is_kept_is_served_while_the_database_is_gone()
        except AssertionError as failure:
            self.failure = failure

    def happen(self) -> None:
        """Let something happen in the midst of a poll."""
        if self.amid:
            self.amid.pop()()

    # --- What happens ---------------------------------------------------------------------------

    @rule(seconds=st.sampled_from([0.01, 0.1, 0.5, 1.0, 3.0, 30.0]))
    def time_passes(self, seconds: float) -> None:
        until = self.clock.now + seconds
        while self.due <= until:
            self.clock.now = max(self.clock.now, self.due)
            self.due = self.follower.step() + self.clock.now
            self.everything_is_as_promised()
            if self.clock.now > until:
                return
        self.clock.now = max(self.clock.now, until)

    @rule(seconds=st.sampled_from([0.5, 2.5, 100.0]))
    def process_is_stopped(self, seconds: float) -> None:
        self.clock.now += seconds
        self.starved_until = self.clock.now

    @rule(seconds=st.sampled_from([-3600.0, -5.0, 5.0, 3600.0]))
    def wall_clock_jumps(self, seconds: float) -> None:
        self.clock.ahead += seconds

    @rule(server=st.sampled_from([UP, UP, UP, LOCKED, REFUSING, FROZEN, DOWN, CUT_OFF]))
    def server_becomes(self, server: str) -> None:
        if server in {FROZEN, DOWN, CUT_OFF}:
            self.unreachable_since = min(self.unreachable_since, self.clock.now)
        if server != self.server:
            if self.server not in {FROZEN, DOWN}:
                # If it was there and could not be polled, others may have written.
                steady = max(self.since, self.starved_until) + CONNECT_S + BOUND_S
                self.was_followed = self.server == UP and self.clock.now > steady
            self.server, self.since = server, self.clock.now
            if server != DOWN:
                self.database_is_another_one()

    def database_is_another_one(self) -> None:
        for client_id, value in self.database.sets.items():
            if value != self.history[client_id][-1][1]:
                self.history[client_id].append((self.clock.now, value))

    @precondition(lambda self: self.server in WRITABLE)
    @rule(
        client_id=st.sampled_from(CLIENTS),
        older=st.sampled_from([False, False, True]),
        notified=st.booleans(),
        amid=st.booleans(),
    )
    def somebody_writes(self, client_id: str, *, older: bool, notified: bool, amid: bool) -> None:
        def write() -> None:
            self.values += 1
            self.database.write(client_id, self.values, older=older)
            self.is_seen = False
            self.history[client_id].append((self.clock.now, self.values))
            self.kept.pop(client_id, None)

        if amid and self.server == UP:
            self.amid.append(write)
        else:
            write()
        if notified and self.server == UP:
            self.due = min(self.due, self.clock.now)
            self.follower._drop_notified([client_id])

    @rule()
    def backup_is_made(self) -> None:
        self.backup = deepcopy(self.database)

    # A set that was read between a write and a restore, with no poll between, is only read again
    # after a minute (ADR 0020).
    @precondition(lambda self: self.server in {DOWN, UP} and self.is_seen and not self.readings)
    @rule(same_tables=st.booleans(), more=st.integers(0, 3))
    def backup_is_restored(self, *, same_tables: bool, more: int) -> None:
        """By dump, which makes new tables, or as a standby that lacks the last events."""
        self.database = deepcopy(self.backup)
        if not same_tables:
            self.database.identity = secrets.token_hex(4)
        for _ in range(more):
            self.values += 1
            self.database.write("a", self.values, older=False)
        self.kept.clear()
        self.is_seen = False
        self.is_another_one = True
        if self.server == UP:
            self.database_is_another_one()

    @precondition(lambda self: self.server in {UP, REFUSING})
    @rule(client_id=st.sampled_from(CLIENTS), ends_in=st.sampled_from([3.0, inf]))
    def set_is_read(self, client_id: str, ends_in: float) -> None:
        """It is put into the cache now or later, as threads take their time."""
        until = self.clock.time() + ends_in
        version = self.cache.version(client_id)
        self.readings.append((client_id, version, self.database.sets[client_id], until))

    @precondition(lambda self: self.readings)
    @rule(data=st.data(), amid=st.booleans())
    def set_is_put(self, data: st.DataObject, *, amid: bool) -> None:
        reading = self.readings.pop(data.draw(st.integers(0, len(self.readings) - 1)))

        def put() -> None:
            client_id, version, value, until = reading
            entry = prepare(Document(str(value).encode(), "public"), until)
            self.cache.put(client_id, version, entry, extended=False)
            found = self.cache._entries.get(path_of(client_id, extended=False))
            if found is entry and value == self.database.sets[client_id]:
                self.kept[client_id] = (value, until)

        if amid and self.server == UP:
            self.amid.append(put)
        else:
            put()

    # --- What is promised -----------------------------------------------------------------------

    @invariant()
    def nothing_has_failed(self) -> None:
        if self.failure:
            raise self.failure

    @invariant()
    def everything_is_as_promised(self) -> None:
        now = self.clock.now
        if self.follower.is_healthy() and self.server not in {FROZEN, DOWN, CUT_OFF}:
            self.unreachable_since = inf
        for client_id in CLIENTS:
            entry = self.cache.find(path_of(client_id, extended=False))
            if entry:
                assert self.clock.time() < entry[0], "a key is served after its end"
                # Nobody can tell us what was written just before that.
                since = min(now - BOUND_S, self.unreachable_since - LATE_S)
                assert self.was_current(client_id, int(entry[-1]), since)
        if self.server == UP and now > max(self.since, self.starved_until) + CONNECT_S + BOUND_S:
            assert self.follower.is_healthy() or self.due <= now + 0.1

    def was_current(self, client_id: str, value: int, since: float) -> bool:
        """Tell whether this was the client's set at some moment since then."""
        changes = self.history[client_id]
        ends = [at for at, _ in changes[1:]] + [inf]
        return any(
            each == value and end >= since for (_, each), end in zip(changes, ends, strict=True)
        )

    @invariant()
    def what_is_kept_is_served_while_the_database_is_gone(self) -> None:
        """From when it goes, without a gap, as long as the follower runs."""
        now = self.clock.now
        in_time = self.since > self.starved_until + BOUND_S and now < self.since + STALE_S - BOUND_S
        if self.server not in {DOWN, FROZEN} or not in_time or not self.was_followed:
            return
        for client_id, (value, until) in self.kept.items():
            if self.clock.time() < until:
                entry = self.cache.find(path_of(client_id, extended=False))
                assert entry, f"{client_id} is not served"
                assert int(entry[-1]) == value


# To shorten a schedule that fails, take `phases` away: that may need minutes.
Machine.TestCase.settings = hypothesis_settings(
    max_examples=60 if os.environ.get("STRUCTURES") else 20,  # make test-all tries more
    stateful_step_count=1000,
    deadline=None,
    phases=[Phase.generate],
    derandomize=True,  # the same schedules in every run
)
test_any_schedule = Machine.TestCase


def test_a_look_and_a_connection_that_both_fail_are_over_before_the_bound() -> None:
    assert follower._POLL_EVERY_S + 2 * PATIENCE_S < BOUND_S
