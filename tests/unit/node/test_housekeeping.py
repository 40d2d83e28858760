"""S-19, S-26: what earlier answers showed is kept while a later one could be subtracted from it, and no later one is given after that."""

from __future__ import annotations

import asyncio
import json
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tallystick.core.agreement.model import moment
from tallystick.core.clock import FixedClock
from tallystick.core.disclosure.families import family_of
from tallystick.core.documents import sign_document
from tallystick.core.errors import NotReady, Refused
from tallystick.crypto.workers import SerialWorkers
from tallystick.node.app import build_node
from tallystick.node.changes import KeptChange, decide_job
from tallystick.node.housekeeping import forget_tables, retention_end
from tallystick.node.ports import CoordinatorClient, KeptJob, NoticeStream
from tallystick.node.storage.memory import MemoryNodeStorage
from tallystick.node.store import Store
from tests import governance
from tests.governance import NOW, agreement, identity, signed_agreement
from tests.stores import all_jobs
from tests.unit.node.test_approvals import AUTO, Desk, config_of
from tests.unit.node.test_desk import MATCHED, TERMS, Room, asked, assignment, counts

END = moment(TERMS.valid_until)
OVER = retention_end(TERMS)
SECOND = timedelta(seconds=1)
FAMILY = family_of(asked(), TERMS)


def end(room: Room, job: str, state: str) -> None:
    """Let a job end."""
    decide_job(room.storage, job, lambda kept: KeptChange(replace(kept, state=state)))


def answered(room: Room, link: str = "strict", north: int = 100) -> dict[str | None, int | None]:
    """Let a desk answer, and the job end; give the counts."""
    part = assignment(link=link)
    body = room.candidate(part, MATCHED | {"north": north})
    end(room, part.contract.digest.hex(), "released")
    return counts(body)


def test_a_table_is_kept_for_the_agreements_life_and_its_retention() -> None:
    assert (OVER - END).days == TERMS.retention_days
    far = agreement(valid_until="9999-01-01T00:00:00Z", retention_days=36_500)
    assert retention_end(far).year == 9999


def test_s19_while_the_agreement_lives_and_for_its_retention_differences_stay_hidden() -> None:
    room = Room()
    answered(room)
    for now in (NOW, END - SECOND, END + SECOND, OVER - SECOND):
        assert forget_tables(room.storage, [], now) == 0
    assert answered(room, "default", north=103)["north"] is None


def test_s19_a_renewed_agreement_keeps_tables_as_long_as_its_newest_version() -> None:
    room = Room()
    answered(room)
    newer = agreement(version=3, valid_until="2030-01-01T00:00:00Z", retention_days=10)
    assert forget_tables(room.storage, [newer], NOW) == 0
    assert forget_tables(room.storage, [], OVER) == 0  # the newer version has ended here, or its file is gone
    assert forget_tables(room.storage, [TERMS], retention_end(newer) - SECOND) == 0
    assert answered(room, "default", north=103)["north"] is None
    assert forget_tables(room.storage, [], retention_end(newer)) == 2


def test_s19_nothing_is_forgotten_while_a_job_of_the_agreement_runs() -> None:
    room, part = Room(), assignment(link="default")
    answered(room)
    document = part.contract.document.encode()
    room.storage.add_job(KeptJob(part.contract.digest.hex(), document, NOW, state="running"))
    assert forget_tables(room.storage, [], OVER) == 0
    end(room, part.contract.digest.hex(), "failed")
    assert forget_tables(room.storage, [], OVER) == 1
    assert forget_tables(room.storage, [], OVER) == 0
    events = [json.loads(event.entry) for event in room.storage.events()]
    assert [(event["event"], event["job"]) for event in events if event["event"] == "table-forgotten"] == [
        ("table-forgotten", assignment(link="strict").contract.digest.hex())
    ]


def test_s26_after_it_was_forgotten_no_answer_of_the_family_is_given() -> None:
    room = Room()
    answered(room)
    assert forget_tables(room.storage, [], OVER) == 1
    with pytest.raises(Refused) as refused:
        answered(room, "default", north=103)
    assert refused.value.code == "answers-forgotten"
    assert list(room.storage.tables(FAMILY, but="")) == [None]
    other = question_of_others()
    assert counts(room.candidate(assignment(people=other), MATCHED))["north"] == 100


