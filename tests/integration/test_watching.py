"""What operators and machines see of parties that run: status of the live process, health, metrics, and a log of what goes well (S-49)."""

from __future__ import annotations

import asyncio
import json
import re
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import grpc
import pytest
from click.testing import CliRunner, Result
from grpc_health.v1 import health_pb2, health_pb2_grpc
from structlog.testing import capture_logs

from tallystick.coordinator.cli import coordinator
from tallystick.coordinator.operating import ask_status
from tallystick.coordinator.server.local import SOCKET, serve_operator
from tallystick.core.job.lifecycle import JobState
from tallystick.core.metrics import Counts, Figure, serve_metrics
from tallystick.core.net.health import HealthService
from tallystick.node.cli import node as node_command
from tallystick.node.coordinator_client import GrpcCoordinatorClient
from tallystick.node.local.server import StewardService, serve_local
from tallystick.node.session import AttemptSession
from tests import governance
from tests.integration.nodes import CANARY, in_loop, signed_terms, stored, terms, write_sources
from tests.integration.served import serving
from tests.integration.test_node_jobs import ENDED, attending, both, until
from tests.town import DESK, OTHER, Town, member


def ran(command: Any, *words: str) -> Result:
    return CliRunner().invoke(command, list(words))


def ask_health(socket: Path) -> str:
    with grpc.secure_channel(f"unix:{socket}", grpc.local_channel_credentials(grpc.LocalConnectionType.UDS)) as channel:
        answer = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=10)
    return str(health_pb2.HealthCheckResponse.ServingStatus.Name(answer.status))


