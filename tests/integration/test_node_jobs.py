"""Nodes against a coordinator over mutual TLS on loopback: whole jobs, refusals, restarts (S-04, S-18, S-21, S-27, S-34)."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from tallystick.core.disclosure.families import family_of
from tallystick.core.errors import Broken
from tallystick.core.failpoint import KILLED
from tallystick.crypto.envelope import SealingKey
from tallystick.node.app import Node
from tallystick.node.assignment import Assignment
from tallystick.node.local.client import steward
from tallystick.node.local.server import StewardService, serve_local
from tallystick.node.prepare import Prepared
from tallystick.node.storage.sqlite import SqliteStorage
from tallystick.v1.types_pb2 import JobState as WireState
from tests import governance
from tests.integration.nodes import (
    CANARY,
    Agency,
    expected,
    found,
    in_loop,
    make_agency,
    released,
    signed_terms,
    stored,
    terms,
    write_sources,
)
from tests.integration.served import serving
from tests.stores import all_jobs
from tests.town import DESK, OTHER, Town, member

ENDED = {"released", "refused", "cancelled", "failed", "expired"}
SECONDS = 90.0


@pytest.fixture
def town(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Town:
    monkeypatch.setattr(governance, "signed_agreement", signed_terms)
    write_sources(tmp_path)
    return Town(tmp_path, terms=terms())


async def until(condition: Callable[[], bool], *, seconds: float = SECONDS) -> None:
    """Wait until something holds."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - what is waited for is on disk, or in another process
            await asyncio.sleep(0.05)


@contextlib.asynccontextmanager
async def attending(*nodes: Node) -> AsyncIterator[None]:
    """Let nodes attend for a while; what stops one fails the test."""
    tasks = [asyncio.create_task(node.attend()) for node in nodes]
    try:
        yield
        for task in tasks:
            if task.done():
                task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@dataclass
class Both:
    """Both agencies."""

    desk: Agency
    other: Agency


def both(town: Town, address: str, **options: Any) -> Both:
    return Both(make_agency(town, DESK, address, town.folder, **options), make_agency(town, OTHER, address, town.folder))


def failures(town: Town) -> set[tuple[str, str]]:
    return {(one.party, one.code) for one in town.at.storage.failures(town.digest)}


