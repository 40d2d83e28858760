"""S-47: a node keeps what opened of each table before its share leaves, and recalls it for later tables of the same people."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from tallystick.core.contract import Contract
from tallystick.core.disclosure.families import Names
from tallystick.core.disclosure.overlap import check_overlap
from tallystick.core.errors import Broken, Refused
from tallystick.core.moments import Count
from tallystick.core.statistics.keys import InRow, Key
from tallystick.crypto.statistic.gate import Fate
from tallystick.node.ledger import keep_pattern, recall_patterns
from tallystick.node.ports import KeptJob
from tallystick.node.storage.memory import MemoryNodeStorage
from tests.governance import NOW, agreement
from tests.unit.node.test_desk import assignment

TERMS = agreement(link=["strict", "default"], disclosure={"min_cell": 5, "gate": True})


def contract(by: list[str], **changes: Any) -> Contract:
    return assignment(TERMS, by=by, **changes).contract


def fates(made: Contract, *hidden: int) -> list[Fate]:
    """Give what becomes of cells where some rows are hidden."""
    keys = {Key(InRow(row), Count()) for row in hidden}
    return [Fate.HIDDEN if cell.key in keys else Fate.OPENED for cell in made.plan.cells]


FIRST = contract(["tanf.region", "wages.industry"])
LATER = contract(["tanf.region"])


def test_s47_later_tables_are_held_against_what_was_kept_and_a_job_not_against_itself() -> None:
    storage = MemoryNodeStorage()
    keep_pattern(storage, FIRST, 1, fates(FIRST, 0))
    assert recall_patterns(storage, FIRST) == ()
    (entry,) = recall_patterns(storage, LATER)
    assert entry["job"] == FIRST.digest.hex()
    held = replace(LATER, earlier=(entry,))
    assert held.restriction is not None
    assert {LATER.plan.rows[row] for row in held.restriction.rows} == {FIRST.plan.rows[0][:1]}
    assert held.computation.cells_digest() == LATER.computation.cells_digest(), "the coordinator works out the same messages"
    assert held.schedule == LATER.schedule


@pytest.mark.parametrize(("state", "counts"), [("releasing", True), ("released", True), ("failed", False), ("expired", False)])
def test_jobs_that_ended_without_a_result_do_not_count(state: str, *, counts: bool) -> None:
    storage = MemoryNodeStorage()
    storage.add_job(KeptJob(FIRST.digest.hex(), b"", NOW, state))
    keep_pattern(storage, FIRST, 1, fates(FIRST))
    assert bool(recall_patterns(storage, LATER)) == counts


def test_other_people_and_jobs_without_a_gate_have_no_ledger() -> None:
    storage = MemoryNodeStorage()
    keep_pattern(storage, FIRST, 1, fates(FIRST))
    assert recall_patterns(storage, contract(["tanf.region"], keep="tanf")) == ()
    free = assignment(agreement(link=["strict", "default"]), by=["tanf.region"]).contract
    assert recall_patterns(storage, free) == ()


def test_s41_another_pattern_of_one_job_is_not_kept() -> None:
    storage = MemoryNodeStorage()
    keep_pattern(storage, FIRST, 1, fates(FIRST))
    keep_pattern(storage, FIRST, 2, fates(FIRST))
    with pytest.raises(Broken):
        keep_pattern(storage, FIRST, 3, fates(FIRST, 0))


def test_a_pattern_that_was_forgotten_refuses_later_tables() -> None:
    storage = MemoryNodeStorage()
    keep_pattern(storage, FIRST, 1, fates(FIRST))
    for name, _ in storage.tables_due(NOW + timedelta(days=100_000)):
        storage.forget_table(name)
    with pytest.raises(Refused) as caught:
        recall_patterns(storage, LATER)
    assert caught.value.code == "answers-forgotten"


def test_s47_a_desk_opens_no_table_that_the_tests_were_not_held_against() -> None:
    names = Names.of(FIRST.job.question, TERMS).json_value()
    table = {"job": FIRST.digest.hex(), "names": names}
    check_overlap(LATER.job.question, TERMS, [table], held={FIRST.digest.hex()})
    for shown in (table, {"names": names}):
        with pytest.raises(Refused, match="other columns"):
            check_overlap(LATER.job.question, TERMS, [shown], held={"another"})
