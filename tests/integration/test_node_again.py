"""What nodes do a second time: another attempt on the desk's word alone, calls that were too much, failures that nobody heard (S-41, S-49)."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tallystick.coordinator.server import services
from tallystick.coordinator.server.authorise import Authorise
from tallystick.core.disclosure.families import family_of
from tallystick.core.errors import NotReady, Refused
from tallystick.core.failpoint import KILLED
from tallystick.core.net.status import wrap_handler
from tallystick.node import app, courier
from tallystick.node.storage.sqlite import SqliteStorage
from tests import governance
from tests.integration.nodes import expected, found, in_loop, released, signed_terms, terms, write_sources
from tests.integration.served import serving
from tests.integration.test_node_jobs import ENDED, attending, both, failures, until
from tests.town import DESK, OTHER, Town, member


@pytest.fixture
def town(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Town:
    monkeypatch.setattr(governance, "signed_agreement", signed_terms)
    write_sources(tmp_path)
    return Town(tmp_path, terms=terms())


@in_loop
async def test_s41_a_desk_that_dies_while_it_opens_ends_the_job_and_says_why(town: Town) -> None:
    """S-34: it had noted that it opens and kept nothing yet. It cannot say that nothing was opened, so there is no other attempt."""
    async with serving(town) as address:
        agencies = both(town, address)
        try:
            killed = agencies.desk.start("node-opening-noted")
            agencies.other.start()
            town.at.jobs.submit(member("ana"), town.document())
            await until(lambda: killed.poll() is not None or town.state in ENDED)
            assert killed.poll() == KILLED, failures(town)
            agencies.desk.start()
            await until(lambda: town.state in ENDED)
        finally:
            agencies.desk.stop()
            agencies.other.stop()
    assert (town.state, failures(town)) == ("failed", {(DESK, "attempt-opened")})
    storage = SqliteStorage(agencies.desk.config.state / "node.db")
    assert (storage.opening(town.job.digest()), storage.result(town.job.digest(), 1)) == (1, None)
    assert list(storage.tables(family_of(town.job.question, town.terms), but="")) == []


@in_loop
async def test_s34_a_second_attempt_runs_on_the_desks_word_that_nothing_was_opened(town: Town) -> None:
    """The desk begins again before anything was opened: its hello says so, and the answer is that of attempt 2."""
    async with serving(town) as address:
        agencies = both(town, address)
        try:
            killed = agencies.desk.start("node-share-stored")
            agencies.other.start()
            town.at.jobs.submit(member("ana"), town.document())
            await until(lambda: killed.poll() is not None or town.state in ENDED)
            agencies.desk.start()
            await until(lambda: town.state in ENDED)
        finally:
            agencies.desk.stop()
            agencies.other.stop()
    assert town.state == "released", failures(town)
    assert (released(town)[0].attempt, found(released(town)[0])) == (2, expected())


class Throttled:
    """Refuses each method of each connection at first, and again after each call that it let through."""

    def __init__(self) -> None:
        self.refused: Counter[tuple[str, str]] = Counter()
        self.taken: Counter[tuple[str, str]] = Counter()

    @contextlib.asynccontextmanager
    async def around(self, method: str, context: Any) -> AsyncIterator[None]:
        place = (method, context.peer())
        if self.refused[place] == self.taken[place]:
            self.refused[place] += 1
            raise NotReady("busy", "more than 0 calls a second")
        self.taken[place] += 1
        yield


@in_loop
async def test_s49_a_job_whose_every_call_is_refused_for_the_moment_finishes(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each call of both nodes is too much at its first try: notices, approvals, hellos, messages, the result. Nothing comes with notices."""
    monkeypatch.setattr(services, "NOTICE_BYTES", 0)
    assert courier.call_until_answered.__kwdefaults__ is not None
    monkeypatch.setitem(courier.call_until_answered.__kwdefaults__, "first_wait", 0.02)
    monkeypatch.setattr(app, "LATER_SECONDS", 0.05)
    throttled, intercept = Throttled(), Authorise.intercept_service

    async def intercepted(self: Authorise, continuation: Any, details: Any) -> Any:
        handler = await intercept(self, continuation, details)
        return wrap_handler(handler, lambda context: throttled.around(str(details.method), context))

    monkeypatch.setattr(Authorise, "intercept_service", intercepted)
    async with serving(town) as address:
        agencies = both(town, address)
        nodes = [agencies.desk.node(), agencies.other.node()]
        async with attending(*nodes):
            town.at.jobs.submit(member("ana"), town.document())
            await until(lambda: town.state in ENDED)
    assert town.state == "released", failures(town)
    assert found(released(town)[0]) == expected()
    methods = {method.rpartition("/")[2] for method, _ in throttled.taken}
    assert methods == {"Attend", "Sync", "Deposit", "Stat", "Put", "Get", "Report"}
    assert all(throttled.refused[place] >= count for place, count in throttled.taken.items())


@in_loop
async def test_s49_a_failure_is_told_until_it_is_heard(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    """Reports are refused three times, as something that no later try would change; then heard: the job ends with its cause."""
    source = town.folder / "wages.csv"
    source.write_text(source.read_text().replace("wage", "pay", 1))
    monkeypatch.setattr(app, "LOOK_AGAIN_SECONDS", 0.1)
    async with serving(town) as address:
        agencies = both(town, address)
        nodes = [agencies.desk.node(), agencies.other.node()]
        report, told = nodes[1].coordinator.report_failure, []

        async def deaf(job: bytes, attempt: int, failure: Any) -> None:
            told.append(failure.code)
            if len(told) <= 3:
                raise Refused("too-large", "not now")
            await report(job, attempt, failure)

        nodes[1].coordinator.report_failure = deaf  # type: ignore[method-assign]  # a coordinator that does not hear
        async with attending(*nodes):
            town.at.jobs.submit(member("ana"), town.document())
            await until(lambda: town.state in ENDED)
    assert (town.state, told) == ("failed", ["source-columns"] * 4)
    assert failures(town) == {(OTHER, "source-columns")}
