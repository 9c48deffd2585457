"""The keys that clients sign assertions with, and the clients' rights, kept in memory.

An entry alone decides nothing: the statement that consumes an assertion compares algorithm and
rights with the database, and reads the state of the key (ADR 0024). The keys that the
portal itself signs with are in `portal.own_keys`.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from threading import Lock

from portal.core.assertion import CandidateKey
from portal.core.signatures import CACHED_KEYS
from portal.registry.follower import Follower
from portal.registry.models import Client


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A registered key in any state, and the rights of its client when it was read.

    `client` is not saved and has only its client_id and those rights. `rights` is their text, as
    the database writes it.
    """

    candidate: CandidateKey
    client: Client
    rights: str


class SigningKeys:
    """Keys by client_id and kid, at most `most` of them: those used last.

    It is emptied when the follower sees another history. Registered keys never change, so nothing
    else makes an entry wrong.
    """

    def __init__(self, follower: Follower, *, most: int = CACHED_KEYS) -> None:
        self._most = most
        self._keys: OrderedDict[tuple[str, str], SigningKey] = OrderedDict()
        self._lock = Lock()
        self.clearings = 0
        follower.subscribe(self)

    def __len__(self) -> int:
        return len(self._keys)

    def find(self, client_id: str, kid: str) -> SigningKey | None:
        """Return the key if it is kept here."""
        with self._lock:
            found = self._keys.get((client_id, kid))
            if found is not None:
                self._keys.move_to_end((client_id, kid))
            return found

    def put(self, key: SigningKey, clearings: int) -> None:
        """Keep a key, unless all were forgotten since `clearings` was read, before the key was."""
        with self._lock:
            if clearings == self.clearings:
                self._keys[key.client.client_id, key.candidate.kid] = key
                while len(self._keys) > self._most:
                    self._keys.popitem(last=False)

    def forget(self, key: SigningKey) -> None:
        """Forget a key that PostgreSQL did not accept: its client's rights may have changed."""
        with self._lock:
            self._keys.pop((key.client.client_id, key.candidate.kid), None)

    def drop(self, client_id: str) -> None:
        """Do nothing: the statement reads what may have changed."""

    def clear(self) -> None:
        """Forget all keys: the database has another history."""
        with self._lock:
            self.clearings += 1
            self._keys.clear()
