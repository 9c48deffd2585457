"""The follower, when the name of its database leads to another server."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from portal.core.ledger import Tree
from portal.registry.follower import SESSION_S, Follower, Refused, Snapshot


class Server:
    """A server that answers every poll; also the session on it."""

    def __init__(self, identity: str) -> None:
        self.identity = identity
        self.is_closed = False

    def poll(self, _after: int | None) -> Snapshot:
        assert not self.is_closed
        return Snapshot(self.identity, Tree.empty(), [])

    def wait(self, _seconds: float) -> Iterable[str]:
        return []

    def received(self) -> Iterable[str]:
        return []

    def close(self) -> None:
        self.is_closed = True


class Name:
    """The source: a name that leads to one server at a time, or to one that is full."""

    def __init__(self, server: Server) -> None:
        self.server: Server | None = server

    def connect(self, _late: Callable[[], object]) -> Server:
        if self.server is None:
            raise Refused
        return self.server


class Followed:
    """A follower of a name, and how often its subscriber was cleared."""

    def __init__(self, name: Name) -> None:
        self.now = 0.0
        self.cleared = 0
        self.follower = Follower(name, stale_s=0, clock=lambda: self.now)
        self.follower.subscribe(self)

    def step_after(self, seconds: float) -> None:
        self.now += seconds
        self.follower.step()

    def drop(self, client_id: str) -> None:
        raise AssertionError(client_id)

    def clear(self) -> None:
        self.cleared += 1


def test_server_that_the_name_leads_to_is_followed_within_a_minute() -> None:
    """The old one may live on, and accept what nobody should see."""
    old, new = Server("old"), Server("new")
    name = Name(old)
    followed = Followed(name)
    followed.step_after(0)
    name.server = new
    followed.step_after(SESSION_S - 1)
    assert (followed.cleared, old.is_closed) == (1, False)
    followed.step_after(1)
    assert (followed.cleared, old.is_closed) == (2, True)
    assert followed.follower.is_healthy()


def test_session_goes_on_while_the_server_accepts_no_other_one() -> None:
    server = Server("full")
    name = Name(server)
    followed = Followed(name)
    followed.step_after(0)
    name.server = None
    followed.step_after(SESSION_S)
    assert followed.follower.is_healthy()
    assert (followed.cleared, server.is_closed) == (1, False)
