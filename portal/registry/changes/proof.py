"""When a replica may be read in the primary's stead: the rules, of which ADR 0012 has the proof."""

from __future__ import annotations

import time
from typing import Final, NamedTuple, Self

from portal.registry.changes.readers import Readers

# The timeline of a primary in its log and not in its control file, which learns of a promotion
# late. A replica's control file learns late too, and until then the two do not agree: safe.
WRITTEN: Final = """
    SELECT system_identifier || '/' || ('x' || left(pg_walfile_name(lsn), 8))::bit(32)::int
        || ' ' || pg_wal_lsn_diff(lsn, '0/0')
    FROM pg_control_system(), pg_current_wal_insert_lsn() AS lsn"""
"""Asks a primary for its `Position`: what was committed before is contained, flushed or not."""

REPLAYED: Final = """
    SELECT system_identifier || '/' || timeline_id
        || ' ' || pg_wal_lsn_diff(pg_last_wal_replay_lsn(), '0/0')
    FROM pg_control_system(), pg_control_checkpoint() WHERE pg_is_in_recovery()"""
"""Asks a replica for its `Position`: later questions on that connection see what is contained."""

_SLOTS: Final = 4096
_KEPT: Final = 4


class Position(NamedTuple):
    """How far a server has written or replayed the log of its history, in bytes."""

    history: str
    reached: int

    @classmethod
    def read(cls, told: object) -> Self | None:
        """Return what a server said, None when it has no position."""
        history, _, reached = str(told or "").partition(" ")
        return cls(history, int(reached)) if reached else None

    def contains(self, other: Position) -> bool:
        """Tell whether everything that was committed at the other position is here."""
        return self.history == other.history and self.reached >= other.reached


class Heartbeat(NamedTuple):
    """One that was echoed: when it began, how long it may be gone by, and where the primary was.

    Moments are those of `time.monotonic`, in seconds.
    """

    began: float
    until: float
    position: Position


class Replica:
    """What one process knows of its replica.

    The thread that listens to the primary says what it hears, the one that watches the replica how
    far that one is; whoever wants to read asks for a proof before, and whether it holds afterwards.
    No method waits for another: each reads or replaces whole values.
    """

    def __init__(self) -> None:
        self.readers = Readers()
        self._heartbeats: tuple[Heartbeat, ...] = ()
        self._proved: Heartbeat | None = None
        self._cleared = 0.0
        # One moment for many clients: a collision costs a reading of the primary.
        self._changed = [0.0] * _SLOTS

    def hear(self, heartbeat: Heartbeat) -> None:
        """Learn where the primary was. All changes that were told before it are contained there."""
        self._heartbeats = (*self._heartbeats[1 - _KEPT :], heartbeat)

    def drop(self, client_id: str) -> None:
        """Learn that a client has changed: only a later heartbeat is good for it."""
        self._changed[hash(client_id) % _SLOTS] = time.monotonic()

    def clear(self) -> None:
        """Learn that changes may have been missed: only a later heartbeat is good for anything."""
        self._cleared = time.monotonic()
        self.leave_out()

    def leave_out(self) -> None:
        """Read it no more until it has got as far as a heartbeat that is still to come."""
        self._heartbeats, self._proved = (), None

    def reach(self, position: Position) -> str | None:
        """Learn how far the replica is.

        Returns why it is not read, empty when it is, and None as long as that has to be seen.
        """
        heartbeats, now = self._heartbeats, time.monotonic()
        passed = [each for each in heartbeats if position.contains(each.position)]
        self._proved = passed[-1] if passed else None
        if passed and now < passed[-1].until:
            return ""
        if not heartbeats or now < heartbeats[0].until or now >= heartbeats[-1].until:
            return None
        if position.history != heartbeats[-1].position.history:
            return "it does not follow this primary, or not since its last checkpoint"
        return "it is behind"

    def proof(self, client_id: str) -> Heartbeat | None:
        """Return why the replica may be read for this client now, None when it may not."""
        proved = self._proved
        return proved if proved and self.holds(proved, client_id) else None

    def holds(self, proof: Heartbeat, client_id: str) -> bool:
        """Tell whether what was read by this proof may still be believed."""
        changed = max(self._cleared, self._changed[hash(client_id) % _SLOTS])
        return changed < proof.began and time.monotonic() < proof.until
