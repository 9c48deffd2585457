"""On PostgreSQL the database tells: triggers notify each process of the client that has changed."""

from __future__ import annotations

import logging
import os
import secrets
import time
from contextlib import suppress
from threading import Thread
from typing import TYPE_CHECKING, Final

from django.db import DEFAULT_DB_ALIAS

from portal.registry.changes.proof import WRITTEN, Heartbeat, Position, Replica
from portal.registry.changes.wire import Refused, Unreachable, Wire, conninfo_of

if TYPE_CHECKING:
    from portal.registry.changes import Keeper

logger = logging.getLogger(__name__)

CHANNEL: Final = "registry_changes"
BOUND_S: Final = 2.0
"""For how long a change may go unnoticed in the worst case; it takes milliseconds otherwise."""

_HEARTBEAT_S: Final = 1.0
# A heartbeat that waits this long in vain, and a connection that is tried this long after it, are
# over before BOUND_S is: nobody waits for a database that has stopped.
_PATIENCE_S: Final = 0.4
_CONNECT_S: Final = 5.0
_PAUSE_S: Final = 0.1
# Who refuses us has been asked, and each set is read anew meanwhile: nothing is gained by haste.
_REFUSED_PAUSE_S: Final = 1.0
# Which triggers tell (migration 0006), as they are now: made anew they have other numbers.
_WHO_TELLS: Final = """
    SELECT CASE WHEN count(*) = 4 THEN string_agg(oid::text, ' ' ORDER BY oid) END
    FROM pg_trigger
    WHERE tgrelid IN ('registry_client'::regclass, 'registry_clientkey'::regclass)
        AND tgname LIKE '%\\_is\\_told' AND tgenabled IN ('O', 'A')"""


class Listener:
    """A thread that listens to one database and tells a keeper what has changed.

    Being connected proves nothing: a connection can be dead for minutes unnoticed, and a pooler
    forgets who listens. So each second it notifies itself, and only the echo makes the keeper trust
    it for `BOUND_S` seconds more from when the notification was sent. Notifications come in the
    order of their commits: whatever was committed before that has come before the echo. With it it
    asks for the triggers: while they are missing, as before a migration or in the midst of a
    restore, or were made anew, as after one, changes have gone untold.

    Where there is a replica, it is told the same, and where the primary was at each heartbeat.
    """

    def __init__(self, keeper: Keeper, *, stale_s: float, replica: Replica | None = None) -> None:
        self._keeper = keeper
        self._replica = replica
        # The replica first: when the keeper has forgotten, the replica is out of the question.
        self._told = (replica, keeper) if replica else (keeper,)
        self._stale_s = stale_s
        self._heard = -float("inf")
        self._own = f"portal_{os.getpid()}_{secrets.token_hex(8)}"
        self._beats = 0
        self._state = ""

    def start(self) -> None:
        """Begin; the thread ends with the process."""
        Thread(target=self._run, name="registry changes", daemon=True).start()

    def _run(self) -> None:
        while True:
            pause = _PAUSE_S
            try:
                self._follow()
            except Unreachable as failure:
                self._gone(failure)
            except Exception as failure:  # noqa: BLE001 - without this thread nothing is served
                self._distrust()
                self._say("Changes are not told; each key set is read anew: %s", failure)
                pause = _REFUSED_PAUSE_S
            time.sleep(pause)

    def _follow(self) -> None:
        """Listen until the connection is lost. Raises `Unreachable` when none can be made."""
        wire = Wire(
            conninfo_of(DEFAULT_DB_ALIAS, "portal: changes"),
            late_at=_soon(),
            late=lambda: self._gone("it does not answer"),
        )
        try:
            wire.connect(time.monotonic() + _CONNECT_S)
            # Being lost from here on means little; whether the next one can be made will tell.
            with suppress(Unreachable):
                self._listen(wire)
        finally:
            wire.close()

    def _listen(self, wire: Wire) -> None:
        wire.execute(f'LISTEN {CHANNEL}; LISTEN "{self._own}"', _soon())
        # From here on all changes come; what was missed before is not known. The database is there,
        # so that what is forgotten can be read.
        self._distrust()
        who_tells = self._beat(wire)
        while True:
            began = time.monotonic()
            position = self._position(wire) if self._replica else None
            if self._beat(wire) != who_tells:
                return
            self._heard = began
            self._keeper.trust(began + BOUND_S)
            if self._replica and position:
                self._replica.hear(Heartbeat(began, began + BOUND_S, position))
            self._say("Changes of key sets are told by the database%s", ".")
            for channel, payload in wire.listen(began + _HEARTBEAT_S):
                self._tell(channel, payload)

    def _beat(self, wire: Wire) -> str:
        """Notify ourselves, and return which triggers tell when that has come back.

        Raises `Refused` when it does not, or when there is no trigger that tells.
        """
        until = _soon()
        # By its number: one that a connection before this one had sent may come only now.
        self._beats += 1
        echo = (self._own, str(self._beats))
        who_tells = wire.execute(f"{_WHO_TELLS}; NOTIFY \"{self._own}\", '{self._beats}'", until)
        if not who_tells:
            raise Refused("the triggers of the registry's migration 0006 are missing")
        for told in wire.listen(until):
            if told == echo:
                return who_tells
            self._tell(*told)
        raise Refused("a notification to ourselves has not come back")

    def _position(self, wire: Wire) -> Position | None:
        """Return where the primary is now, None when it does not say."""
        try:
            return Position.read(wire.execute(WRITTEN, _soon()))
        except Refused as refused:
            logger.debug("The primary does not say where it is: %s", refused)
            return None

    def _tell(self, channel: str, client_id: str) -> None:
        if channel != CHANNEL:
            return
        if not client_id:
            self._clear()
            return
        for each in self._told:
            each.drop(client_id)

    def _clear(self) -> None:
        for each in self._told:
            each.clear()

    def _distrust(self) -> None:
        if self._replica:
            self._replica.clear()
        self._keeper.distrust()

    def _gone(self, failure: object) -> None:
        self._keeper.serve_on(self._heard + self._stale_s)
        self._say("The database is gone; known key sets are served on: %s", failure)

    def _say(self, sentence: str, detail: object) -> None:
        """Log a state once, when it begins."""
        if sentence != self._state:
            self._state = sentence
            level = logging.INFO if detail == "." else logging.WARNING
            logger.log(level, sentence, detail)


def _soon() -> float:
    return time.monotonic() + _PATIENCE_S