def question_of_others() -> dict[str, Any]:
    return {
        **governance.question_value()["people"],
        "tanf": {"agency": "human-services", "dataset": "tanf", "where": "age >= 21"},
    }


STEPS = st.lists(
    st.tuples(st.sampled_from(["ask", "keep house", "renew"]), st.integers(0, 1200), st.integers(60, 140)), max_size=8
)


@settings(max_examples=60, deadline=None)
@given(STEPS)
def test_s26_whatever_is_forgotten_when_no_two_answers_differ_by_few(steps: list[tuple[str, int, int]]) -> None:
    """The invariant of rule 3: of the answers that were given, no two show a count that differs by a small number."""
    room, now, shown, version = Room(), NOW, [], 2
    renewed: list[Any] = []
    for number, (step, days, north) in enumerate(steps):
        now += timedelta(days=days)
        if step == "renew":
            version += 1
            renewed = [agreement(version=version, valid_until=(now + timedelta(days=100)).strftime("%Y-%m-%dT%H:%M:%SZ"))]
        elif step == "keep house":
            forget_tables(room.storage, renewed, now)
        else:
            part = assignment(title=f"no. {number}")
            try:
                shown.append(counts(room.candidate(part, MATCHED | {"north": north}))["north"])
            except Refused as refused:
                assert refused.code == "answers-forgotten"  # noqa: PT017 - it may be given, or be refused by this rule alone
            end(room, part.contract.digest.hex(), "released")
    told = [one for one in shown if one is not None]
    assert not [(a, b) for a in told for b in told if 0 < abs(a - b) < 11]


def test_s26_the_desks_node_refuses_such_a_job_before_it_runs_and_others_need_not_know(tmp_path: Path) -> None:
    for agency, decision in (("human-services", "refuse"), ("labor", "approve")):
        (tmp_path / agency).mkdir()
        node = Desk(tmp_path / agency, AUTO, agency=agency)
        job = node.job()
        family = family_of(job.question, node.terms)
        node.storage.keep_table("ab" * 32, 1, family, b"{}", numbers=b"n", agreement="county", until=NOW)
        assert forget_tables(node.storage, [], NOW) == 1
        assert node.decided(job).decision == decision
        reasons = [record.reasons for record in all_jobs(node.storage)]
        assert ("earlier answers" in repr(reasons)) == (agency == "human-services")


class Nowhere:
    """A coordinator that cannot be reached."""

    def attend(self) -> AbstractAsyncContextManager[NoticeStream]:
        raise NotReady("unavailable", "nowhere")


def test_a_node_keeps_house_when_it_starts(tmp_path: Path) -> None:
    terms = agreement(stewards={}, approvers={})
    config = config_of(tmp_path, "labor", {"county.json": signed_agreement(terms)}, AUTO)
    store = Store(MemoryNodeStorage)
    storage = store.blocking
    storage.keep_table("ab" * 32, 1, "one", b"{}", numbers=b"n", agreement="of another network", until=NOW - SECOND)
    storage.keep_table(
        "cd" * 32, 1, "one", b"{}", numbers=b"n", agreement=terms.agreement, until=NOW - SECOND
    )  # its newer version is in force
    node = build_node(config, identity("labor"), store, cast("CoordinatorClient", Nowhere()), SerialWorkers(), FixedClock(NOW))

    async def attended() -> None:
        task = asyncio.create_task(node.attend())
        async with asyncio.timeout(20):
            while (await store.run(lambda s: s.tables("one", but="")))[0] is not None:  # noqa: ASYNC110 - what is waited for is in the store
                await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(attended())
    assert list(storage.tables("one", but="")) == [None, b"{}"]
    store.close()


def test_documents_of_unended_jobs_are_read_for_their_agreement() -> None:
    room, part = Room(), assignment()
    other = agreement(agreement="other", link=["default"])
    job = governance.job(other)
    room.storage.add_job(
        KeptJob(job.digest(), sign_document("job", job, "ana", identity("ana")).encode(), NOW, state="running")
    )
    room.storage.keep_table(part.contract.digest.hex(), 1, "one", b"{}", numbers=b"n", agreement=TERMS.agreement, until=NOW)
    room.storage.keep_table("ab" * 32, 1, "one", b"{}", numbers=b"n", agreement="other", until=NOW)
    assert forget_tables(room.storage, [], NOW) == 1
