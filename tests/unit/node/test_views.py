"""From records to views: what is cut, what is left out, and what cannot be read."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tallystick.core.canonical import canonical_bytes
from tallystick.core.clock import FixedClock
from tallystick.core.documents import sign_document
from tallystick.core.errors import Broken, NotReady
from tallystick.node import view_builders
from tallystick.node.asking import describe_job
from tallystick.node.link import LinkState
from tallystick.node.past import find_past
from tallystick.node.ports import KeptJob
from tallystick.node.printing import print_job, print_log
from tallystick.node.storage import chain
from tallystick.node.storage.memory import MemoryNodeStorage
from tallystick.node.view_builders import (
    build_candidate,
    build_health,
    build_job_detail,
    build_job_summary,
    build_log_entry,
)
from tests.governance import NOW, agreement, identity, job, question

ROWS: list[dict[str, Any]] = [
    {"tanf.region": "north", "count": 17, "suppressed": None, "mean(wages.earnings)": {"decimal": "8123.5"}},
    {"tanf.region": "south", "count": 12, "suppressed": "small-cell", "mean(wages.earnings)": None, "hidden": ["mean(wages.earnings)"]},
]  # fmt: skip


def record(**changes: Any) -> KeptJob:
    document = sign_document("job", job(agreement()), "ana", identity("ana"))
    return replace(KeptJob(document.digest, document.encode(), NOW, verdict="ask", awaits="approve"), **changes)


def candidate(rows: list[dict[str, Any]]) -> bytes:
    columns = ["tanf.region", "count", "mean(wages.earnings)", "suppressed"]
    linkage = {"matched": 29, "quality": {"precision": {"decimal": "0.999"}}}
    return canonical_bytes({"columns": columns, "rows": rows, "linkage": linkage, "disclosure": {"min_cell": 10}})


def test_a_job_in_full_has_the_keys_that_programs_read() -> None:
    value = build_job_detail(record(candidate=candidate(ROWS), state="releasing"), agreement()).json_value()
    summary = [
        "job", "title", "analyst", "purpose", "agreement", "deadline", "state", "awaits", "decision", "reason_class", "policy", "reasons",
    ]  # fmt: skip
    assert list(value) == [*summary, "question", "leakage", "approvers", "stewards", "candidate", "asked", "past"]
    assert value["agreement"] == {"agreement": "county", "version": 2, "digest": agreement().digest()}
    assert (value["policy"], value["awaits"], value["state"]) == ("ask", "approve", "releasing")
    assert value["approvers"] == ["human-services", "labor", "board"]
    assert value["stewards"] == {"labor": {"need": 2, "of": ["sue", "tom", "uma"]}}
    shown = value["candidate"]
    assert shown["rows"] == [ROWS[0] | {"mean(wages.earnings)": 8123.5}, ROWS[1]]
    assert (shown["rows_in_all"], shown["linkage"]["quality"]["precision"]) == (2, 0.999)


def test_without_an_agreement_in_force_the_reason_stands_in_place_of_terms() -> None:
    value = build_job_detail(record(), "the agreement ended").json_value()
    assert value["problem"] == "the agreement ended"
    assert not {"leakage", "approvers", "stewards"} & set(value)


@pytest.mark.parametrize("state", ["released", "refused", "cancelled", "failed", "expired"])
def test_a_candidate_is_not_shown_once_the_job_has_ended(state: str) -> None:
    assert build_job_detail(record(candidate=candidate(ROWS), state=state), agreement()).candidate is None


def test_a_long_table_is_cut_and_says_so(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(view_builders, "SHOWN_ROWS", 1)
    detail = build_job_detail(record(candidate=candidate(ROWS), state="releasing"), agreement())
    assert detail.candidate is not None
    assert (len(detail.candidate.rows), detail.candidate.rows_in_all) == (1, 2)
    print_job(detail)
    printed = capsys.readouterr().out
    assert "the first 1 of 2 rows" in printed
    assert "north" in printed
    assert "south" not in printed


def test_a_row_with_a_key_that_is_no_column_is_not_shown_without_it() -> None:
    with pytest.raises(Broken) as caught:
        build_candidate(candidate([ROWS[0] | {"secret": 1}]))
    assert caught.value.code == "state-corrupt"


@pytest.mark.parametrize("change", [{"verdict": "maybe"}, {"reason_class": "weather"}, {"state": "dreaming"}])
def test_a_record_that_no_node_writes_cannot_be_shown(change: dict[str, str]) -> None:
    with pytest.raises(Broken) as caught:
        build_job_summary(record(**change))
    assert caught.value.code == "state-corrupt"


def test_days_are_whole_and_a_missing_certificate_is_left_out() -> None:
    now = datetime(2026, 12, 30, 12, tzinfo=UTC)
    health = build_health(
        "labor", jobs={"submitted": 1, "failed": 2},
        agreements={"county": agreement()}, certificate_end=None, now=now, kernel="portable",
        link=LinkState("c:7700", FixedClock(now), True, now, now), most_jobs=3, sessions=[],
    )  # fmt: skip
    assert health.json_value() == {
        "agency": "labor", "coordinator": "c:7700", "connected": True, "jobs": {"failed": 2, "submitted": 1}, "days_left": {"county": 1},
        "since": "2026-12-30T12:00:00Z", "heard": "2026-12-30T12:00:00Z", "problem": None, "most_jobs": 3, "sessions": [],
        "kernel": "portable",
    }  # fmt: skip
    ended = build_health(
        "labor",
        jobs={},
        agreements={},
        certificate_end=now - timedelta(hours=1),
        now=now,
        kernel="portable",
        link=LinkState("c:7700", FixedClock(now), error=NotReady("unavailable", "down")),
        most_jobs=3,
        sessions=[],
    )
    assert ended.json_value()["problem"] == "down [unavailable]"
    assert ended.json_value()["days_left"] == {"certificate": -1}


def test_an_entry_of_the_log_keeps_the_text_that_its_chain_is_over(capsys: pytest.CaptureFixture[str]) -> None:
    storage = MemoryNodeStorage()
    storage.log("started", NOW, agreements=["county"])
    storage.log("approved", NOW, "ab" * 32, by="policy", nested={"b": [1, None, True]})
    events = storage.events()
    entries = [build_log_entry(event) for event in events]
    before = chain.START
    for entry, event in zip(entries, events, strict=True):
        value = entry.json_value()
        assert bytes.fromhex(value.pop("chain")) == chain.chain_value(before, canonical_bytes(value)) == event.chain
        before = event.chain
    print_log(entries)
    assert "agreements: county" in capsys.readouterr().out


def test_earlier_jobs_over_the_same_data_are_told_newest_first_with_what_differs() -> None:
    now = record()
    coarser = sign_document("job", job(agreement(), question(by=["tanf.region"])), "ana", identity("ana")).encode()
    same = replace(now, job="a" * 64, seen=NOW - timedelta(days=2), state="released")
    other = replace(now, job="b" * 64, seen=NOW - timedelta(days=1), document=coarser, state="refused")
    later = replace(now, job="c" * 64, seen=NOW + timedelta(days=1))
    past = find_past([now, same, other, later], now, "labor")
    assert [(one.job[0], one.state, one.differs) for one in past] == [("b", "refused", ("by",)), ("a", "released", ())]
    assert find_past([now, same, other], now, "courts") == []


def test_a_job_is_printed_as_a_steward_decides(capsys: pytest.CaptureFixture[str]) -> None:
    asked = describe_job(job(agreement()), agreement(), "labor").here
    past = find_past([record(job="a" * 64, state="released")], record(), "labor")
    print_job(replace(build_job_detail(record(), agreement()), asked=asked, past=tuple(past)))
    shown = " ".join(capsys.readouterr().out.split())
    order = ["How many people in tanf", "asked by ana", "our policy ask", "reads of us", "quarter = '2025Q2'", "100,000",
             "- counts of 1 to 10 are hidden", "- 1 linkage pass over lists", "earlier jobs over the same data",
             "nothing: the same question", "who learns"]  # fmt: skip
    places = [shown.find(words) for words in order]
    assert -1 not in places, order[places.index(-1)]
    assert places == sorted(places)
