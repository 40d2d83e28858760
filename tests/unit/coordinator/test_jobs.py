"""The life of jobs, without a network: who may start, approve, refuse, restart and end one."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tallystick.coordinator.hearing import hear_end
from tallystick.coordinator.records import FailureRecord
from tallystick.core.clock import FixedClock
from tallystick.core.documents import sign_document, write_document
from tallystick.core.errors import Broken, Invalid, Refused, TallyError
from tallystick.core.job.hello import new_hello
from tallystick.core.job.lifecycle import JobState
from tallystick.crypto.machine import Ref
from tests import governance
from tests.governance import NOW, identity, question, stamp
from tests.town import AGENCIES, DESK, OTHER, SIGNERS, Town, lasting_agreement, member

SEED = Ref("seed", OTHER, DESK)
LOST = FailureRecord(1, OTHER, "party-restarted", "gone", "", retry=True)


@pytest.fixture
def town(tmp_path: Path) -> Town:
    return Town(tmp_path, clock=FixedClock(NOW))


def failed(code: str, *, retry: bool = False) -> FailureRecord:
    return FailureRecord(1, "x", code, "said", "hinted", retry=retry)


def test_a_job_that_is_submitted_waits_for_everybody_who_must_approve(town: Town) -> None:
    town.submit()
    assert town.state == JobState.APPROVING
    for signer in SIGNERS[:-1]:
        town.approve(signer)
        assert town.state == JobState.APPROVING
    town.approve(SIGNERS[-1])
    assert town.state == JobState.RUNNING


def test_the_same_job_again_starts_nothing(town: Town) -> None:
    first = town.at.jobs.submit(member("ana"), town.document())
    assert town.at.jobs.submit(member("ana"), town.document()) == first
    assert len(town.at.storage.jobs(ended=True)) == 1


def test_the_same_question_is_answered_once_at_a_time(town: Town) -> None:
    town.submit()
    again = town.document(town.new_job(nonce=1))
    with pytest.raises(Refused, match="job-duplicate") as caught:
        town.at.jobs.submit(member("ana"), again)
    assert town.digest.hex() in caught.value.message
    town.at.jobs.cancel(member("ana"), town.digest)
    assert town.at.jobs.submit(member("ana"), again).job != town.digest


def test_s21_a_job_that_nobody_may_ask_is_not_taken(town: Town) -> None:
    """Another's signature, somebody else's job, a purpose outside, another text of the agreement, too late, too long, another kind."""
    ours, other = town.job, lasting_agreement(version=9)
    cases: list[tuple[str, bytes, str, type[TallyError]]] = [
        ("ana", sign_document("job", ours, "ana", identity("otto")).encode(), "job-signature", Refused),
        ("otto", town.document(), "not-allowed", Refused),
        ("ana", town.document(town.new_job(question=question(purpose="gossip").json_value())), "job-not-allowed", Refused),
        ("ana", sign_document("job", governance.job(other), "ana", identity("ana")).encode(), "agreement-unknown", Refused),
        ("ana", town.document(town.new_job(deadline=stamp(NOW + timedelta(days=60)))), "job-invalid", Invalid),
        (
            "ana",
            town.document(town.new_job(submitted=stamp(NOW - timedelta(days=2)), deadline=stamp(NOW))),
            "job-expired",
            Refused,
        ),
        ("ana", town.approval("labor").encode(), "document-invalid", Invalid),
        ("ana", b"{}", "document-invalid", Invalid),
        ("ana", bytes(65 * 1024), "too-large", Refused),
    ]
    for caller, document, code, kind in cases:
        with pytest.raises(kind) as caught:
            town.at.jobs.submit(member(caller, "analyst"), document)
        assert caught.value.code == code
    assert town.at.storage.jobs(ended=True) == ()


def test_an_analyst_has_so_many_unended_jobs(tmp_path: Path) -> None:
    town = Town(tmp_path, clock=FixedClock(NOW), config={"limits": {"open_jobs": 1}})
    town.submit()
    other = town.new_job(question=question(measures=["count"]).json_value())
    with pytest.raises(Refused, match="too-large"):
        town.at.jobs.submit(member("ana"), town.document(other))


@pytest.mark.parametrize("signer", ["labor", "sue", "board"])
@pytest.mark.parametrize("when", ["approving", "running"])
def test_one_refusal_ends_a_job_and_its_class_goes_out(town: Town, signer: str, when: str) -> None:
    town.submit()
    if when == "running":
        town.approve()
    caller = member("labor" if signer == "sue" else signer)
    refusal = town.approval(signer, decision="refuse", reason_class="policy")
    record = town.at.intake.deposit(caller, town.digest, refusal.encode())
    assert record.state == JobState.REFUSED
    [failure] = town.at.storage.failures(town.digest)
    assert (failure.party, failure.code) == (signer, "policy-refuses")
    assert "policy" in failure.message
    assert town.at.intake.deposit(caller, town.digest, refusal.encode()).state == JobState.REFUSED


def test_s21_approvals_that_do_not_verify_are_not_kept(town: Town) -> None:
    """Another job's, another key's, expired, by a stranger, by the analyst, brought by somebody else, too late."""
    town.submit()
    labor = member("labor")
    forged = governance.approval(town.job, town.terms, "labor", key=identity("otto"))
    cases: list[tuple[Any, bytes, str]] = [
        (labor, town.approval("labor", job="00" * 32).encode(), "approval-invalid"),
        (labor, forged.encode(), "approval-invalid"),
        (labor, town.approval("labor", expires=stamp(NOW)).encode(), "approval-invalid"),
        (labor, town.approval("human-services").encode(), "not-allowed"),
        (labor, town.approval("board").encode(), "not-allowed"),
        (member("board"), town.approval("labor").encode(), "not-allowed"),
        (member("housing"), town.approval("housing").encode(), "job-unknown"),
        (member("ana"), town.approval("ana", role="approver", agency=None).encode(), "not-allowed"),
        (labor, town.document(), "document-invalid"),
    ]
    for caller, document, code in cases:
        with pytest.raises(TallyError) as caught:
            town.at.intake.deposit(caller, town.digest, document)
        assert caught.value.code == code
    assert town.at.storage.deposits(town.digest) == ()
    town.approve()
    with pytest.raises(Refused, match="job-state"):
        town.at.intake.deposit(labor, town.digest, town.approval("labor", expires=stamp(NOW + timedelta(days=2))).encode())


def test_an_approver_may_run_a_node_and_brings_only_its_own(town: Town) -> None:
    town.submit()
    node = member("board", "agency")
    town.at.intake.deposit(node, town.digest, town.approval("board").encode())
    with pytest.raises(Refused, match="not-allowed"):
        town.at.intake.deposit(node, town.digest, town.approval("labor").encode())
    assert [deposit.party for deposit in town.at.storage.deposits(town.digest)] == ["board"]


def test_an_approval_that_expired_is_waited_for_again(town: Town) -> None:
    assert isinstance(town.clock, FixedClock)
    town.submit()
    short = town.approval("labor", expires=stamp(NOW + timedelta(hours=1)))
    town.at.intake.deposit(member("labor"), town.digest, short.encode())
    town.clock.advance(timedelta(hours=2))
    town.approve("human-services", "sue", "tom", "board")
    assert town.state == JobState.APPROVING
    town.approve("labor")
    assert town.state == JobState.RUNNING


def test_one_attempt_has_one_hello_of_a_party(town: Town) -> None:
    town.submit()
    hello = town.hello("labor")
    with pytest.raises(Refused, match="job-state"):
        town.at.intake.deposit(member("labor"), town.digest, hello.encode())
    town.approve()
    first = town.at.intake.deposit(member("labor"), town.digest, hello.encode())
    assert town.at.intake.deposit(member("labor"), town.digest, hello.encode()).version == first.version
    with pytest.raises(Refused, match="party-restarted"):
        town.at.intake.deposit(member("labor"), town.digest, _other_hello(town))
    for wrong in (town.hello("human-services"), town.hello("labor", attempt=2)):
        with pytest.raises(Broken, match="protocol-broken"):
            town.at.intake.deposit(member("labor"), town.digest, wrong.encode())


def _other_hello(town: Town) -> bytes:
    key = governance.sealing_key("another").public
    return new_hello(town.job.digest(), 1, "labor", key, identity("labor")).encode()


def test_a_party_that_restarted_begins_the_next_attempt_three_at_most(town: Town) -> None:
    town.running()
    town.put(SEED, [b"seed"])
    spool = town.settings.state / "spool" / town.digest.hex()
    assert (spool / "1").is_dir()
    for attempt in (1, 2):
        record = town.at.jobs.report_failure(member(OTHER), town.digest, attempt, LOST)
        assert (record.state, record.attempt) == (JobState.RUNNING, attempt + 1)
        assert not (spool / str(attempt)).exists()
        assert [d.kind for d in town.at.storage.deposits(town.digest) if d.kind == "hello"] == []
        assert town.at.storage.messages(town.digest) == ()
        late = town.at.jobs.report_failure(member(DESK), town.digest, attempt, LOST)
        assert late.attempt == attempt + 1  # said of an attempt that is over
        town.greet(attempt + 1)
    record = town.at.jobs.report_failure(member(OTHER), town.digest, 3, LOST)
    assert record.state == JobState.FAILED
    assert [f.code for f in town.at.storage.failures(town.digest)][-2:] == ["party-restarted", "attempts-used"]
    assert not spool.exists()


def test_a_failure_that_no_attempt_would_mend_ends_the_job(town: Town) -> None:
    town.running()
    record = town.at.jobs.report_failure(member(OTHER), town.digest, 1, failed("source-bounds"))
    assert record.state == JobState.FAILED
    [failure] = town.at.storage.failures(town.digest)
    assert (failure.party, failure.code, failure.message) == (OTHER, "source-bounds", "said")


def test_s27_what_a_party_says_is_cut_and_its_codes_are_ours(town: Town) -> None:
    town.running()
    said = FailureRecord(1, "somebody else", "made-up", "m" * 5000, "h" * 5000, retry=False)
    town.at.jobs.report_failure(member(OTHER), town.digest, 1, said)
    [failure] = town.at.storage.failures(town.digest)
    assert (failure.party, failure.code, len(failure.message), len(failure.hint)) == (OTHER, "internal", 1000, 500)


def test_only_a_party_that_takes_part_can_fail_a_job(town: Town) -> None:
    town.running()
    for stranger, code in (("housing", "job-unknown"), ("board", "not-allowed")):
        with pytest.raises(Refused, match=code):
            town.at.jobs.report_failure(member(stranger), town.digest, 1, failed("internal"))
    assert town.state == JobState.RUNNING


def test_cancelling_ends_a_job_once(town: Town) -> None:
    town.running()
    assert town.at.jobs.cancel(member("ana"), town.digest).state == JobState.CANCELLED
    assert town.at.jobs.cancel(member("ana"), town.digest).state == JobState.CANCELLED
    with pytest.raises(Refused, match="job-state"):
        town.put(SEED, [b"seed"])


def test_what_has_ended_stays_as_it_ended(town: Town) -> None:
    town.running()
    town.at.jobs.report_failure(member(OTHER), town.digest, 1, failed("internal"))
    with pytest.raises(Invalid, match="job-state"):
        town.at.jobs.cancel(member("ana"), town.digest)
    with pytest.raises(Invalid, match="job-state"):
        town.at.intake.deposit(member("labor"), town.digest, town.approval("labor", decision="refuse").encode())
    town.advance()
    assert town.state == JobState.FAILED


def test_a_job_expires_at_its_deadline(town: Town) -> None:
    assert isinstance(town.clock, FixedClock)
    town.running()
    town.at.jobs.expire()
    assert town.state == JobState.RUNNING
    town.clock.advance(timedelta(days=1))
    town.at.jobs.expire()
    assert town.state == JobState.EXPIRED
    assert town.at.storage.failures(town.digest)[-1].code == "job-expired"


def test_a_job_goes_on_after_its_agreement_expired_but_none_begins(tmp_path: Path) -> None:
    clock = FixedClock(NOW)
    terms = lasting_agreement(valid_until=stamp(NOW + timedelta(hours=1)))
    town = Town(tmp_path, clock=clock, terms=terms)
    town.submit()
    clock.advance(timedelta(hours=2))
    assert town.restarted().jobs.visible(member("ana"), town.digest)[0].state == JobState.APPROVING
    with pytest.raises(Refused, match="agreement-expired"):
        town.at.jobs.submit(member("ana"), town.document(town.new_job(nonce=5)))


def test_a_new_agreement_file_is_seen_without_a_restart(town: Town) -> None:
    newer = lasting_agreement(version=3)
    job = governance.job(newer, submitted=stamp(NOW), deadline=stamp(NOW + timedelta(days=1)))
    document = sign_document("job", job, "ana", identity("ana")).encode()
    with pytest.raises(Refused, match="agreement-unknown"):
        town.at.jobs.submit(member("ana"), document)
    write_document(town.folder / "agreements" / "half.json", governance.signed_agreement(newer, by=["labor"]))
    with pytest.raises(Refused, match="agreement-unsigned"):
        town.at.jobs.submit(member("ana"), document)


def test_files_that_hold_no_agreement_are_named_to_the_operator(town: Town) -> None:
    assert town.at.agreements.problems() == {}
    (town.folder / "agreements" / "notes.json").write_text("{}")
    [path] = town.at.agreements.problems()
    assert path.endswith("notes.json")


def test_what_a_kill_left_behind_is_swept(town: Town) -> None:
    town.running()
    town.put(SEED, [b"seed"])
    spool = town.settings.state / "spool"
    (spool / ("ee" * 32) / "1").mkdir(parents=True)
    record = town.at.storage.job(town.digest)
    assert record is not None
    town.at.storage.change(record, replace(record, attempt=2))  # as if killed before the old attempt was deleted
    town.restarted().jobs.sweep()
    assert not (spool / ("ee" * 32)).exists()
    assert not (spool / town.digest.hex() / "1").exists()
    town.greet(2)
    town.put(SEED, [b"seed"], attempt=2)
    town.at.jobs.sweep()
    assert town.at.relay.stat(member(OTHER), town.name(SEED, 2)).complete


def test_jobs_are_listed_for_those_who_may_see_them(town: Town) -> None:
    town.submit()
    for name, count in (("ana", 1), ("otto", 0), ("labor", 1), ("housing", 0), ("board", 1)):
        assert len(town.at.jobs.of(member(name), ended=False)) == count, name
    assert set(AGENCIES) == {"human-services", "labor"}


def test_s49_after_its_end_a_job_keeps_who_did_what_who_ended_it_and_who_heard(town: Town) -> None:
    town.running()
    town.put(SEED, [b"seed"])
    with pytest.raises(Refused, match="job-state"):
        hear_end(town.at.jobs, member(OTHER), town.digest, "cancelled")
    town.at.jobs.cancel(member("ana"), town.digest)
    with pytest.raises(Refused, match="job-state"):
        hear_end(town.at.jobs, member(OTHER), town.digest, "failed")
    with pytest.raises(Refused, match="job-unknown"):
        hear_end(town.at.jobs, member("housing"), town.digest, "cancelled")
    for _ in range(2):
        hear_end(town.at.jobs, member(OTHER), town.digest, "cancelled")
    told = [(one.what, one.party) for one in town.at.storage.moments(town.digest)]
    assert told[0] == ("announce", "coordinator")
    assert {("approval", signer) for signer in SIGNERS} <= set(told)
    assert told[-6:] == [
        ("approve", "coordinator"), ("hello", DESK), ("hello", OTHER), ("seed", SEED.sender), ("cancel", "ana"), ("heard", OTHER),
    ]  # fmt: skip


def test_a_failure_and_a_refusal_are_of_who_said_so(town: Town) -> None:
    town.running()
    town.at.jobs.report_failure(member(OTHER), town.digest, 1, failed("source-bounds"))
    last = town.at.storage.moments(town.digest)[-1]
    assert (last.what, last.party, last.code) == ("fail", OTHER, "source-bounds")
