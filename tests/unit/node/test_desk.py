"""The desk: what was opened becomes a candidate under the rules, beside the coordinator's part and what went out before."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from tallystick.core.agreement.model import Agreement
from tallystick.core.clock import FixedClock
from tallystick.core.contract import Contract
from tallystick.core.decimals import numbers
from tallystick.core.disclosure.families import family_of
from tallystick.core.documents import sign_document
from tallystick.core.errors import Broken, Invalid
from tallystick.core.job.model import Question
from tallystick.core.linkage.quality.report import LinkageCounts, encode_report
from tallystick.crypto.statistic.desk import Opened
from tallystick.node.assignment import Assignment
from tallystick.node.changes import KeptChange, decide_job
from tallystick.node.desk import Desk
from tallystick.node.ports import KeptJob
from tallystick.node.storage.memory import MemoryNodeStorage
from tests.cells import names
from tests.governance import NOW, agreement, complete, identity, job, question_value, signed_agreement

TERMS = agreement(link=["strict", "default"], decoys=0)
REGIONS = ("north", "south", "east", "west", None)


def asked(**changes: Any) -> Question:
    value = {"keep": "tanf and wages", "by": ["tanf.region"], "measures": ["count"]} | changes
    return Question.read(question_value(**value), what="job")


def assignment(terms: Agreement = TERMS, **changes: Any) -> Assignment:
    """Give the desk's part in a job."""
    contract = job(terms, asked(**changes))
    document = sign_document("job", contract, "ana", identity("ana"))
    return Assignment("human-services", Contract(contract, document, terms, signed_agreement(terms)))


def cells(part: Assignment, matched: Mapping[str | None, int], people: int = 400) -> tuple[int, ...]:
    """Give the opened cells of a job whose regions have so many people, of whom so many matched."""
    values: dict[tuple[int, str], int] = {(-1, "matched"): sum(matched.values())}
    for at, region in enumerate(REGIONS):
        some = matched.get(region, 0)
        values |= {(at, "count"): some, (-2 - at, "matched"): some, (-2 - at, "people"): people if region else 0}
    for group in part.contract.plan.population.groups:
        values |= {(-1, f"people({group})"): 4 * people, (-1, f"usable({group})"): 4 * people}
        values |= {(-1, f"tokens({name}) {group}"): 4 * people for name in part.contract.plan.passes}
    return tuple(values.get(name, 0) for name in names(part.contract.plan))


def opened(part: Assignment, matched: Mapping[str | None, int], *, report: bytes | None = None, attempt: int = 1) -> Opened:
    links = (sum(matched.values()), *([0] * (len(part.contract.passes.told) - 1)))
    made = encode_report(
        LinkageCounts(links, None), job=part.contract.digest, attempt=attempt, passes=part.contract.passes.digest
    )
    return Opened(cells(part, matched), {}, made if report is None else report)


class Room:
    """A desk with its storage."""

    def __init__(self) -> None:
        self.storage = MemoryNodeStorage()
        self.desk = Desk("human-services", identity("human-services"), self.storage, FixedClock(NOW), "ask")

    def candidate(self, part: Assignment, matched: Mapping[str | None, int], **more: Any) -> dict[str, Any]:
        """Give what would go out."""
        return self.made(part, opened(part, matched, **more), more.get("attempt", 1))

    def made(self, part: Assignment, cells: Opened, attempt: int = 1) -> dict[str, Any]:
        """Give what would go out of opened cells."""
        self.storage.add_job(KeptJob(part.contract.digest.hex(), part.contract.document.encode(), NOW))
        approvals = [one.encode() for one in complete(part.contract.job, part.contract.agreement)]
        record = self.desk.make_candidate(part, attempt, cells, approvals)
        assert record.candidate is not None
        body: dict[str, Any] = numbers(json.loads(record.candidate))
        return body


FAMILY = family_of(asked(), TERMS)
MATCHED: dict[str | None, int] = {"north": 100, "south": 200, "east": 150, "west": 120}


