"""One suite for what every store of a node's state does with requests and revocations (S-30)."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tallystick.node.disclosures import AnswerPlan, KeptRequest, RequestPace
from tallystick.node.ports import NodeStorage
from tallystick.node.storage.memory import MemoryNodeStorage
from tallystick.node.storage.sqlite import SqliteStorage
from tallystick.node.store import Store

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.fixture(params=["memory", "sqlite"])
def opener(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], NodeStorage]:
    return MemoryNodeStorage if request.param == "memory" else lambda: SqliteStorage(tmp_path / "node.db")


@pytest.fixture(params=["alone", "in its thread"])
def storage(request: pytest.FixtureRequest, opener: Callable[[], NodeStorage]) -> Iterator[NodeStorage]:
    store = opener() if request.param == "alone" else Store(opener).blocking
    yield store
    store.close()


def kept(number: int, **change: object) -> KeptRequest:
    first = KeptRequest(
        f"{number:064x}",
        "owner",
        NOW,
        "ann",
        "benefits-worker",
        "labor",
        "housing",
        "clients",
        "benefits",
        ("phone",),
        "cc" * 32,
    )
    return replace(first, **change)  # type: ignore[arg-type]  # any field


def events(storage: NodeStorage) -> list[str]:
    return [json.loads(event.entry)["event"] for event in storage.events()]


def test_a_request_is_seen_once(storage: NodeStorage) -> None:
    assert storage.see_request(kept(1)) == RequestPace(1, 1)
    assert storage.see_request(replace(kept(1), worker="other")) is None
    assert storage.list_requests() == [kept(1)]
    assert events(storage) == ["request-seen"]


def test_the_last_hour_is_counted_by_worker_and_agency(storage: NodeStorage) -> None:
    storage.see_request(kept(1, at=NOW - timedelta(minutes=61)))
    storage.see_request(kept(2, at=NOW - timedelta(minutes=59)))
    storage.see_request(kept(3, worker="bob"))
    storage.see_request(kept(4, agency="schools", worker="zoe"))
    storage.see_request(kept(5, side="asker", state="passed on"))
    assert storage.see_request(kept(6)) == RequestPace(2, 3)


def test_an_answer_is_noted_before_and_after_and_never_twice(storage: NodeStorage) -> None:
    for number in (1, 2):
        storage.see_request(kept(number))
    plans = [
        AnswerPlan(kept(1).digest, "k1", "", "aa", "policy"),
        AnswerPlan(kept(2).digest, "", "no record"),
        AnswerPlan("ff" * 32),
    ]
    assert dict(storage.begin_answers(plans, NOW)) == {kept(1).digest: "given", kept(2).digest: "nothing"}
    assert dict(storage.begin_answers(plans, NOW)) == {}
    storage.end_answers([kept(1).digest, kept(2).digest, "ff" * 32], NOW)
    storage.end_answers([kept(1).digest], NOW)
    found = {one.digest: (one.state, one.outcome, one.person, one.reason, one.by) for one in storage.list_requests()}
    assert found[kept(1).digest] == ("sent", "given", "k1", "", "policy")
    assert found[kept(2).digest] == ("sent", "nothing", "", "no record", "")
    assert events(storage) == 2 * ["request-seen"] + 2 * ["request-decided"] + 2 * ["request-answered"]


def test_s30_a_revocation_between_check_and_sending_counts(storage: NodeStorage) -> None:
    storage.see_request(kept(1))
    assert storage.keep_revocation("aa" * 32, b"signed", NOW)
    assert not storage.keep_revocation("aa" * 32, b"again", NOW)
    assert storage.is_revoked("aa" * 32)
    assert not storage.is_revoked("bb" * 32)
    assert dict(storage.begin_answers([AnswerPlan(kept(1).digest, "k1", "", "aa" * 32)], NOW)) == {kept(1).digest: "nothing"}
    assert storage.list_requests()[0].reason == "consent-invalid: the consent was revoked"


def test_a_start_settles_what_was_open(storage: NodeStorage) -> None:
    for number in (1, 2, 3, 4):
        storage.see_request(kept(number))
    storage.see_request(kept(5, side="asker", state="passed on"))
    storage.begin_answers([AnswerPlan(kept(2).digest, "k2"), AnswerPlan(kept(3).digest, "", "no record")], NOW)
    storage.begin_answers([AnswerPlan(kept(4).digest, "k4")], NOW)
    storage.end_answers([kept(4).digest], NOW)
    assert storage.settle_requests(NOW) == 3
    assert storage.settle_requests(NOW) == 0
    states = {one.digest: (one.state, one.outcome) for one in storage.list_requests()}
    assert states == {
        kept(1).digest: ("dropped", "nothing"),
        kept(2).digest: ("unsure", "given"),
        kept(3).digest: ("unsure", "nothing"),
        kept(4).digest: ("sent", "given"),
        kept(5).digest: ("passed on", ""),
    }
    storage.end_answers([kept(2).digest], NOW)
    assert dict(storage.begin_answers([AnswerPlan(kept(1).digest, "k1")], NOW)) == {}


def test_a_receipt_is_kept_once_on_both_sides(storage: NodeStorage) -> None:
    storage.see_request(kept(1))
    storage.see_request(kept(2, side="asker", state="passed on", person="w7"))
    assert storage.keep_receipt(kept(1).digest, b"{}", "given", NOW)
    assert storage.keep_receipt(kept(2).digest, b"{}", "given", NOW)
    assert not storage.keep_receipt(kept(2).digest, b"{2}", "nothing", NOW)
    assert not storage.keep_receipt("ff" * 32, b"{}", "given", NOW)
    found = {one.digest: (one.state, one.outcome, one.receipt) for one in storage.list_requests()}
    assert found == {kept(1).digest: ("seen", "", b"{}"), kept(2).digest: ("received", "given", b"{}")}


def test_a_persons_accounting(storage: NodeStorage) -> None:
    for number, person in ((1, "k1"), (2, "k2"), (3, "k1")):
        storage.see_request(kept(number, at=NOW + timedelta(minutes=number)))
        storage.begin_answers([AnswerPlan(kept(number).digest, person)], NOW)
    assert [one.digest for one in storage.list_requests("k1")] == [kept(3).digest, kept(1).digest]
    assert storage.list_requests("k9") == []
    assert [one.digest for one in storage.list_requests(limit=1)] == [kept(3).digest]


def test_s30_the_log_names_no_person_and_has_as_many_lines_whatever_is_given(storage: NodeStorage) -> None:
    sizes = []
    for number, plan in enumerate((AnswerPlan("", "person-9321", by="policy"), AnswerPlan("", "", "no record"))):
        before = len(storage.events())
        one = kept(number)
        storage.see_request(one)
        storage.begin_answers([replace(plan, digest=one.digest)], NOW)
        storage.end_answers([one.digest], NOW)
        storage.keep_receipt(one.digest, b"{}", "given" if plan.person else "nothing", NOW)
        sizes.append(len(storage.events()) - before)
    assert sizes[0] == sizes[1]
    assert not [event for event in storage.events() if b"person-9321" in event.entry]


def test_the_papers_of_what_was_given_are_kept_and_no_others(storage: NodeStorage) -> None:
    for number in (1, 2):
        storage.see_request(kept(number))
    plans = [
        AnswerPlan(kept(1).digest, "k1", by="policy", evidence=b"{1}"),
        AnswerPlan(kept(2).digest, "k2", "no", by="x", evidence=b"{2}"),
    ]
    storage.begin_answers(plans, NOW)
    [first] = storage.find_requests(kept(1).digest)
    [second] = storage.find_requests(kept(2).digest)
    assert (first.evidence, first.by, second.evidence, second.by) == (b"{1}", "policy", b"", "")
    assert len(storage.find_requests("0" * 60)) == 2
    assert storage.find_requests("f") == []


def test_requests_survive_a_restart(tmp_path: Path) -> None:
    storage = SqliteStorage(tmp_path / "node.db")
    storage.see_request(kept(1))
    storage.keep_revocation("aa" * 32, b"signed", NOW)
    storage.close()
    again = SqliteStorage(tmp_path / "node.db")
    assert again.list_requests() == [kept(1)]
    assert again.is_revoked("aa" * 32)
    again.close()


def test_requests_are_forgotten_when_their_time_is_over(storage: NodeStorage) -> None:
    """Given and not known for long, nothing for a short time; what is open stays; a digest is known for ever."""
    old, older = NOW - timedelta(days=50), NOW - timedelta(days=500)
    for number, at in ((1, old), (2, older), (3, old), (4, older), (5, older)):
        storage.see_request(kept(number, at=at))
    storage.see_request(kept(6, at=older, side="asker", state="passed on", person="w7"))
    storage.see_request(kept(7, at=old, side="asker", state="passed on", person="w8"))
    given = [AnswerPlan(kept(number).digest, f"k{number}", by="policy", evidence=b"{}") for number in (1, 2)]
    nothing = [AnswerPlan(kept(number).digest, f"k{number}", "no record") for number in (3, 4)]
    storage.begin_answers([*given, *nothing], NOW)
    storage.end_answers([kept(number).digest for number in (1, 2, 3, 4)], NOW)
    lines = len(events(storage))
    assert storage.forget_requests(NOW - timedelta(days=365), NOW - timedelta(days=30), NOW) == 4
    assert {one.digest for one in storage.list_requests()} == {kept(number).digest for number in (1, 5, 7)}
    assert storage.list_requests("k2") == storage.list_requests("w7") == []
    assert storage.list_requests("k1") != []
    assert storage.find_requests(kept(2).digest) == []
    assert storage.see_request(kept(2)) is None
    assert storage.see_request(kept(6)) is None
    assert dict(storage.begin_answers([AnswerPlan(kept(4).digest, "k4")], NOW)) == {}
    storage.end_answers([kept(4).digest], NOW)
    assert not storage.keep_receipt(kept(2).digest, b"{}", "given", NOW)
    assert storage.forget_requests(NOW - timedelta(days=365), NOW - timedelta(days=30), NOW) == 0
    assert events(storage)[lines:] == ["requests-forgotten"] * 2, "a line whether there was something or not"
    assert storage.settle_requests(NOW) == 1
    assert storage.see_request(kept(8)) == RequestPace(1, 1)


def test_what_was_forgotten_is_in_no_file(tmp_path: Path) -> None:
    storage = SqliteStorage(tmp_path / "node.db")
    storage.see_request(kept(1, at=NOW - timedelta(days=9)))
    storage.begin_answers([AnswerPlan(kept(1).digest, "person-9321", by="policy", evidence=b"Delgado")], NOW)
    storage.end_answers([kept(1).digest], NOW)
    words = (b"person-9321", b"Delgado".hex().encode())

    def files() -> bytes:
        return b"".join(path.read_bytes() for path in tmp_path.iterdir())

    assert all(word in files() for word in words)
    assert storage.forget_requests(NOW, NOW, NOW) == 1
    assert not [word for word in words if word in files()]
    storage.close()