@in_loop
async def test_a_job_runs_and_waits_at_the_desk_and_nothing_shows(
    town: Town, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """S-04, S-27: no sealing key, identifier or share in what nodes and coordinator write; a steward looks before it goes out."""
    made: list[bytes] = []
    generate = SealingKey.generate

    def remembered(_: type[SealingKey]) -> SealingKey:
        key = generate()
        made.append(key.private_bytes())
        return key

    monkeypatch.setattr(SealingKey, "generate", classmethod(remembered))
    async with serving(town) as address:
        agencies = both(town, address, desk="ask")
        nodes = [agencies.desk.node(), agencies.other.node()]
        async with attending(*nodes):
            town.at.jobs.submit(member("ana"), town.document())
            await until(lambda: any(record.awaits == "release" for record in stored(nodes[0]).jobs()))
            assert town.state == "releasing"
            record = stored(nodes[0]).jobs()[0]
            assert record.candidate is not None
            await until(lambda: list((agencies.desk.config.state / "spool").iterdir()) == [])
            await nodes[0].jobs.approve(record.job, [])
            await until(lambda: town.state in ENDED)
            await until(lambda: all(stored(node).jobs()[0].state == "released" for node in nodes))
    assert town.state == "released", failures(town)
    result, checks = released(town)
    assert all(check.passed for check in checks)
    assert found(result) == expected()
    assert result.linkage["matched"] == 40
    assert len(made) == 2
    written = (
        agencies.desk.written()
        + agencies.other.written()
        + b"".join(path.read_bytes() for path in (town.folder / "state").rglob("*") if path.is_file())
    )
    printed = capfd.readouterr()
    for secret in made:
        assert secret not in written
        assert secret[:32] not in written
    for text in (written, (printed.out + printed.err).encode()):
        assert CANARY.encode() not in text


@in_loop
async def test_a_steward_decides_over_the_socket(town: Town) -> None:
    async with serving(town) as address:
        agencies = both(town, address, policy="ask")
        node = agencies.desk.node()
        service = StewardService(node.jobs, node.approvals, node.store, health=node.health, datasets=list)
        async with serve_local(agencies.desk.config.socket, service), attending(node):
            town.at.jobs.submit(member("ana"), town.document())
            await until(lambda: any(record.awaits == "approve" for record in stored(node).jobs()))

            def refuse() -> str:
                with steward(agencies.desk.config.socket) as service:
                    (job,) = service.pending()
                    digest = bytes.fromhex(job.job)
                    assert "leakage" in service.show(digest[:6]).json_value()
                    return str(service.refuse(digest, "people", "not these").json_value())

            assert "not these" in await asyncio.to_thread(refuse)
            await until(lambda: town.state in ENDED)
    assert town.state == "refused"
    record = town.at.storage.failures(town.digest)[0]
    assert "not these" not in repr(record)


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("2025Q2,retail", f"2025Q2,{CANARY}", "source-bounds"),
        ("1080.25", CANARY + "x", "source-types"),
        ("wage", "pay", "source-columns"),
    ],
)
@in_loop
async def test_s27_a_bad_source_fails_the_job_without_its_values(town: Town, old: str, new: str, code: str) -> None:
    source = town.folder / "wages.csv"
    changed = source.read_text().replace(old, new, 1)
    if code == "source-types":
        changed = source.read_text().replace(".25", f".{CANARY}", 1)
    source.write_text(changed)
    async with serving(town) as address:
        agencies = both(town, address)
        nodes = [agencies.desk.node(), agencies.other.node()]
        async with attending(*nodes):
            town.at.jobs.submit(member("ana"), town.document())
            await until(lambda: town.state in ENDED)
    assert town.state == "failed"
    assert (OTHER, code) in failures(town)
    assert CANARY not in repr(town.at.storage.failures(town.digest))
    assert CANARY.encode() not in agencies.other.written()


@in_loop
async def test_s40_an_agency_that_seals_what_cannot_be_true_fails_the_job_and_nothing_is_released(town: Town) -> None:
    """S-27, S-40: labor seals fewer people than match. The desk names what cannot be, and keeps and sends nothing of it."""
    async with serving(town) as address:
        agencies = both(town, address)
        nodes = [agencies.desk.node(), agencies.other.node()]
        around = nodes[1].jobs.around

        def lying(assignment: Assignment) -> Prepared:
            told = around.prepare(assignment)
            changed = {"people(wages)": 30, "usable(wages)": 30}
            cells = zip(assignment.contract.plan.cells, told.own, strict=True)
            return replace(told, own=tuple(changed.get(cell.label, own) for cell, own in cells))

        nodes[1].jobs.around = replace(around, prepare=lying)
        async with attending(*nodes):
            town.at.jobs.submit(member("ana"), town.document())
            await until(lambda: town.state in ENDED)
            await until(lambda: all(stored(node).jobs()[0].state == "failed" for node in nodes))
        (kept,) = stored(nodes[0]).jobs()
        family = family_of(town.job.question, town.terms)
        assert (kept.candidate, stored(nodes[0]).tables(family, but="")) == (None, [])
        assert stored(nodes[0]).result(kept.job, 1) is None
    assert town.state == "failed"
    assert failures(town) == {(DESK, "cells-contradict")}
    (failure,) = town.at.storage.failures(town.digest)
    assert failure.message.endswith("more matches than usable people of wages")
    with pytest.raises(Broken):
        b"".join(town.at.spool.result(town.digest))


