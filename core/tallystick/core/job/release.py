"""How a result leaves, and when an agreement does not allow it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from tallystick.core.agreement.model import Agreement
from tallystick.core.errors import Refused, TallyError
from tallystick.core.job.columns import split
from tallystick.core.job.model import Question, Since
from tallystick.core.job.refusal import not_allowed


def release_of(question: Question, agreement: Agreement) -> Literal["desk", "direct"]:
    """Give how the result leaves: as the question says, or else the agreement."""
    return question.release or agreement.release.mode


def release_problems(question: Question, agreement: Agreement) -> Iterator[TallyError]:
    """Give every reason why a question's result may not leave as it asks."""
    mode = release_of(question, agreement)
    if mode == "direct" and agreement.review is not None:
        yield not_allowed(
            agreement,
            "review",
            "reviewers see results at a desk before they go out",
            ("release: desk",),
        )
    if mode == "direct":
        # without a gate somebody must open small cells to hide them; with one the desk still holds tables and attempts against each
        # other (docs/adr/0011-gate.md)
        yield Refused(
            "release-direct",
            "release: direct needs the encrypted small-cell test, and what a desk refuses after opening to be refused before",
            hint="release: desk",
        )
    elif agreement.release.desk is None:
        yield not_allowed(agreement, "release", "it names no desk", ())
    elif agreement.disclosure.gate:
        agencies = {people.agency for people in question.people.values()}
        if len(agencies) == 1 and agreement.release.desk not in agencies:
            yield not_allowed(
                agreement,
                "disclosure",
                f"{agreement.release.desk} would open every cell of {min(agencies)}, small ones too",
                (),
            )
        if question.since is not None:
            yield from _since_under_gate(question, question.since, agreement)


def _since_under_gate(question: Question, since: Since, agreement: Agreement) -> Iterator[TallyError]:
    """Refuse what would have sums that are the same in every period and that no single agency knows: of these the gate has no test."""
    event, of = (split(reference)[0] for reference in (since.event, since.of))
    if not {event, of} <= set(question.groups):
        return  # unknown: refused by another rule
    if question.stacked:
        yield not_allowed(agreement, "disclosure", "with gate, no job with since has stacked groups", ())
        return
    home = question.people[event].agency
    beside = sorted(name for name, people in question.people.items() if name not in {event, of} and people.agency != home)
    if beside or question.people[of].agency == home:
        yield not_allowed(
            agreement,
            "disclosure",
            f"with gate, a job with since has one group beside those of {home}, and that is the group of {since.of}",
            (),
        )
