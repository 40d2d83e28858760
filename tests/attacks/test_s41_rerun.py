"""S-18, S-41: a coordinator that has a job run again, over slots of its own making, gets no second result.

Two answers to one approved question, over people that differ by one, subtract to that person's value. So a job that ended is not taken
up again, whatever the coordinator says of it later; and a job whose desk began to open an attempt has no other.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tallystick.coordinator import driver
from tallystick.coordinator.slots import assign_slots
from tallystick.core.errors import NotReady
from tallystick.core.job.hello import new_hello
from tallystick.core.job.lifecycle import FINAL, JobState
from tallystick.node.app import Node
from tallystick.node.kept_messages import KeptMessages
from tallystick.node.ports import KeptJob, NodeStorage
from tallystick.node.storage.sqlite import SqliteStorage
from tallystick.v1.types_pb2 import JobState as WireState
from tallystick.v1.types_pb2 import JobView
from tests import governance
from tests.governance import identity, sealing_key
from tests.integration.nodes import in_loop, released, signed_terms, stored, terms, write_sources
from tests.integration.said import Said
from tests.integration.served import serving
from tests.integration.test_node_jobs import ENDED, Both, attending, both, failures, until
from tests.stores import all_jobs
from tests.town import AGENCIES, DESK, OTHER, Town, member


@pytest.fixture
def town(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Town:
    return make_town(tmp_path, monkeypatch)


def make_town(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Town:
    monkeypatch.setattr(governance, "signed_agreement", signed_terms)
    write_sources(folder)
    made = Town(folder, terms=terms(disclosure={"min_cell": 11}))
    now = made.clock.now()
    times = {"submitted": governance.stamp(now), "deadline": governance.stamp(now + timedelta(days=1))}
    made.job = governance.job(made.terms, governance.question(by=[]), **times)
    return made


def tell(town: Town, **change: Any) -> None:
    """Have the coordinator say something else of the job than what became of it."""
    record = town.at.storage.job(town.digest)
    assert record is not None
    town.at.storage.change(record, replace(record, **change))


@in_loop
async def test_s41_a_released_job_asked_again_gives_no_second_result(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    """Attempts 2 and 3 of a released job, each with one match left out: gave two more signed results, and one person's earnings."""
    honest, dropped = assign_slots, list[int]()

    def crafted(matches: Any, sizes: Any, table: Any) -> Any:
        cluster = [one.copy() for one in matches.cluster]
        for number in dropped:
            for one in cluster:
                one[one == number] = -1
        return honest(replace(matches, cluster=tuple(cluster)), sizes, table)

    monkeypatch.setattr(driver, "assign_slots", crafted)
    async with serving(town) as address:
        agencies = both(town, address)
        nodes = [agencies.desk.node(), agencies.other.node()]
        async with attending(*nodes):
            town.at.jobs.submit(member("ana"), town.document())
            await until(lambda: town.state in ENDED)
            await until(lambda: all(stored(node).jobs()[0].state == "released" for node in nodes))
            first = sealed_result(town)
            for attempt, number in ((2, 3), (3, 7), (1, 9)):
                dropped[:] = [number]
                tell(town, state="running", attempt=attempt, ended=None, result_bytes=None)
                for node in nodes:
                    await node.jobs.sync(town.digest)
                assert town.state == "failed"
                assert ("job-state" in {code for _, code in failures(town)}) is True
                assert sealed_result(town) == first
        for node in nodes:
            assert [stored(node).share(town.job.digest(), attempt) is not None for attempt in (1, 2, 3)] == [True, False, False]
            assert stored(node).jobs()[0].state == "released"
    assert released(town)[0].attempt == 1


def sealed_result(town: Town) -> bytes:
    return b"".join(town.at.spool.result(town.digest))


@in_loop
async def test_s41_a_desk_that_opened_takes_part_in_no_other_attempt(town: Town) -> None:
    """The candidate lies at the desk; the coordinator says that attempt 2 runs: the job fails, and nothing is released."""
    async with serving(town) as address:
        agencies = both(town, address, desk="ask")
        nodes = [agencies.desk.node(), agencies.other.node()]
        async with attending(*nodes):
            town.at.jobs.submit(member("ana"), town.document())
            await until(lambda: any(record.awaits == "release" for record in stored(nodes[0]).jobs()))
            tell(town, state="running", attempt=2)
            await nodes[0].jobs.sync(town.digest)
            await until(lambda: town.state in ENDED)
            await until(lambda: all(stored(node).jobs()[0].state == "failed" for node in nodes))
        assert all(stored(node).share(town.job.digest(), 2) is None for node in nodes)
        assert stored(nodes[0]).jobs()[0].candidate is None
    assert (DESK, "attempt-opened") in failures(town)


# every state of a node, and every later word of the coordinator


