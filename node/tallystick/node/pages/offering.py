"""The smallest changes of a question that its agreement and the local policy would still let pass: what a steward may offer instead.

Each leaves out or tightens one thing. One that would not pass is not offered.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from tallystick.core.agreement.model import Agreement
from tallystick.core.errors import Invalid, TallyError
from tallystick.core.job.link import link_of
from tallystick.core.job.model import Job, Question
from tallystick.core.statistics.rulebook import problems
from tallystick.node.policy.evaluate import Verdict

LADDERS: Final = ("strict", "default", "loose", "widest")

Judge = Callable[[Job, Agreement], Verdict]


@dataclass(frozen=True)
class Offer:
    """One change.

    Attributes:
        name: what a form calls it.
        text: for people.
        question: what would pass.
    """

    name: str
    text: str
    question: Question


def list_offers(job: Job, agreement: Agreement, judge: Judge) -> list[Offer]:
    """List the changes of a job's question that would pass, in the order of the job file.

    Args:
        job: as its analyst signed it.
        agreement: that it names.
        judge: the local policy.
    """
    offers = []
    for name, text, value in _try_changes(job.question, agreement):
        try:
            question = Question.read(value, what="job")
        except TallyError:
            continue
        if problems(question, agreement, job.analyst):
            continue
        if judge(job.model_copy(update={"question": question}), agreement).decision != "never":
            offers.append(Offer(name, text, question))
    return offers


def find_offer(offers: list[Offer], name: str) -> Offer:
    """Give the offer of a name.

    Raises:
        Invalid: `document-invalid`: there is none.
    """
    for offer in offers:
        if offer.name == name:
            return offer
    raise Invalid("document-invalid", "choose one of the changes that would pass")


def _try_changes(question: Question, agreement: Agreement) -> Iterator[tuple[str, str, dict[str, Any]]]:
    value = question.json_value()
    for at, reference in enumerate(question.by):
        bins = {name: edges for name, edges in (value.get("bins") or {}).items() if name != reference}
        changed = {**value, "by": [one for place, one in enumerate(value["by"]) if place != at]}
        changed.pop("bins", None)
        yield f"by-{at}", f"without the rows by {reference}", changed | ({"bins": bins} if bins else {})
    for at, measure in enumerate(question.measures):
        if len(question.measures) > 1:
            rest = [one for place, one in enumerate(value["measures"]) if place != at]
            yield f"measure-{at}", f"without {measure.label}", {**value, "measures": rest}
    try:
        now = LADDERS.index(link_of(question, agreement))
    except (TallyError, ValueError):
        return
    for ladder in LADDERS[:now]:
        yield f"link-{ladder}", f"with stricter linkage: {ladder}", {**value, "link": ladder}