@in_loop
async def test_s21_a_coordinator_that_says_running_too_early_moves_nobody(town: Town) -> None:
    """The coordinator's word is not enough: without the approvals a node says no hello and sends nothing."""
    async with serving(town) as address:
        agencies = both(town, address)
        node = agencies.desk.node()
        town.at.jobs.submit(member("ana"), town.document())
        sync, told = node.coordinator.sync, []

        async def lying(job: bytes) -> Any:
            view = await sync(job)
            view.state, view.attempt, view.phase = WireState.JOB_STATE_RUNNING, 1, "derive"
            return view

        async def deposited(job: bytes, document: bytes) -> Any:
            told.append(document)
            return await sync(job)

        node.coordinator.sync, node.coordinator.deposit = lying, deposited  # type: ignore[method-assign]  # the coordinator that lies
        await node.jobs.sync(town.digest)
        assert told == []
        assert [
            event.entry for event in stored(node).events() if b'"attempt"' in event.entry and b"failed" not in event.entry
        ] == []
        await node.jobs.close()
    assert (DESK, "approval-missing") in failures(town)


@in_loop
async def test_s18_another_attempt_over_other_records_is_refused(town: Town) -> None:
    """A share has left; the records change; the next attempt stops before anything of the new records leaves."""
    async with serving(town) as address:
        agencies = both(town, address, desk="ask")
        nodes = [agencies.desk.node(), agencies.other.node()]
        async with attending(*nodes):
            town.at.jobs.submit(member("ana"), town.document())
            await until(lambda: any(record.awaits == "release" for record in stored(nodes[0]).jobs()))
        for node in nodes:
            node.store.close()
        with contextlib.closing(SqliteStorage(agencies.desk.config.state / "node.db")) as storage:
            (record,) = all_jobs(storage)
            storage.change_job(record, replace(record, candidate=None, candidate_attempt=0, awaits=""))
            storage._database.execute("DELETE FROM opening")  # as if killed before it opened
            storage._database.execute("DELETE FROM shown")
            share = storage.share(record.job, 1)
        source = town.folder / "wages.csv"
        source.write_text(source.read_text().replace("w21,", "w999,"))
        nodes = [agencies.desk.node(), agencies.other.node()]
        async with attending(*nodes):
            await until(lambda: town.state in ENDED)
        assert stored(nodes[0]).share(record.job, 1) == share
    assert town.state == "failed"
    assert (OTHER, "source-changed") in failures(town)


KILLS = [
    "node-approval-stored",
    "node-before-hello",
    "node-after-hello",
    "node-list-sent",
    "node-share-stored",
    "node-before-share-sent",
    "node-before-release",
]


@pytest.mark.parametrize(
    ("who", "label"),
    [pytest.param(who, label, marks=() if (who, label) == (DESK, "node-share-stored") else pytest.mark.slow)
     for who in (DESK, OTHER) for label in KILLS if (who, label) != (OTHER, "node-before-release")],
)  # fmt: skip
@in_loop
async def test_s34_a_killed_node_begins_again_and_the_answer_is_right(town: Town, who: str, label: str) -> None:
    async with serving(town) as address:
        agencies = both(town, address)
        by_name = {DESK: agencies.desk, OTHER: agencies.other}
        try:
            for name, agency in by_name.items():
                agency.start(label if name == who else None)
            town.at.jobs.submit(member("ana"), town.document())
            killed = by_name[who].processes[0]
            await until(lambda: killed.poll() is not None or town.state in ENDED)
            assert killed.poll() == KILLED, failures(town)
            by_name[who].start()
            await until(lambda: town.state in ENDED)
        finally:
            for agency in by_name.values():
                agency.stop()
    assert town.state == "released", (failures(town), agencies.desk.written()[-3000:])
    result, _ = released(town)
    assert found(result) == expected()
    shares = SqliteStorage(by_name[who].config.state / "node.db")
    assert len(shares.events()) > 0
