"""A decision about a job that somebody else changes while it is made."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tallystick.core.errors import TallyError
from tallystick.node.changes import KeptChange, decide_job
from tests.unit.node.test_approvals import ASK, Desk


@pytest.mark.parametrize("between", ["it ends", "it is refused"])
def test_a_decision_about_a_job_that_changed_meanwhile_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, between: str
) -> None:
    """The approval is signed when another change is kept: it is not kept over it, and the log says nothing of it."""
    desk = Desk(tmp_path, ASK)
    job = desk.job()
    digest = job.digest()
    desk.approvals.consider(desk.document(job), digest)
    change_job = desk.storage.change_job

    def other_first(*given: Any) -> Any:
        monkeypatch.setattr(desk.storage, "change_job", change_job)
        if between == "it ends":
            decide_job(desk.storage, digest, lambda kept: KeptChange(replace(kept, state="expired", awaits="")))
        else:
            desk.approvals.refuse(digest, "people", "not these")
        return change_job(*given)

    monkeypatch.setattr(desk.storage, "change_job", other_first)
    with pytest.raises(TallyError) as refused:
        desk.approvals.approve(digest)
    assert refused.value.code == "job-state"
    kept = desk.storage.job(digest)
    assert kept is not None
    assert kept.decision == ("" if between == "it ends" else "refuse")
    assert not any(b'"approved"' in event.entry for event in desk.storage.events())


def test_what_is_kept_between_two_looks_is_part_of_the_decision(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    desk = Desk(tmp_path, ASK)
    job = desk.job()
    desk.approvals.consider(desk.document(job), job.digest())
    change_job = desk.storage.change_job

    def other_first(*given: Any) -> Any:
        monkeypatch.setattr(desk.storage, "change_job", change_job)
        decide_job(desk.storage, job.digest(), lambda kept: KeptChange(replace(kept, state="approving", attempt=1)))
        return change_job(*given)

    monkeypatch.setattr(desk.storage, "change_job", other_first)
    approved = desk.approvals.approve(job.digest())
    assert (approved.decision, approved.state, approved.attempt) == ("approve", "approving", 1)
    assert sum(b'"approved"' in event.entry for event in desk.storage.events()) == 1
