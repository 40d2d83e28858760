"""docs/state-machines.md is drawn from the table of transitions."""

from __future__ import annotations

from tallystick.core.job.lifecycle import EVENTS, PHASES, JobEvent, Phase
from tests.docs.generate import DOCS, state_machines


def test_state_machines_page_is_drawn_from_the_table() -> None:
    assert (DOCS / "state-machines.md").read_text() == state_machines(), "run: python -m tests.docs.generate"


def test_every_event_and_phase_is_explained() -> None:
    assert set(EVENTS) == set(JobEvent)
    assert set(PHASES) == set(Phase)
