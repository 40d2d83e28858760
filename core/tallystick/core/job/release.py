"""How a result leaves, and when an agreement does not allow it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from tallystick.core.agreement.model import Agreement
from tallystick.core.errors import Refused, TallyError
from tallystick.core.job.model import Question
from tallystick.core.job.refusal import not_allowed


def release_of(question: Question, agreement: Agreement) -> Literal["desk", "direct"]:
    """Give how the result leaves: as the question says, or else the agreement."""
    return question.release or agreement.release.mode


def release_problems(question: Question, agreement: Agreement) -> Iterator[TallyError]:
    """Give every reason why a question's result may not leave as it asks."""
    mode = release_of(question, agreement)
    if mode == "direct":
        # without a test on shares, somebody must open small cells to hide them: the desk (docs/adr/0008-small-cells.md)
        yield Refused(
            "release-direct",
            "release: direct needs the encrypted small-cell test, which this version does not have",
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
