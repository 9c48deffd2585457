"""Follows the ledger: which clients have changed, and until when what was read is good (ADR 0020).

The rules are here. How the ledger is read is in `portal.registry.ledger_source`.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from threading import Lock, Thread
from typing import Final, NamedTuple, Protocol

from portal.core.ledger import Tree

logger = logging.getLogger(__name__)

BOUND_S: Final = 2.0
"""For how long a change may stay unseen in the worst case; usually it takes milliseconds."""

LATE_S: Final = 5.0
"""If it shows later than this after a poll that the database is gone, others may have written."""

LIMIT: Final = 1000
"""How many new events one poll reads. After more of them everything is read again."""

_EVER: Final = float("inf")
# A poll and a connection may both take 0.4 seconds in vain. Half a second is then left before
# `BOUND_S` is over, which a busy machine needs.
_POLL_EVERY_S: Final = 0.7
_PAUSE_S: Final = 0.1
SESSION_S: Final = 60.0
"""How old a session gets. Its server may live on when a name leads to another one."""

# A server that refuses us answers others, and each set is read from it: haste gains nothing.
_REFUSED_PAUSE_S: Final = 1.0


class Refused(Exception):  # noqa: N818 - the name says what happened
    """The database is there, and the ledger cannot be read."""


class Unreachable(Exception):  # noqa: N818
    """The database does not answer, or says that it is starting or ending."""


class Head(NamedTuple):
    """How many events there are, and the hash over all of them in hexadecimal."""

    number: int
    root: str


@dataclass(frozen=True, slots=True)
class NewEvent:
    """An event, and the client whose key set it may change; None if there is none.

    A portal of a version before the ledger writes events without number and leaf.
    """

    id: int
    number: int | None
    leaf: bytes
    client_id: str | None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What the ledger is at one moment.

    `identity` is another one after a restore. `events` are those after the number that was asked
    for, in their order, and those without a number; at most `LIMIT` of each.
    """

    identity: str
    tree: Tree
    events: Sequence[NewEvent]


class Session(Protocol):
    """A connection to the database. All methods raise `Unreachable` when it is lost."""

    def poll(self, after: int | None) -> Snapshot:
        """Return the ledger as it is now, without numbered events if `after` is None.

        Raises `Refused` when that cannot be read.
        """

    def wait(self, seconds: float) -> Iterable[str]:
        """Return when something was written, or after so many seconds.

        Returns the client_ids that were notified, which may lack some and name too many.
        """

    def received(self) -> Iterable[str]:
        """Return the client_ids of notifications that came before the connection was lost."""

    def close(self) -> None:
        """End the connection."""


class Source(Protocol):
    """A database that has a ledger."""

    def connect(self, late: Callable[[], object]) -> Session:
        """Return a session, after an answer of the server. Calls `late` when that takes long.

        Raises `Unreachable`, or `Refused` when the server is there and does not let us in.
        """


class Subscriber(Protocol):
    """What keeps something that it has read."""

    def drop(self, client_id: str) -> None:
        """Forget a client: it has changed."""

    def clear(self) -> None:
        """Forget everything: the ledger is another one, or has too much that is new."""


