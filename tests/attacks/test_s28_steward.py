"""S-28: the Steward service is the node's own people's, on a socket in a closed folder. No network serves it, and what reads changes nothing.

`EXPECTED` is written out here: a method without an entry fails the first test.
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
import pytest
from google.protobuf import message_factory

from tallystick.coordinator.authority import Member
from tallystick.coordinator.server.authorise import RULES
from tallystick.core.errors import Broken, Invalid, TallyError
from tallystick.core.net.place import target
from tallystick.core.net.status import read_error
from tallystick.node.local.client import steward
from tallystick.node.local.server import serve_local
from tallystick.v1 import steward_pb2 as pb
from tallystick.v1.steward_pb2_grpc import StewardStub
from tests.integration.nodes import in_loop, make_agency, stored
from tests.integration.served import connected, serving
from tests.integration.test_node_jobs import attending, until
from tests.integration.test_node_people import service_of, town_of
from tests.town import DESK, OTHER, member

READS, DECIDES = "reads", "decides"
EXPECTED = {
    "Status": READS,
    "Pending": READS,
    "Show": READS,
    "Datasets": READS,
    "Log": READS,
    "Heads": READS,
    "Noise": READS,
    "Decide": DECIDES,
    "Review": DECIDES,
}
METHODS = pb.DESCRIPTOR.services_by_name["Steward"].methods


def test_s28_every_method_has_a_row_and_none_is_the_coordinators() -> None:
    assert {method.name for method in METHODS} == set(EXPECTED)
    assert not [rule for rule in RULES if "Steward" in rule]


@in_loop
async def test_s28_no_member_reaches_a_stewards_method_over_the_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Default deny: the coordinator, the one party that listens, handles none of them, whoever calls."""
    town = town_of(tmp_path, monkeypatch)
    codes = set()
    async with serving(town) as address:
        callers: list[tuple[str, Member]] = [(DESK, "agency"), ("ana", "analyst"), ("board", "approver")]
        for name, role in callers:
            async with connected(town, address, name, role) as channel:
                for method in METHODS:
                    codes.add(await _code(channel, method))
    assert codes <= {"not-allowed", "version-mismatch"}
    assert codes


async def _code(channel: grpc.aio.Channel, method: Any) -> str:
    answer = message_factory.GetMessageClass(method.output_type)
    request = message_factory.GetMessageClass(method.input_type)()
    call: Any = channel.unary_unary(
        f"/tallystick.v1.Steward/{method.name}",
        request_serializer=lambda message: message.SerializeToString(),
        response_deserializer=answer.FromString,
    )
    try:
        await call(request, timeout=10)
    except grpc.RpcError as error:
        return read_error(error).code
    return ""


@in_loop
async def test_s28_reading_changes_nothing_and_a_bad_decision_decides_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    town = town_of(tmp_path, monkeypatch)
    async with serving(town) as address:
        agency = make_agency(town, OTHER, address, tmp_path, policy="ask")
        node = agency.node()
        async with serve_local(agency.config.socket, service_of(agency, node)), attending(node):
            town.at.jobs.submit(member("ana"), town.document())
            # the coordinator's word that the job is being approved may come after the node's own verdict
            await until(lambda: any(record.awaits and record.state == "approving" for record in stored(node).jobs()))
            before = (stored(node).jobs(), stored(node).events())
            digest = town.digest
            wrong = [
                pb.DecideRequest(job=digest),
                pb.DecideRequest(job=digest, refuse=pb.Refuse()),
                pb.DecideRequest(job=digest, refuse=pb.Refuse(reason_class=pb.REASON_CLASS_NONE, reason="no")),
                pb.DecideRequest(job=digest, approve=pb.Approve(documents=[b"x"] * 17)),
                pb.DecideRequest(job=bytes(32), approve=pb.Approve()),
                pb.DecideRequest(approve=pb.Approve()),
            ]

            def ask() -> list[str]:
                with steward(agency.config.socket) as service:
                    service.health(), service.pending(), service.datasets(), service.log(0, 10)
                    assert service.show(digest).summary.job == digest.hex()
                return [_refusal(agency.config.socket, request) for request in wrong]

            codes = await asyncio.to_thread(ask)
            assert codes == [
                "document-invalid",
                "protocol-broken",
                "document-invalid",
                "document-invalid",
                "job-unknown",
                "job-unknown",
            ]
            assert (stored(node).jobs(), stored(node).events()) == before


def _refusal(socket: Path, request: pb.DecideRequest) -> str:
    credentials = grpc.local_channel_credentials(grpc.LocalConnectionType.UDS)
    with target(socket) as place, grpc.secure_channel(place, credentials) as channel:
        try:
            StewardStub(channel).Decide(request, timeout=10)
        except grpc.RpcError as error:
            return read_error(error).code
    return ""


@in_loop
async def test_s28_a_folder_that_is_open_to_others_is_not_served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    town = town_of(tmp_path, monkeypatch)
    agency = make_agency(town, OTHER, "127.0.0.1:1", tmp_path)
    node = agency.node()
    agency.config.state.chmod(0o750)
    with pytest.raises(Invalid) as caught:
        async with serve_local(agency.config.socket, service_of(agency, node)):
            pass
    assert caught.value.code == "file-permissions"
    assert not agency.config.socket.exists()


@in_loop
async def test_s28_a_log_that_was_changed_is_not_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The stream ends at the page whose chain breaks, with the reason; what the caller gets is an error, not a shorter log."""
    town = town_of(tmp_path, monkeypatch)
    agency = make_agency(town, OTHER, "127.0.0.1:1", tmp_path)
    node = agency.node()
    for number in range(3):
        stored(node).log("started", node.clock.now(), count=number)
    with contextlib.closing(sqlite3.connect(agency.config.state / "node.db", isolation_level=None)) as file:
        file.execute(
            "UPDATE event SET entry = CAST(replace(CAST(entry AS TEXT), 'started', 'stopped') AS BLOB) WHERE number = 2"
        )

    def ask() -> TallyError | None:
        with contextlib.suppress(TallyError), steward(agency.config.socket) as service:
            service.log(2, 10)
        try:
            with steward(agency.config.socket) as service:
                service.log(0, 10)
        except TallyError as error:
            return error
        return None

    async with serve_local(agency.config.socket, service_of(agency, node)):
        error = await asyncio.to_thread(ask)
    assert isinstance(error, Broken)
    assert error.code == "state-corrupt"
