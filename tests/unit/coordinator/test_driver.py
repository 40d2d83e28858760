"""What the coordinator does by itself: decided from rows alone, done once, gone on with after a crash (S-34)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

import pytest

from tallystick.coordinator import driver
from tallystick.coordinator.driver import Action, DriverView, due
from tallystick.coordinator.slots import assign_slots
from tallystick.core.agreement.check import COORDINATOR
from tallystick.core.errors import Refused
from tallystick.core.job.lifecycle import JobState
from tallystick.crypto import paillier
from tallystick.crypto.machine import Ref
from tallystick.crypto.randomness import SystemRandomness
from tallystick.crypto.statistic import messages as kinds
from tallystick.crypto.statistic.messages import read_slots
from tallystick.crypto.statistic.shares import SealedShares, read_added
from tests.governance import NOW, identity
from tests.protocol.cases import paillier_key
from tests.town import AGENCIES, DESK, OTHER, Town, member, tags_chunks, tags_refs

SLOTS = {agency: Ref(kinds.SLOTS, COORDINATOR, agency) for agency in AGENCIES}
RELEASE = Ref(kinds.RELEASE, DESK, COORDINATOR)
SEALED = Ref(kinds.SEALED, COORDINATOR, DESK)


class CrashAt(Protocol):
    """Arms a failpoint."""

    def __call__(self, name: str, nth: int = 1) -> None:
        """Crash when `name` is passed for the nth time."""


class Crash(BaseException):
    """The process is gone."""


@pytest.fixture
def town(tmp_path: Path) -> Town:
    return Town(tmp_path)


@pytest.fixture
def running(town: Town) -> Town:
    town.running()
    return town


@pytest.fixture
def crash_at(monkeypatch: pytest.MonkeyPatch) -> CrashAt:
    """Give a function that makes the driver crash when it passes a failpoint for the nth time."""

    def arm(name: str, nth: int = 1) -> None:
        passed = 0

        def point(label: str) -> None:
            nonlocal passed
            passed += label == name
            if label == name and passed == nth:
                raise Crash

        monkeypatch.setattr(driver, "failpoint", point)

    return arm


def send_tags(town: Town, **changes: int) -> None:
    for number, ref in enumerate(tags_refs().values()):
        town.put(ref, tags_chunks(number, **changes))


def send_shares(town: Town) -> dict[str, bytes]:
    """Every agency seals two numbers under the desk's key."""
    public = paillier_key().public
    documents = {}
    for value, agency in enumerate(AGENCIES, start=20):
        ciphertext = paillier.encrypt(public, [value], SystemRandomness())[0]
        shares = SealedShares(agency, town.digest, 1, 8, bytes(32), public.modulus_bytes, (ciphertext,))
        documents[agency] = shares.document(identity(agency).sign)
        town.put(Ref(kinds.SHARES, agency, COORDINATOR), kinds.pieces(documents[agency]))
    return documents


def assigned(town: Town) -> dict[str, list[int]]:
    slots = {}
    for agency, ref in SLOTS.items():
        found, size, _ = read_slots(iter([*split(town.fetched(ref))]), 8, sender=COORDINATOR)
        assert size == 16
        slots[agency] = found.tolist()
    return slots


def split(payload: bytes) -> Iterator[bytes]:
    yield payload[:8]
    yield payload[8:]


def view(town: Town, state: JobState, *complete: Ref) -> DriverView:
    record = town.at.storage.job(town.digest)
    assert record is not None
    contract = town.at.jobs.contract(record)
    return DriverView(replace(record, state=state), contract, town.at.storage.deposits(town.digest), frozenset(complete), NOW)


def test_what_is_due_is_read_off_the_rows(running: Town) -> None:
    tags, slots = tuple(tags_refs().values()), tuple(SLOTS.values())
    shares = tuple(Ref(kinds.SHARES, agency, COORDINATOR) for agency in AGENCIES)
    table = [
        (JobState.SUBMITTED, (), Action.ANNOUNCE),
        (JobState.RUNNING, (), None),
        (JobState.RUNNING, tags[:1], None),
        (JobState.RUNNING, tags, Action.MATCH),
        (JobState.RUNNING, (*tags, slots[0]), Action.MATCH),
        (JobState.RUNNING, (*tags, *slots), None),
        (JobState.RUNNING, (*tags, *shares), Action.MATCH),
        (JobState.RUNNING, (*tags, *slots, shares[0]), None),
        (JobState.RUNNING, (*tags, *slots, *shares), Action.ADD),
        (JobState.RELEASING, (*tags, *slots, *shares, SEALED), None),
        (JobState.RELEASING, (RELEASE,), Action.FINISH),
        *((state, (*tags, RELEASE), None) for state in JobState if state.final),
    ]
    for state, complete, action in table:
        assert due(view(running, state, *complete)) == action, (state, complete)


def test_tags_become_slots_of_one_table(running: Town) -> None:
    send_tags(running)
    running.advance()
    slots = assigned(running)
    assert slots[DESK][:3] == slots[OTHER][:3]
    assert len({*slots[DESK], *slots[OTHER]}) == 13  # eight rows each, three of them shared
    assert running.state == JobState.RUNNING