class Follower:
    """Polls the ledger of one database, and tells subscribers what changed.

    A poll that succeeds is also the heartbeat: what subscribers keep is good until `good_until`,
    which is `BOUND_S` seconds after the poll began. All that was committed before that is in it,
    because numbers are given in the order of commit. A notification only makes the next poll come
    sooner.

    If the database is gone, nobody can write to it: what is kept is good for `stale_s` seconds
    after the last poll. If it is there and cannot be polled, others may write: nothing is good
    then, and neither if it is gone after that.

    Moments are those of `clock`, in seconds.
    """

    def __init__(
        self, source: Source, *, stale_s: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.good_until = -_EVER
        self.gone = False
        """Whether the database does not answer: what is not kept cannot be read either."""
        self.has_begun = False
        """Whether there was a step, successful or not. The first request begins it."""
        self._source = source
        self._stale_s = stale_s
        self._clock = clock
        self._subscribers: list[Subscriber] = []
        self._session: Session | None = None
        self._opened = -_EVER
        self._polled_at = self._alone_since = -_EVER
        self._identity = ""
        self._tree: Tree | None = None
        self._head: Head | None = None
        self._unnumbered: frozenset[int] = frozenset()
        self._state = ""
        self._lock = Lock()

    def subscribe(self, subscriber: Subscriber) -> None:
        """Tell the subscriber what changes, from a thread of the follower's."""
        self._subscribers.append(subscriber)

    def start(self) -> None:
        """Follow from now on, in a thread that ends with the process."""
        Thread(target=self._run, name="follower", daemon=True).start()

    def is_healthy(self) -> bool:
        """Return whether the database was seen less than `BOUND_S` ago."""
        return not self.gone and self._clock() < self.good_until

    @property
    def current_head(self) -> Head | None:
        """The head that a replica has to have so that it lacks nothing that is known here.

        None if the primary is not seen, or if events have no number, which no head contains.
        """
        return self._head if self.is_healthy() and not self._unnumbered else None

    @property
    def number(self) -> int:
        """The number of the last event that was seen."""
        return self._tree.size if self._tree else 0

    @property
    def lag_s(self) -> float:
        """Seconds since the last successful poll began, infinite if there was none."""
        return self._clock() - self._polled_at

    @property
    def has_unnumbered(self) -> bool:
        """Whether the last poll saw events without a number."""
        return bool(self._unnumbered)

    def step(self) -> float:
        """Poll once, after connecting if need be; return the seconds until the next step."""
        with self._lock:
            self.has_begun = True
            try:
                return self._step()
            except Refused as refused:
                self._refuse(refused)
            except Exception as failure:
                logger.exception("The ledger cannot be followed")
                # A subscriber may have missed something.
                self._tree = None
                self._refuse(failure)
            return _REFUSED_PAUSE_S

    def _step(self) -> float:
        if self._session and self._clock() >= self._opened + SESSION_S and not self._renew():
            return _PAUSE_S
        session = self._session
        if session is None:
            self._opened = self._clock()
            try:
                session = self._session = self._source.connect(lambda: self._lose("it is late"))
            except Unreachable as failure:
                self._lose(failure)
                return _PAUSE_S
            self._is_there(self._polled_at + BOUND_S)
        began = self._clock()
        try:
            snapshot = session.poll(self._tree.size if self._tree else None)
        except Unreachable:
            # That means little. Whether a new connection can be made will tell.
            self._close()
            return 0.0
        self._learn(snapshot)
        self._polled_at = self._alone_since = began
        self.good_until, self.gone = began + BOUND_S, False
        self._say(logging.INFO, "The ledger of the database is followed.")
        return max(0.0, began + _POLL_EVERY_S - self._clock())

    def _renew(self) -> bool:
        """Connect again; return whether there is a session.

        If that fails soon, the old one goes on: the server may only be full.
        """
        self._opened = self._clock()
        try:
            session = self._source.connect(lambda: self._lose("it is late"))
        except (Unreachable, Refused):
            return self._session is not None
        self._close()
        self._session = session
        return True

    def _learn(self, snapshot: Snapshot) -> None:
        """Take in what is new, and tell the subscribers."""
        unnumbered = frozenset(event.id for event in snapshot.events if event.number is None)
        if len(unnumbered) >= LIMIT:
            raise Refused("too many events have no number: run manage.py migrate")
        changed = {
            event.client_id
            for event in snapshot.events
            if event.client_id and (event.number or event.id not in self._unnumbered)
        }
        continues = snapshot.identity == self._identity and self._continues(snapshot)
        # Before the subscribers: what is read from a replica afterwards has to have it.
        self._identity, self._tree, self._unnumbered = snapshot.identity, snapshot.tree, unnumbered
        self._head = Head(snapshot.tree.size, snapshot.tree.root.hex())
        for subscriber in self._subscribers:
            if not continues:
                subscriber.clear()
            for client_id in changed if continues else ():
                subscriber.drop(client_id)

    def _continues(self, snapshot: Snapshot) -> bool:
        """Return whether the events that are known are all in the ledger, with the new ones."""
        if self._tree is None:
            return False
        tree = Tree(self._tree.size, list(self._tree.frontier))
        for event in snapshot.events:
            if event.number:
                tree.append(event.leaf)
        return (tree.size, tree.root) == (snapshot.tree.size, snapshot.tree.root)

    def _is_there(self, good_until: float) -> None:
        """Take in that the server answers: others may write to it until the next poll."""
        self.good_until, self.gone = good_until, False
        self._alone_since = -_EVER

    def _lose(self, failure: object) -> None:
        self._close()
        if not self.gone and self._clock() > self._polled_at + LATE_S:
            self._alone_since = -_EVER
        self.good_until, self.gone = self._alone_since + self._stale_s, True
        self._say(logging.WARNING, "The database is gone; known key sets are served on", failure)

    def _refuse(self, failure: object) -> None:
        self._close()
        self._is_there(-_EVER)
        self._say(logging.WARNING, "Each key set is read from the database", failure)

    def _close(self) -> None:
        if self._session:
            self._drop_notified(self._session.received())
            self._session.close()
            self._session = None

    def _run(self) -> None:
        while True:
            pause = self.step()
            try:
                if self._session:
                    self._drop_notified(self._session.wait(pause))
                else:
                    time.sleep(pause)
            except Exception:  # noqa: BLE001 - without this thread nothing is served from memory
                self._close()

    def _drop_notified(self, client_ids: Iterable[str]) -> None:
        """Forget these at once. The next poll comes too late if the database is dying."""
        for client_id in client_ids:
            # A replica may have an older state, until that poll.
            self._head = None
            for subscriber in self._subscribers:
                try:
                    subscriber.drop(client_id)
                except Exception:
                    logger.exception("A subscriber failed; it forgets everything at the next poll")
                    self._tree = None

    def _say(self, level: int, sentence: str, reason: object = "") -> None:
        """Log a state once, when it begins."""
        if sentence != self._state:
            self._state = sentence
            logger.log(level, "%s%s", sentence, f": {reason}" if reason else "")
