"""S-34: kill -9 of the coordinator, at labelled points and from outside; what it acknowledged is there, and nothing happens twice."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import grpc
import pytest

from tallystick.core.errors import TallyError
from tallystick.core.failpoint import KILLED
from tallystick.core.net.channel import blocking_channel
from tallystick.core.net.status import read_error
from tallystick.core.net.tls import Credentials
from tallystick.crypto.machine import Ref
from tallystick.crypto.statistic.messages import read_slots
from tallystick.v1 import relay_pb2
from tallystick.v1.relay_pb2_grpc import RelayStub
from tallystick.v1.types_pb2 import Envelope, JobView, MessageState
from tests.integration.served import Process, credentials, process
from tests.town import AGENCIES, DESK, OTHER, Town, tags_chunks, tags_refs

POINTS = Ref("points", OTHER, DESK, OTHER)
ROWS = 8


@pytest.fixture
def town(tmp_path: Path) -> Town:
    """A job in which messages go; the coordinator that made it is gone, its folder is there."""
    town = Town(tmp_path)
    town.running()
    return town


class Node:
    """One agency's hands on a served coordinator."""

    def __init__(self, server: Process, shown: Credentials, town: Town) -> None:
        self._channel = blocking_channel(server.address, shown)
        self._stub = RelayStub(self._channel)
        self._town = town

    def put(self, envelopes: list[Envelope]) -> MessageState:
        """Upload."""
        state: MessageState = self._called(self._stub.Put, iter(envelopes))
        return state

    def stat(self, ref: Ref) -> MessageState:
        """Ask what is held."""
        state: MessageState = self._called(self._stub.Stat, self._town.name(ref).wire())
        return state

    def sync(self) -> JobView:
        """Ask for the job."""
        view: JobView = self._called(self._stub.Sync, relay_pb2.SyncRequest(job=self._town.digest))
        return view

    def get(self, ref: Ref) -> list[Envelope]:
        """Download."""
        return list(self._stub.Get(relay_pb2.GetRequest(ref=self._town.name(ref).wire()), timeout=10))

    def until(self, round_: str, within: float = 15) -> None:
        """Wait until a message is in the inbox."""
        deadline = time.monotonic() + within
        while round_ not in {item.ref.round for item in self.sync().inbox}:
            assert time.monotonic() < deadline, f"{round_} did not come"
            time.sleep(0.05)

    def close(self) -> None:
        """Hang up."""
        self._channel.close()

    def _called(self, method: Any, request: object) -> Any:
        try:
            return method(request, timeout=10)
        except grpc.RpcError as error:
            raise read_error(error) from error


@contextmanager
def network(town: Town, failpoint: str | None = None) -> Iterator[tuple[Process, dict[str, Node]]]:
    """Serve in a process of its own, with both agencies connected."""
    with process(town.folder, failpoint) as server:
        nodes = {name: Node(server, credentials(town, "agency", name), town) for name in AGENCIES}
        try:
            yield server, nodes
        finally:
            for node in nodes.values():
                node.close()


@pytest.mark.parametrize(
    ("failpoint", "held", "complete"),
    [("put-appended:3", 2, False), ("put-synced", 5, True), ("put-recorded", 5, True)],
    ids=["in the middle", "durable but not recorded", "recorded but not acknowledged"],
)
def test_s34_killed_during_an_upload(town: Town, failpoint: str, held: int, complete: bool) -> None:
    """The node asks what is held and sends the rest; the message counts once, as it was sent."""
    town.reach(POINTS)
    envelopes = town.envelopes(POINTS, [bytes([n]) * 300_000 for n in range(5)])
    with network(town, failpoint) as (server, nodes):
        with pytest.raises(TallyError, match="unavailable"):
            nodes[OTHER].put(envelopes)
        assert server.wait() == KILLED
    with network(town) as (server, nodes):
        state = nodes[OTHER].stat(POINTS)
        assert state.next_sequence >= held
        assert state.complete == complete
        if not complete:
            assert [item.ref.round for item in nodes[DESK].sync().inbox] == []
            state = nodes[OTHER].put(envelopes[state.next_sequence :])
        assert (state.complete, state.next_sequence) == (True, 5)
        assert [item.ref.round for item in nodes[DESK].sync().inbox] == [POINTS.round]
        assert nodes[DESK].get(POINTS) == envelopes
        assert server.stop() == 0


@pytest.mark.slow
def test_s34_killed_again_and_again_during_one_upload(town: Town) -> None:
    """What was acknowledged is never lost, and what was not is sent again: the message ends up whole."""
    town.reach(POINTS)
    envelopes = town.envelopes(POINTS, [bytes([n]) * 120_000 for n in range(24)])  # within the list's bound
    draw = random.Random(34)
    acknowledged = MessageState()
    for _ in range(20):
        with network(town) as (server, nodes):
            state = nodes[OTHER].stat(POINTS)
            assert state.next_sequence >= acknowledged.next_sequence
            assert state.complete >= acknowledged.complete
            killer = threading.Timer(draw.uniform(0.0, 0.12), server.kill)
            killer.start()
            with suppress(TallyError):
                acknowledged = nodes[OTHER].put(envelopes[min(state.next_sequence, 23) :])
            killer.join()
    with network(town) as (_, nodes):
        state = nodes[OTHER].stat(POINTS)
        assert state.complete or nodes[OTHER].put(envelopes[state.next_sequence :]).complete
        assert nodes[DESK].get(POINTS) == envelopes


@pytest.mark.parametrize("failpoint", ["message-written:1", "slots-written", "slots-recorded"])
def test_s34_killed_while_slots_are_written(town: Town, failpoint: str) -> None:
    """Both agencies get slots of one and the same assignment: matched rows share theirs, others have their own."""
    town.reach(*tags_refs().values())
    with network(town, failpoint) as (server, nodes):
        for number, ref in enumerate(tags_refs().values()):
            envelopes = town.envelopes(ref, tags_chunks(number, rows=ROWS))
            try:
                assert nodes[ref.sender].put(envelopes).complete
            except TallyError:
                assert number == 1  # the last acknowledgement may be lost: the coordinator went on at once
        assert server.wait() == KILLED
    with network(town) as (_, nodes):
        slots = {}
        for agency in AGENCIES:
            nodes[agency].until("slots")
            payload = town.opened(Ref("slots", "coordinator", agency), nodes[agency].get(Ref("slots", "coordinator", agency)))
            slots[agency], size, _ = read_slots(payload, ROWS, sender="coordinator")
            assert size == 2 * ROWS
        mine, theirs = slots[DESK].tolist(), slots[OTHER].tolist()
        assert mine[:3] == theirs[:3]
        assert not set(mine[3:]) & set(theirs[3:])
        assert nodes[OTHER].sync().phase == "compute"