@pytest.mark.parametrize(
    ("point", "nth"), [("message-written", 1), ("message-written", 2), ("slots-written", 1), ("slots-recorded", 1)]
)
def test_s34_a_crash_among_slots_leaves_one_assignment(running: Town, crash_at: CrashAt, point: str, nth: int) -> None:
    send_tags(running)
    crash_at(point, nth)
    with pytest.raises(Crash):
        running.advance()
    seen_before = [m.name.ref for m in running.at.storage.messages(running.digest) if m.name.ref.kind == kinds.SLOTS]
    assert len(seen_before) in {0, 2}  # never half
    before = assigned(running) if seen_before else None
    crash_at("nowhere")
    running.restarted()
    running.advance()
    slots = assigned(running)
    assert slots[DESK][:3] == slots[OTHER][:3]
    assert before in (None, slots)


def test_nobody_can_fetch_slots_that_do_not_count_yet(running: Town, crash_at: CrashAt) -> None:
    send_tags(running)
    crash_at("slots-written")
    with pytest.raises(Crash):
        running.advance()
    with pytest.raises(Refused, match="not-allowed"):
        running.fetched(SLOTS[DESK])


def test_a_list_that_breaks_the_protocol_names_its_sender(running: Town) -> None:
    """Two passes where one is due, from labor, who sends human-services' list."""
    refs = tags_refs()
    running.put(refs[OTHER], tags_chunks(1))
    running.put(refs[DESK], [(2).to_bytes(4, "little") + (8).to_bytes(8, "little"), bytes(256)])
    running.advance()
    assert running.state == JobState.FAILED
    [failure] = running.at.storage.failures(running.digest)
    assert (failure.party, failure.code) == (OTHER, "protocol-broken")


def test_s06_a_tag_that_stands_twice_ends_the_job(running: Town) -> None:
    refs = tags_refs()
    running.put(refs[OTHER], tags_chunks(1))
    running.put(refs[DESK], [(1).to_bytes(4, "little") + (8).to_bytes(8, "little"), bytes(128)])
    running.advance()
    [failure] = running.at.storage.failures(running.digest)
    assert (running.state, failure.party, failure.code) == (JobState.FAILED, OTHER, "protocol-broken")


@pytest.mark.parametrize("point", [None, "message-written", "sealed-written"])
def test_shares_are_added_and_go_to_the_desk(running: Town, crash_at: CrashAt, point: str | None) -> None:
    send_tags(running)
    running.advance()
    documents = send_shares(running)
    if point is not None:
        crash_at(point)
        with pytest.raises(Crash):
            running.advance()
        assert running.state == JobState.RUNNING
        crash_at("nowhere")
        running.restarted()
    running.advance()
    assert running.state == JobState.RELEASING
    product, given = read_added(running.fetched(SEALED), AGENCIES)
    assert given == documents
    assert len(product) == 1


@pytest.mark.parametrize("point", [None, "result-stored"])
def test_a_release_is_kept_and_ends_the_job(running: Town, crash_at: CrashAt, point: str | None) -> None:
    send_tags(running)
    running.advance()
    send_shares(running)
    running.advance()
    result = bytes(range(256)) * 3000
    running.put(RELEASE, kinds.pieces(result))
    if point is not None:
        crash_at(point)
        with pytest.raises(Crash):
            running.advance()
        assert running.state == JobState.RELEASING
        with pytest.raises(Refused, match="job-state"):
            running.at.jobs.result(member("ana"), running.digest)
        crash_at("nowhere")
        running.restarted()
    running.advance()
    assert running.state == JobState.RELEASED
    assert b"".join(running.at.jobs.result(member("ana"), running.digest)) == result
    with pytest.raises(Refused, match="job-unknown"):
        running.at.jobs.result(member("otto"), running.digest)
    assert not (running.settings.state / "spool" / running.digest.hex()).exists()


def test_a_full_disk_is_tried_again_and_a_fault_of_ours_ends_the_job(running: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    send_tags(running)

    def full(*_: object) -> None:
        raise OSError(28, "no space left")

    with monkeypatch.context() as patch:
        patch.setattr(driver, "assign_slots", full)
        with pytest.raises(OSError, match="no space"):
            running.advance()
        assert running.state == JobState.RUNNING

    def bug(*_: object) -> None:
        raise ZeroDivisionError("123-45-6789")

    monkeypatch.setattr(driver, "assign_slots", bug)
    running.advance()
    assert running.state == JobState.FAILED
    [failure] = running.at.storage.failures(running.digest)
    assert (failure.party, failure.code) == (COORDINATOR, "internal")
    assert "123" not in failure.message + failure.hint


def test_a_job_that_was_cancelled_meanwhile_gets_no_slots(running: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    send_tags(running)
    real = assign_slots

    def slow(*arguments: Any) -> Any:
        running.at.jobs.cancel(member("ana"), running.digest)
        return real(*arguments)

    monkeypatch.setattr(driver, "assign_slots", slow)
    running.advance()
    assert running.state == JobState.CANCELLED
    assert running.at.storage.messages(running.digest) == ()
