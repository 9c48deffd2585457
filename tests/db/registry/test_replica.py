"""When a replica is believed, and who is cut off from one; no database is needed for that."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator

import pytest

from portal.registry.changes import BOUND_S
from portal.registry.changes.proof import Heartbeat, Position, Replica
from portal.registry.changes.watcher import Watcher
from portal.registry.changes.wire import conninfo_of

HERE, FURTHER, BEFORE = Position("1/1", 1000), Position("1/1", 1001), Position("1/1", 999)


def beat(*, ago: float = 0.0, position: Position = HERE) -> Heartbeat:
    began = time.monotonic() - ago
    return Heartbeat(began, began + BOUND_S, position)


@pytest.fixture
def replica() -> Replica:
    """One that is as far as the last heartbeat, a moment ago."""
    replica = Replica()
    replica.hear(beat())
    replica.reach(HERE)
    return replica


def test_what_servers_say_is_read() -> None:
    assert Position.read("7/2 50343376") == Position("7/2", 50343376)
    assert [Position.read(told) for told in (None, "")] == [None, None]


@pytest.mark.parametrize(
    ("reached", "contains"),
    [(HERE, True), (FURTHER, True), (BEFORE, False), (Position("1/2", 2000), False)],
)
def test_later_position_of_the_same_history_contains_an_earlier_one(
    reached: Position, contains: bool
) -> None:
    assert reached.contains(HERE) is contains


def test_replica_that_has_reached_a_heartbeat_is_read(replica: Replica) -> None:
    assert replica.proof("a")


@pytest.mark.parametrize(
    "reached",
    [BEFORE, Position("1/2", 2000)],
)
def test_replica_that_has_not_reached_it_is_not_read(replica: Replica, reached: Position) -> None:
    replica.reach(reached)
    assert replica.proof("a") is None


def test_it_is_not_read_before_the_primary_was_heard() -> None:
    replica = Replica()
    assert replica.reach(HERE) is None
    assert replica.proof("a") is None


@pytest.mark.parametrize(
    ("reached", "why"),
    [
        (HERE, ""),
        (BEFORE, "it is behind"),
        (Position("1/2", 2000), "it does not follow this primary"),
    ],
)
def test_it_is_said_why_it_is_not_read_once_that_lasts(reached: Position, why: str) -> None:
    replica = Replica()
    replica.hear(beat(ago=1))
    assert replica.reach(reached) in {"", None}
    for ago in (4, 3, 2, 1):
        replica.hear(beat(ago=ago))
    said = replica.reach(reached)
    assert said is not None
    assert said.startswith(why)


def test_replica_that_is_a_heartbeat_behind_is_read_by_the_one_before(replica: Replica) -> None:
    replica.hear(beat(position=FURTHER))
    assert replica.reach(HERE) == ""
    proof = replica.proof("a")
    assert proof
    assert proof.position == HERE


def test_heartbeat_is_good_for_the_bound_and_no_longer() -> None:
    replica = Replica()
    replica.hear(beat(ago=BOUND_S))
    replica.reach(HERE)
    assert replica.proof("a") is None


def test_client_that_has_changed_waits_for_a_later_heartbeat(replica: Replica) -> None:
    replica.drop("a")
    assert replica.proof("a") is None
    replica.hear(beat())
    assert replica.proof("a") is None
    replica.reach(HERE)
    assert replica.proof("a")


def test_others_do_not_wait_for_it(replica: Replica) -> None:
    replica.drop("a")
    # One of them may share its slot.
    assert any(replica.proof(client_id) for client_id in ("b", "c", "d"))


def test_when_changes_may_have_been_missed_all_wait(replica: Replica) -> None:
    replica.clear()
    replica.reach(HERE)
    assert replica.proof("a") is None
    replica.hear(beat())
    replica.reach(HERE)
    assert replica.proof("a")


def test_late_word_of_the_watcher_does_not_undo_that(replica: Replica) -> None:
    """Both threads may have had the same heartbeats in hand."""
    old = beat(ago=0.5)
    replica.clear()
    replica.hear(old)
    replica.reach(HERE)
    assert replica.proof("a") is None


def test_change_during_the_reading_spoils_its_proof_whatever_is_proved_afterwards(
    replica: Replica,
) -> None:
    proof = replica.proof("a")
    assert proof
    assert replica.holds(proof, "a")
    replica.drop("a")
    replica.hear(beat())
    replica.reach(HERE)
    assert replica.proof("a")
    assert not replica.holds(proof, "a")


def test_replica_that_is_left_out_comes_back_with_a_later_heartbeat(replica: Replica) -> None:
    replica.leave_out()
    assert replica.proof("a") is None
    replica.reach(FURTHER)
    assert replica.proof("a") is None
    replica.hear(beat())
    replica.reach(FURTHER)
    assert replica.proof("a")


@pytest.fixture
def wires() -> Iterator[tuple[socket.socket, socket.socket]]:
    """The two ends of a connection."""
    here, there = socket.socketpair()
    with here, there:
        here.settimeout(5)
        yield here, there


def test_reader_that_takes_too_long_sees_its_connection_end(
    replica: Replica, wires: tuple[socket.socket, socket.socket]
) -> None:
    here, _ = wires
    with replica.readers.reading(here.fileno()):
        replica.readers.cut_off(began_before=time.monotonic())
        assert here.recv(1) == b""


def test_when_the_replica_fails_nobody_reads_from_it_or_goes_on_reading(
    replica: Replica, wires: tuple[socket.socket, socket.socket]
) -> None:
    here, _ = wires
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        port = nobody.getsockname()[1]
    with replica.readers.reading(here.fileno()):
        Watcher(replica, f"host=127.0.0.1 port={port}")._attend()
        assert here.recv(1) == b""
    assert replica.proof("a") is None


@pytest.mark.postgresql
def test_server_that_is_no_replica_is_not_read(
    replica: Replica, db: None, caplog: pytest.LogCaptureFixture
) -> None:
    Watcher(replica, conninfo_of("default", "portal: replica"))._attend()
    assert replica.proof("a") is None
    assert "The replica is not read: it is not a replica (any more)" in caplog.text


def test_others_are_not_cut_off(
    replica: Replica, wires: tuple[socket.socket, socket.socket]
) -> None:
    here, there = wires
    with replica.readers.reading(here.fileno()):
        replica.readers.cut_off(began_before=time.monotonic() - 1)
    replica.readers.cut_off(began_before=time.monotonic())
    there.send(b"x")
    assert here.recv(1) == b"x"