@dataclass
class Kept:
    """What both agencies' nodes had written down at one moment of an honest job, and what the coordinator knew by then."""

    town: Town
    agencies: Both
    approvals: list[bytes]
    states: dict[str, dict[str, bytes]]

    def database(self, agency: str, moment: str) -> Path:
        path = self.town.folder / f"{agency}-{moment}.db"
        for suffix in ("", "-wal", "-shm"):
            Path(f"{path}{suffix}").unlink(missing_ok=True)
        path.write_bytes(self.states[moment][agency])
        return path


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Run a job whose desk waits for its people, and then another end for each way to end."""
    monkeypatch = pytest.MonkeyPatch()
    town = make_town(tmp_path_factory.mktemp("kept"), monkeypatch)
    made: list[Kept] = []

    @in_loop
    async def run() -> None:
        async with serving(town) as address:
            agencies = both(town, address, desk="ask")
            nodes = [agencies.desk.node(), agencies.other.node()]
            states: dict[str, dict[str, bytes]] = {}
            async with attending(*nodes):
                town.at.jobs.submit(member("ana"), town.document())
                await until(lambda: any(record.awaits == "release" for record in stored(nodes[0]).jobs()))
                await until(lambda: stored(nodes[1]).share(town.job.digest(), 1) is not None)
                digest = stored(nodes[0]).jobs()[0].job
                states["releasing"] = dumped(nodes)
                await nodes[0].jobs.approve(digest, [])
                await until(lambda: all(stored(node).jobs()[0].state == "released" for node in nodes))
                states["released"] = dumped(nodes)
            approvals = [one.document for one in town.at.storage.deposits(town.digest) if one.kind == "approval"]
            for node in nodes:
                node.store.close()
            for end in sorted(FINAL - {JobState.RELEASED}):
                states[end] = ended(town.folder, states["releasing"], end)
            made.append(Kept(town, agencies, approvals, states))

    run()
    yield made[0]
    monkeypatch.undo()


def dumped(nodes: Sequence[Node]) -> dict[str, bytes]:
    """Give the files of both nodes' stores, whole."""
    for node in nodes:
        node.store.submit(shrink).result()
    return {name: (node.config.state / "node.db").read_bytes() for name, node in zip(AGENCIES, nodes, strict=True)}


def shrink(storage: NodeStorage) -> None:
    """Bring the write-ahead log of a store in SQLite into its file."""
    assert isinstance(storage, SqliteStorage)
    storage._database.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def ended(folder: Path, states: dict[str, bytes], end: str) -> dict[str, bytes]:
    """Give the stores as they are when the job that waits at the desk ends so."""
    made = {}
    for name, data in states.items():
        path = folder / f"making-{name}-{end}.db"
        path.write_bytes(data)
        with closing(SqliteStorage(path)) as storage:
            (record,) = all_jobs(storage)
            storage.change_job(record, replace(record, state=end, awaits="", candidate=None))
            shrink(storage)
        made[name] = path.read_bytes()
    return made


WORDS = [(state, attempt) for state in JobState for attempt in (0, 1, 2, 3, 4)]
MOMENTS = ["releasing", *sorted(FINAL)]


async def hear(
    kept: Kept, agency: str, moment: str, word: tuple[JobState, int], hellos: Sequence[bytes]
) -> tuple[Said, KeptJob]:
    """Start an agency's node with what it had written down, let it hear one word twice, and give what it did about it."""
    state, attempt = word
    node = (kept.agencies.desk if agency == DESK else kept.agencies.other).node(kept.database(agency, moment))
    storage = stored(node)
    said = Said(
        JobView(
            job=kept.town.digest, version=99, attempt=attempt, document=kept.town.document(), approvals=kept.approvals,
            state=WireState.Value(f"JOB_STATE_{state.upper()}"), hellos=hellos,
        )
    )  # fmt: skip
    await node.coordinator.close()  # type: ignore[attr-defined]  # the real one is not called
    node.jobs.around = replace(node.jobs.around, coordinator=said)
    node.jobs.failures.coordinator = said
    node.jobs._kept = KeptMessages(node.jobs.around)
    with suppress(NotReady):
        await node.jobs.sync(kept.town.digest)
        for task in [running.task for running in node.jobs._running.values()]:
            await asyncio.wait([task], timeout=5)
        await node.jobs.sync(kept.town.digest)
    await node.jobs.close()
    record = storage.job(kept.town.job.digest())
    shares = [storage.share(kept.town.job.digest(), one) for one in (1, 2, 3)]
    assert [share is not None for share in shares] == [True, False, False], "no share but the first attempt's"
    assert (storage.result(kept.town.job.digest(), 1) is not None) == (agency == DESK and moment == "released")
    assert [storage.result(kept.town.job.digest(), one) for one in (2, 3)] == [None, None]
    node.store.close()
    assert record is not None
    return said, record


