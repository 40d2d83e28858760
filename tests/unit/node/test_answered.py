"""S-26, S-47: of the people whom a direct job counts a node takes part in no second table, whatever its columns, ladder, names or agreement."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

import pytest

from tallystick.core.contract import Contract
from tallystick.core.documents import sign_document
from tallystick.core.errors import Refused
from tallystick.core.job.model import Question
from tallystick.crypto import paillier
from tallystick.node.answered import enter_question
from tallystick.node.housekeeping import forget_tables
from tallystick.node.ports import KeptJob
from tallystick.node.storage.memory import MemoryNodeStorage
from tests.governance import NOW, agreement, identity, job, question_value, signed_agreement

RELEASE: Final = {"mode": "direct", "desk": "human-services"}
TERMS: Final = agreement(link=["strict", "default"], release=RELEASE, disclosure={"min_cell": 5, "gate": True, "cohorts": True})
KEY: Final = paillier.generate().public.modulus_bytes.hex()


def contract(terms: Any = TERMS, *, release: str = "direct", **changes: Any) -> Contract:
    asked = Question.read(question_value(release=release, agreement=terms.agreement, **changes), what="job")
    made = job(terms, asked, recipient=KEY if release == "direct" else None)
    return Contract(made, sign_document("job", made, "ana", identity("ana")), terms, signed_agreement(terms))


FIRST: Final = contract(by=["tanf.region"])
OTHER: Final = agreement(
    agreement="state", link=["strict", "default"], release=RELEASE, disclosure={"min_cell": 5, "gate": True, "cohorts": True}
)


def entered(storage: MemoryNodeStorage, made: Contract) -> bool:
    """Tell whether a job is taken."""
    told = None
    try:
        enter_question(storage, made)
    except Refused as refusal:
        told = (refusal.code, FIRST.digest.hex()[:12] in refusal.message)
    assert told in (None, ("asked-before", True))
    return told is None


@pytest.mark.parametrize(
    "later",
    [
        contract(by=["wages.industry"]),
        contract(by=["tanf.region"], link="strict"),
        contract(by=["tanf.region"], release="desk"),
        contract(OTHER, by=["tanf.region"]),
        contract(title="another title", by=[]),
    ],
    ids=["columns", "ladder", "desk", "agreement", "title"],
)
def test_s26_a_second_table_of_the_same_people_is_refused_before_and_after(later: Contract) -> None:
    storage = MemoryNodeStorage()
    assert entered(storage, FIRST)
    assert not entered(storage, later)
    assert entered(storage, FIRST), "another attempt of the same job"
    storage = MemoryNodeStorage()
    enter_question(storage, later)
    with pytest.raises(Refused, match="asked-before"):
        enter_question(storage, FIRST)


def test_other_people_and_tables_that_desks_open_are_not_this_rules_matter() -> None:
    storage = MemoryNodeStorage()
    assert entered(storage, FIRST)
    assert entered(storage, contract(keep="tanf and wages", by=["tanf.region"]))
    storage = MemoryNodeStorage()
    for number in range(2):
        assert entered(storage, contract(release="desk", title=f"the same question {number}", by=["tanf.region"]))


@pytest.mark.parametrize(
    ("state", "handed", "counts"),
    [
        ("running", False, True),
        ("released", False, True),
        ("failed", False, False),
        ("cancelled", False, False),
        ("expired", False, False),
        ("failed", True, True),
        ("cancelled", True, True),
    ],
)
def test_s41_a_job_without_a_result_counts_only_where_it_was_handed_on(state: str, *, handed: bool, counts: bool) -> None:
    """A coordinator that calls a job failed, whose result it has, gets no second one past the desk."""
    storage = MemoryNodeStorage()
    record = storage.add_job(KeptJob(FIRST.digest.hex(), b"", NOW, "running", attempt=1))
    assert entered(storage, FIRST)
    if handed:
        storage.begin_opening(FIRST.digest.hex(), 1)
    storage.change_job(record, replace(record, state=state))
    assert entered(storage, contract(by=["wages.industry"])) != counts


def test_s26_what_was_forgotten_closes_the_question() -> None:
    storage = MemoryNodeStorage()
    assert entered(storage, FIRST)
    assert forget_tables(storage, [], NOW.replace(year=2090)) == 1
    with pytest.raises(Refused, match="answers-forgotten"):
        enter_question(storage, contract(by=["wages.industry"]))
