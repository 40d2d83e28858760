"""What can be said of a question before anybody is asked: `tally job check`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tallystick.client.estimate import WorkEstimate, estimate_work
from tallystick.core.agreement.check import valid_agreement
from tallystick.core.agreement.model import Agreement
from tallystick.core.disclosure.leakage import leakage_statement
from tallystick.core.documents import SignedDocument, read_document
from tallystick.core.errors import Invalid, TallyError
from tallystick.core.job.approval import Required
from tallystick.core.job.check import participants
from tallystick.core.job.model import Question
from tallystick.core.job.passes import passes_of
from tallystick.core.linkage.passes.similarity import SimilarityPlan
from tallystick.core.statistics.rulebook import problems


@dataclass(frozen=True)
class Report:
    """What is known of a question under an agreement.

    Attributes:
        problems: everything that stands against it.
        passes: linkage passes that serve it, strict to loose.
        similarity: the plan of the similarity pass, where it is one of them.
        unusable: (pass, why not).
        required: who must approve it.
        leakage: who will learn what.
        estimate: its work, where sizes are known.
    """

    problems: list[TallyError]
    passes: list[str]
    similarity: SimilarityPlan | None
    unusable: list[tuple[str, str]]
    required: Required
    leakage: dict[str, list[str]]
    estimate: WorkEstimate | None

    def json_value(self) -> dict[str, Any]:
        """Give it as a JSON value."""
        plan = self.similarity
        return {
            "problems": [{"code": p.code, "message": p.message, "hint": p.hint} for p in self.problems],
            "passes": self.passes,
            "similarity": None if plan is None else {**asdict(plan), "precision": plan.precision},
            "unusable": [{"recipe": recipe, "reason": reason} for recipe, reason in self.unusable],
            "approvals": {
                "agencies": list(self.required.agencies),
                "stewards": [{"agency": agency, "need": need, "of": list(of)} for agency, need, of in self.required.stewards],
                "approvers": list(self.required.approvers),
            },
            "leakage": self.leakage,
            "estimate": None if self.estimate is None else self.estimate.json_value(),
        }


def report_on(question: Question, document: SignedDocument, analyst: str | None, people: Mapping[str, int]) -> Report:
    """Check a question against an agreement.

    Args:
        question: what would be asked.
        document: the agreement; that it lacks signatures or is not in force is one problem among others.
        analyst: who would ask; None for the agreement's only one.
        people: sizes of the groups, or empty.

    Raises:
        Invalid: `document-invalid`: no agreement at all; `job-invalid`: sizes that fit no group.
    """
    found: list[TallyError] = []
    try:
        agreement = valid_agreement(document, datetime.now(UTC))
    except TallyError as error:
        found.append(error)
        agreement = document.read(Agreement)
    name = analyst or next(iter(agreement.analysts), "")
    found += problems(question, agreement, name)
    passes: list[str] = []
    similarity: SimilarityPlan | None = None
    unusable: list[tuple[str, str]] = []
    leakage: dict[str, list[str]] = {}
    estimate: WorkEstimate | None = None
    try:
        serving = passes_of(question, agreement)
        passes, similarity, unusable = list(serving.told), serving.similarity, list(serving.unusable)
        leakage = leakage_statement(question, agreement)
        if people:
            estimate = estimate_work(question, agreement, people)
    except TallyError as error:
        if all(error.message != known.message for known in found):
            found.append(error)
    return Report(found, passes, similarity, unusable, _find_required(question, agreement), leakage, estimate)


def find_agreement(path: Path | None, question: Question) -> SignedDocument:
    """Give the agreement that a command line names: a file, or the profile's of that name.

    Raises:
        Invalid: `file-missing`, `agreement-unknown`, …
    """
    if path is not None:
        return read_document(path, kind="agreement")
    from tallystick.client.profile import open_profile

    return open_profile().agreement(question.agreement)


def sizes(texts: tuple[str, ...]) -> dict[str, int]:
    """Read `GROUP=NUMBER` texts.

    Raises:
        Invalid: `job-invalid`.
    """
    read: dict[str, int] = {}
    for text in texts:
        group, equals, number = text.partition("=")
        if not equals or not number.isascii() or not number.isdigit() or group in read:
            raise Invalid(
                "job-invalid", f"--people {text}: it must be GROUP=NUMBER, each group once", hint="--people tanf=10000"
            )
        read[group] = int(number)
    return read


def _find_required(question: Question, agreement: Agreement) -> Required:
    agencies = participants(question, agreement)
    stewards = tuple(
        (name, agreement.stewards[name].need, tuple(agreement.stewards[name].keys))
        for name in agencies
        if name in agreement.stewards
    )
    return Required(agencies, stewards, tuple(agreement.approvers))