@pytest.mark.parametrize("agency", AGENCIES)
@pytest.mark.parametrize("moment", MOMENTS)
def test_s41_no_later_word_of_the_coordinator_gives_a_second_result(kept: Kept, agency: str, moment: str) -> None:
    """Every state × every word: state and attempt, with hellos of the other agency that lie as far as a coordinator can make them."""

    async def run() -> None:
        for word in WORDS:
            state, attempt = word
            said, record = await hear(kept, agency, moment, word, told_hellos(kept, agency, attempt))
            sent = {(name.attempt, name.ref.kind) for name, _ in said.messages}
            if moment in FINAL:
                assert record.state == moment, word
                assert (said.hellos, said.documents, said.messages) == ([], [], []), word
                assert bool(said.failures) == (not state.final), word
            elif state.final:
                assert (record.state, said.hellos, said.messages, said.failures) == (state, [], [], []), word
            elif agency == DESK:  # it opened attempt 1, and its people have not let the result out
                assert said.hellos == [], word
                assert sent <= {(1, "shares")}, word
                going = state in {JobState.RUNNING, JobState.RELEASING}
                assert bool(said.failures) == (attempt not in {1, 2, 3} or (going and attempt > 1)), word
            else:  # a word of the desk that counts was never given
                assert sent <= {(1, "shares")}, word
                assert len(said.hellos) <= 1, word
                if said.hellos:
                    assert state == JobState.RUNNING, word
                    assert attempt in {2, 3}, word
                    assert [failure.code for _, failure in said.failures] == ["protocol-broken"], word
                    assert record.state == "failed", word

    asyncio.run(run())


def told_hellos(kept: Kept, agency: str, attempt: int) -> list[bytes]:
    """Give hellos of the other agency: its own of an attempt before, and what a coordinator makes up; none with the desk's word."""
    if agency == DESK or attempt not in {2, 3}:
        return []
    job, public = kept.town.job.digest(), sealing_key("eve").public
    return [new_hello(job, attempt, DESK, public, identity(DESK)).encode()]


KEY = sealing_key("eve").public
WORD: dict[str, Callable[[str], bytes]] = {
    "none": lambda job: new_hello(job, 2, DESK, KEY, identity(DESK)).encode(),
    "of another attempt": lambda job: new_hello(job, 3, DESK, KEY, identity(DESK), nothing_opened=(1, 2)).encode(),
    "of another job": lambda job: new_hello("ab" * 32, 2, DESK, KEY, identity(DESK), nothing_opened=(1,)).encode(),
    "of other attempts": lambda job: new_hello(job, 2, DESK, KEY, identity(DESK), nothing_opened=(2,)).encode(),
    "of too many attempts": lambda job: new_hello(job, 2, DESK, KEY, identity(DESK), nothing_opened=(1, 2)).encode(),
    "of the coordinator": lambda job: new_hello(job, 2, DESK, KEY, identity("coordinator"), nothing_opened=(1,)).encode(),
    "of itself": lambda job: new_hello(job, 2, DESK, KEY, identity(OTHER), nothing_opened=(1,)).encode(),
}


@pytest.mark.parametrize("word", WORD)
def test_s41_without_the_desks_own_word_nobody_goes_into_another_attempt(kept: Kept, word: str) -> None:
    job = kept.town.job.digest()

    async def run() -> None:
        said, _ = await hear(kept, OTHER, "releasing", (JobState.RUNNING, 2), [WORD[word](job)])
        assert [(attempt, failure.code, failure.retry) for attempt, failure in said.failures] == [(2, "protocol-broken", False)]
        assert [name.attempt for name, _ in said.messages] == []

    asyncio.run(run())


def test_s37_a_desk_whose_state_is_of_before_the_attempt_says_so(kept: Kept) -> None:
    """The state folder of a time before the job, restored: its own hello, which the coordinator shows, tells the node."""
    made = new_hello(kept.town.job.digest(), 1, DESK, KEY, identity(DESK)).encode()
    empty = kept.town.folder / "empty.db"
    SqliteStorage(empty).close()
    kept.states["before"] = {DESK: empty.read_bytes()}

    async def run() -> None:
        node = kept.agencies.desk.node(kept.database(DESK, "before"))
        said = Said(
            JobView(
                job=kept.town.digest, version=99, attempt=1, document=kept.town.document(), approvals=kept.approvals,
                state=WireState.JOB_STATE_RUNNING, hellos=[made],
            )
        )  # fmt: skip
        await node.coordinator.close()  # type: ignore[attr-defined]  # the real one is not called
        node.jobs.around = replace(node.jobs.around, coordinator=said)
        node.jobs.failures.coordinator = said
        await node.jobs.sync(kept.town.digest)
        await node.jobs.close()
        assert [(failure.code, failure.retry) for _, failure in said.failures] == [("state-corrupt", False)]
        assert (said.hellos, said.documents, said.messages) == ([], [], [])

    asyncio.run(run())
