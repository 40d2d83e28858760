"""Which linkage passes a question really uses: those that its two datasets can both make, and that say enough for their sizes."""

from __future__ import annotations

from tallystick.core.agreement.model import Agreement
from tallystick.core.job.check import link_of
from tallystick.core.job.model import Question, parsed_join
from tallystick.core.linkage.ladders import passes_for
from tallystick.core.linkage.recipes import Recipe


def passes_of(question: Question, agreement: Agreement) -> tuple[list[Recipe], list[tuple[Recipe, str]]]:
    """Give the linkage passes that serve a question, strict to loose, and the recipes that do not, each with its reason.

    Reasons and errors call the two sides by their datasets.

    Raises:
        Invalid: `job-invalid`, `link-invalid`, `link-impossible`.
        Refused: `job-not-allowed`, `link-weak`.
    """
    join = parsed_join(question)
    names = [question.people[group].dataset for group in (join.left, join.right)]
    left, right = (agreement.dataset_of(name) for name in names)
    return passes_for(
        link_of(question, agreement),
        None,
        left.identifiers,
        right.identifiers,
        names=(names[0], names[1]),
        people=(left.people, right.people),
    )
