"""A job as its analyst sees it: who said yes, and who said no."""

from __future__ import annotations

from tallystick.client.views import view_of
from tallystick.v1.types_pb2 import Failure, JobState, JobView
from tests.governance import agreement, approval, job

TERMS = agreement()
JOB = job(TERMS)


def test_an_agency_that_refused_has_not_approved() -> None:
    said = [approval(JOB, TERMS, "human-services"), approval(JOB, TERMS, "labor", decision="refuse", reason_class="policy")]
    view = view_of(
        JobView(
            job=bytes.fromhex(JOB.digest()),
            state=JobState.JOB_STATE_REFUSED,
            approvals=[one.encode() for one in said] + [b"no document"],
            failures=[Failure(party="labor", code="policy-refuses", message="labor refused this job (policy)")],
        )
    )
    assert view.approved == ("human-services",)
    assert [(reason.party, reason.code) for reason in view.reasons] == [("labor", "policy-refuses")]


def test_who_refuses_after_a_yes_of_a_steward_takes_it_back_alone() -> None:
    said = [approval(JOB, TERMS, "sue"), approval(JOB, TERMS, "labor", decision="refuse", reason_class="people")]
    assert view_of(JobView(approvals=[one.encode() for one in said])).approved == ("sue",)


def test_s40_a_terminal_obeys_nothing_that_another_party_says() -> None:
    failure = Failure(party="labor", code="internal", message="\x1b[2K\rreleased \u202e", hint="a\nhint: b")
    (reason,) = view_of(JobView(failures=[failure])).reasons
    assert (reason.message, reason.hint) == (" [2K released  ", "a hint: b")