@in_loop
async def test_s49_status_health_and_metrics_tell_of_a_job_while_it_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One job over real connections: the operator's and the agency's commands, and the log, while it runs and after it."""
    monkeypatch.setattr(governance, "signed_agreement", signed_terms)
    write_sources(tmp_path)
    town = Town(tmp_path, terms=terms())
    (tmp_path / "c.yaml").write_text("network: county\n")
    config = ("--config", str(tmp_path / "c.yaml"))
    socket = town.settings.state / SOCKET
    holding, go = asyncio.Event(), asyncio.Event()
    take = AttemptSession._take

    async def held(self: AttemptSession, *given: Any) -> None:
        holding.set()
        await go.wait()
        await take(self, *given)

    monkeypatch.setattr(AttemptSession, "_take", held)
    confirm, confirmed = GrpcCoordinatorClient.report_ended, list[str]()

    async def counted(self: GrpcCoordinatorClient, job: bytes, state: JobState) -> None:
        confirmed.append(state)
        await confirm(self, job, state)

    monkeypatch.setattr(GrpcCoordinatorClient, "report_ended", counted)
    with capture_logs() as logs:
        async with serving(town) as address, serve_operator(town.settings.state, town.at.watching, town.at.server.health):
            agencies = both(town, address, desk="auto")
            nodes = [agencies.desk.node(), agencies.other.node()]
            for one in nodes:
                one.told = HealthService(("tallystick.v1.Steward",))
            desk = nodes[0]
            service = StewardService(desk.jobs, desk.approvals, desk.store, health=desk.health, datasets=list)
            async with serve_local(agencies.desk.config.socket, service, desk.told), attending(*nodes):
                await until(lambda: all(one.link.connected for one in nodes))  # though there is no job, and so no notice
                town.at.jobs.submit(member("ana"), town.document())
                await asyncio.wait_for(holding.wait(), 60)
                value = await asyncio.to_thread(ask_status, town.settings.state, ended=False)
                assert set(value["connected"]) == {DESK, OTHER}
                [job] = value["jobs"]
                assert (job["state"], job["job"]) == ("running", town.digest.hex())
                assert [one["phase"] for one in job["phases"]] == ["submitted", "approving", "derive", "tag"][
                    : len(job["phases"])
                ]
                assert value["coordinator"]["certificate_days"] >= 1
                shown = await asyncio.to_thread(ran, coordinator, "status", *config)
                assert (shown.exit_code, DESK in shown.output) == (0, True)
                assert await asyncio.to_thread(ask_health, socket) == "SERVING"
                folder = agencies.desk.folder / "node.yaml"
                shown = await asyncio.to_thread(ran, node_command, "status", "--config", str(folder), "--format", "json")
                assert shown.exit_code == 0, shown.output
                told = json.loads(shown.stdout)
                assert (told["connected"], told["coordinator"]) == (True, address)
                assert [(one["job"], one["attempt"]) for one in told["sessions"]] == [(town.digest.hex(), 1)]
                assert await asyncio.to_thread(ask_health, agencies.desk.config.socket) == "SERVING"
                go.set()
                await until(lambda: town.state in ENDED)
                await until(lambda: all(stored(one).count_jobs() == {"released": 1} for one in nodes))
                await until(
                    lambda: {one.party for one in town.at.storage.moments(town.digest) if one.what == "heard"} == {DESK, OTHER}
                )
                assert ("release", DESK) in {(one.what, one.party) for one in town.at.storage.moments(town.digest)}
                await asyncio.sleep(1)
                # a node may hear of the end by two ways, but a confirmation brings no notice that brings a confirmation
                assert set(confirmed) == {"released"}
                assert len(confirmed) <= 4
                figures = {figure.name: figure.values for figure in town.at.watching.figures()}
                assert figures["job_changes"][("released",)] == 1.0
                assert figures["nodes_connected"] == {(): 2.0}
                assert figures["phases"][("tag",)] == 1.0
                assert sum(figures["message_bytes"].values()) > 1000
                mine = await asyncio.to_thread(desk.figures)
                assert next(figure.values for figure in mine if figure.name == "connected") == {(): 1.0}
            for one in nodes:
                one.store.close()
    down = await asyncio.to_thread(ran, coordinator, "status", *config)
    assert (down.exit_code, "the coordinator does not run here" in down.output) == (1, True)
    assert (await asyncio.to_thread(ran, coordinator, "status", *config, "--offline")).exit_code == 0
    events = {entry["event"] for entry in logs}
    assert {"connected", "disconnected", "phase", "submitted", "matched"} <= events
    assert CANARY not in str(logs)


def test_a_node_that_is_cut_off_says_so_and_ends_with_one(tmp_path: Path) -> None:
    async def run() -> None:
        write_sources(tmp_path)
        town = Town(tmp_path, terms=terms())
        agencies = both(town, "127.0.0.1:1", desk="auto")
        one = agencies.desk.node()
        one.told = HealthService(())
        service = StewardService(one.jobs, one.approvals, one.store, health=one.health, datasets=list)
        async with serve_local(agencies.desk.config.socket, service, one.told), attending(one):
            await until(lambda: one.link.error is not None)
            shown = await asyncio.to_thread(ran, node_command, "status", "--config", str(agencies.desk.folder / "node.yaml"))
            assert shown.exit_code == 1
            assert "not connected to the coordinator at 127.0.0.1:1" in shown.output
            assert await asyncio.to_thread(ask_health, agencies.desk.config.socket) == "NOT_SERVING"
        one.store.close()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(governance, "signed_agreement", signed_terms)
        asyncio.run(run())


def test_s27_metrics_are_counts_on_a_port_of_their_own() -> None:
    counts = Counts()
    counts.add("failures", "disk")
    counts.add("failures", "disk", by=2)

    def read() -> list[Figure]:
        return [
            Figure("failures", "counter", "Failures by code.", counts.of("failures"), ("code",)),
            Figure("jobs", "gauge", "Jobs.", {("running",): 3.0, ("approving",): 0.0}, ("state",)),
        ]

    with serve_metrics("127.0.0.1:0", read) as port, urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
        text = answer.read().decode()
    assert 'tallystick_failures_total{code="disk"} 3.0' in text
    assert 'tallystick_jobs{state="running"} 3.0' in text
    assert re.search(r"^process_open_fds \d", text, re.MULTILINE)
    with serve_metrics(None, read) as port:
        assert port == 0


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]"])
def test_the_port_of_figures_says_whether_the_party_serves(host: str) -> None:
    """For balancers and orchestrators, which have no certificate of the network."""
    told: list[bool] = []
    with serve_metrics(f"{host}:0", list, lambda: bool(told)) as port:
        place = f"http://{host}:{port}"
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(f"{place}/health")
        assert (refused.value.code, refused.value.read()) == (503, b"not serving\n")
        told.append(True)
        with urllib.request.urlopen(f"{place}/health") as answer:
            assert (answer.status, answer.read()) == (200, b"serving\n")
        with urllib.request.urlopen(f"{place}/metrics") as answer:
            assert b"process_open_fds" in answer.read()