def counts(body: dict[str, Any]) -> dict[str | None, int | None]:
    return {row["tanf.region"]: row["count"] for row in body["rows"]}


def test_a_candidate_has_the_linkage_report() -> None:
    part = assignment()
    body = Room().candidate(part, MATCHED)
    linkage = body["linkage"]
    assert counts(body) == MATCHED
    assert [one["pass"] for one in linkage["passes"]] == list(part.contract.passes.told)
    assert linkage["passes"][0]["matches"] == linkage["matched"] == 570
    assert linkage["rates"]["by"] == ["tanf.region"]
    shown = {one["tanf.region"]: (one["people"], one["matched"]) for one in linkage["rates"]["groups"]}
    assert shown == {region: (400, count) for region, count in MATCHED.items()}
    assert body["disclosure"]["compared_with"] == 0


def test_s19_a_second_ladder_shows_no_row_that_differs_by_few() -> None:
    room = Room()
    room.candidate(assignment(link="strict"), MATCHED)
    body = room.candidate(assignment(link="default"), MATCHED | {"north": 103, "south": 260})
    assert counts(body) == {"north": None, "south": None, "east": 150, "west": 120}
    assert body["disclosure"]["rows_hidden"]["difference"] == 2
    assert body["disclosure"]["compared_with"] == 1
    assert [one["matched"] for one in body["linkage"]["rates"]["groups"]] == [None] * 4
    assert body["linkage"]["matched"] == 633


def test_s19_other_names_for_the_groups_let_nobody_subtract() -> None:
    room = Room()
    room.candidate(assignment(link="strict"), MATCHED)
    people = question_value()["people"]
    named: dict[str, Any] = {"people": {"a": people["tanf"], "b": people["wages"]}, "keep": "a and b", "by": ["a.region"]}
    body = room.candidate(assignment(link="default", **named), MATCHED | {"north": 103, "south": 260})
    assert {row["a.region"]: row["count"] for row in body["rows"]} == {"north": None, "south": None, "east": 150, "west": 120}
    assert body["disclosure"]["compared_with"] == 1


def test_another_attempt_of_the_same_job_with_the_same_numbers_is_not_held_against_the_first() -> None:
    room, part = Room(), assignment()
    first = room.candidate(part, MATCHED)
    body = room.candidate(part, MATCHED, attempt=2)
    assert (body["rows"], body["attempt"]) == (first["rows"], 2)
    assert body["disclosure"]["compared_with"] == 0


def test_s41_other_numbers_of_the_same_job_are_not_kept() -> None:
    """Whatever let another attempt through: one person more or less in it is not released."""
    room, part = Room(), assignment()
    room.candidate(part, MATCHED)
    kept = room.storage.job(part.contract.digest.hex())
    tables = list(room.storage.tables(FAMILY, but=""))
    with pytest.raises(Broken) as refusal:
        room.candidate(part, MATCHED | {"north": 99}, attempt=2)
    assert refusal.value.code == "attempts-differ"
    assert list(room.storage.tables(FAMILY, but="")) == tables
    assert room.storage.job(part.contract.digest.hex()) == kept
    assert kept is not None


def test_a_question_by_other_columns_is_not_held_against_it() -> None:
    room = Room()
    room.candidate(assignment(), MATCHED)
    people = question_value()["people"] | {"tanf": {"agency": "human-services", "dataset": "tanf", "where": "age >= 21"}}
    assert counts(room.candidate(assignment(people=people), MATCHED | {"north": 103}))["north"] == 103


@pytest.mark.parametrize("what", ["attempt", "job", "passes"])
def test_s32_a_report_of_another_job_attempt_or_ladder_stops_the_release(what: str) -> None:
    room, part = Room(), assignment()
    place: dict[str, Any] = {"job": part.contract.digest, "attempt": 1, "passes": part.contract.passes.digest}
    other: dict[str, Any] = {"job": bytes(32), "attempt": 2, "passes": "00" * 32}
    good = LinkageCounts(tuple([570] + [0] * (len(part.contract.passes.told) - 1)), None)
    with pytest.raises(Broken) as refusal:
        room.candidate(part, MATCHED, report=encode_report(good, **(place | {what: other[what]})))
    assert refusal.value.code == "protocol-broken"
    record = room.storage.job(part.contract.digest.hex())
    assert record is not None
    assert record.candidate is None


