"""What may be asked under an agreement with noise: questions of which it is proved how far one person moves every number.

docs/adr/0018-noise.md has the rule and its reasons; `core/statistics/noise.py` the proof.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from tallystick.core.agreement.model import Agreement
from tallystick.core.errors import Refused, TallyError
from tallystick.core.job.model import Question
from tallystick.core.job.passes import Passes, passes_of

NOISY_MEASURES: Final = ("count", "mean", "share", "sum")
"""Measures that are worked out from one count and one sum."""
MOST_PASSES: Final = 8
"""Linkage passes: one record more or less changes up to passes² links, and the noise grows with them."""
MOST_AGENCIES: Final = 2


def find_noise_problems(question: Question, agreement: Agreement) -> Iterator[TallyError]:
    """Give every reason why a question cannot be answered with noise; none under an agreement without it."""
    if agreement.disclosure.noise is None:
        return
    agencies = {people.agency for people in question.people.values()}
    if len(agencies) > MOST_AGENCIES:
        yield _refuse(
            f"people: it is of {len(agencies)} agencies, whose clusters one person may change without a known bound",
            "ask of one or two",
        )
    for measure in question.measures:
        if measure.operation not in NOISY_MEASURES:
            yield _refuse(
                f"measures: {measure.label} is not worked out from one count and one sum",
                f"it goes with {', '.join(NOISY_MEASURES)}",
            )
    said = {
        "since": question.since,
        "overall": question.overall,
        "totals": None if question.totals == "none" else question.totals,
    }
    for name, value in said.items():
        if value is not None:
            yield _refuse(f"{name}: a person would stand in more numbers than the table's", f"leave {name} out")
    for people in question.people.values():
        dataset = agreement.datasets.get(people.dataset)
        if dataset is not None and dataset.relation is not None:
            yield _refuse(
                f"{people.dataset}: a person's rows are carried to others ({dataset.relation})",
                "ask about the people themselves",
            )
    try:
        yield from _find_link_problems(passes_of(question, agreement))
    except TallyError:
        return  # another rule tells it


def _find_link_problems(passes: Passes) -> Iterator[TallyError]:
    hint = f"let the agreement's link name one to {MOST_PASSES} recipes, such as ssn+birth_date, and no ladder or word"
    if passes.similarity is not None or (passes.found is not None and passes.found.bound is not None):
        yield _refuse(
            "link: which passes of a ladder are made, and whom a similarity pass links, depends on all people together", hint
        )
    elif len(passes.told) > MOST_PASSES:
        yield _refuse(f"link: with {len(passes.told)} passes one record may change {len(passes.told) ** 2:,} links", hint)


def _refuse(problem: str, hint: str) -> Refused:
    return Refused("noise-unfit", f"noise does not go with {problem}", hint=hint)