@pytest.mark.parametrize("moment", ["while its numbers are checked", "between reading and writing"])
def test_s41_a_job_that_ended_while_its_candidate_was_made_stays_ended(moment: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The session's thread still works when the coordinator's word of the end is kept: nothing waits for a release then."""
    room, part = Room(), assignment()
    job = part.contract.digest.hex()
    room.storage.add_job(KeptJob(job, part.contract.document.encode(), NOW, state="running", attempt=1))
    place = "tables" if moment == "while its numbers are checked" else "change_job"
    inner = getattr(room.storage, place)

    def ended_first(*given: Any, **named: Any) -> Any:
        monkeypatch.setattr(room.storage, place, inner)
        decide_job(room.storage, job, lambda kept: KeptChange(replace(kept, state="cancelled")))
        return inner(*given, **named)

    monkeypatch.setattr(room.storage, place, ended_first)
    record = room.desk.make_candidate(part, 1, opened(part, MATCHED), [])
    assert (record.state, record.candidate, record.awaits) == ("cancelled", None, "")
    assert room.storage.job(job) == record
    assert list(room.storage.awaiting()) == []
    assert not any(b'"candidate"' in event.entry for event in room.storage.events())
    with pytest.raises(Invalid, match="job-state"):
        room.desk.approve(job)
    with pytest.raises(Invalid, match="job-state"):
        room.desk.seal_result(record, part.contract)


def test_s41_a_candidate_of_an_attempt_that_is_over_is_not_kept() -> None:
    room, part = Room(), assignment()
    job = part.contract.digest.hex()
    room.storage.add_job(KeptJob(job, part.contract.document.encode(), NOW, state="running", attempt=2))
    record = room.desk.make_candidate(part, 1, opened(part, MATCHED), [])
    assert (record.candidate, record.awaits, record.attempt) == (None, "", 2)


def test_s51_a_field_that_used_to_link_and_links_nobody_is_told_to_the_desks_people() -> None:
    room = Room()
    part = assignment()
    room.candidate(part, MATCHED)
    record = room.storage.job(part.contract.digest.hex())
    assert record is not None
    assert record.reasons == ()
    again = assignment(link="strict")
    assert again.contract.digest != part.contract.digest
    report = encode_report(LinkageCounts((0,), None), job=again.contract.digest, attempt=1, passes=again.contract.passes.digest)
    body = room.candidate(again, MATCHED, report=report)
    told = room.storage.job(again.contract.digest.hex())
    assert told is not None
    (reason,) = told.reasons
    assert reason.startswith("birth_date, ssn linked people in an earlier result")
    assert reason not in json.dumps(body)
    entries = [json.loads(one.entry) for one in room.storage.events()]
    made = [one["details"] for one in entries if one["event"] == "candidate"]
    assert [one.get("links_nobody") for one in made] == [None, ["birth_date", "ssn"]]


@pytest.mark.parametrize(("divisor", "words"), [(10, "did in an earlier result of this question"), (10_000, "nobody matched")])
def test_the_desks_people_are_told_where_nobody_matched_and_where_far_fewer_did(divisor: int, words: str) -> None:
    room = Room()
    room.candidate(assignment(), MATCHED)
    part = assignment(link="strict")
    body = room.candidate(part, {region: number // divisor for region, number in MATCHED.items()})
    told = room.storage.job(part.contract.digest.hex())
    assert told is not None
    assert any(words in reason for reason in told.reasons), told.reasons
    assert words not in json.dumps(body)
    entries = [json.loads(one.entry)["details"] for one in room.storage.events() if b'"candidate"' in one.entry]
    assert [one.get("fewer_matches") for one in entries] == [None, True]
