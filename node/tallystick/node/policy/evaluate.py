"""What a policy says to a job: a pure function, with reasons that a steward and, where it may know, the analyst can act on.

A job demands of an agency, for each of its datasets in the job, every column that is read there with every operation that the
column serves, for this agreement, analyst and purpose. Each demand takes the strictest decision of the rules that match it, or
never if none does; the verdict is the strictest of all demands. So another `never` or `ask` rule can only tighten, wherever it
stands.

A policy never widens what the agreement allows: `Approvals.consider` asks the agreement first.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from tallystick.core.agreement.model import Agreement
from tallystick.core.job.check import participants
from tallystick.core.job.columns import list_asked_operations, operations_by_column
from tallystick.core.job.model import Job
from tallystick.node.policy.model import FACETS, Decision, Policy, PolicyRule

_STRICTNESS: Final[dict[Decision, int]] = {"auto": 0, "ask": 1, "never": 2}


@dataclass(frozen=True)
class Demand:
    """One thing that a job wants of an agency; a facet that does not arise is None (a desk without data demands no dataset)."""

    agreement: str
    analyst: str
    purpose: str
    dataset: str | None
    column: str | None
    operation: str

    def describe(self) -> str:
        """Name it for people."""
        what = f"{self.operation} for {self.analyst}, {self.purpose}"
        if self.column is not None:
            return f"column {self.column} of {self.dataset}, {what}"
        return f"dataset {self.dataset}, {what}" if self.dataset is not None else f"desk, {what}"


@dataclass(frozen=True)
class PolicyReason:
    """Why a verdict is not `auto`.

    Attributes:
        decision: what it calls for.
        rule: index of the rule in the policy, from 1; None where no rule matches.
        facets: what the rule is about, such as `column=wage`; of an uncovered demand, what is not covered.
        message: one sentence.
        hint: the smallest change to the policy that would lift this reason.
    """

    decision: Decision
    rule: int | None
    facets: str
    message: str
    hint: str


@dataclass(frozen=True)
class Verdict:
    """What the policy says.

    Attributes:
        decision: the strictest over all demands.
        reasons: one for each rule, or uncovered demand, that calls for `decision`; empty for auto.
    """

    decision: Decision
    reasons: tuple[PolicyReason, ...] = ()


def evaluate(policy: Policy, job: Job, agreement: Agreement, agency: str) -> Verdict:
    """Give what an agency's policy says to a job that the agreement allows.

    Args:
        policy: the agency's.
        job: a job that `plan_allowed_job` let pass.
        agreement: its agreement.
        agency: whose policy it is.

    Returns:
        `never` also for an agency that does not take part.
    """
    demands = list(demands_of(job, agreement, agency))
    if not demands:
        return Verdict("never", (PolicyReason("never", None, "", f"{agency} takes no part in this job", ""),))
    reasons: dict[tuple[int | None, str], PolicyReason] = {}
    for demand in demands:
        reason = _strictest(policy, demand)
        if reason is not None:
            reasons.setdefault((reason.rule, reason.facets), reason)
    decision: Decision = "auto"
    for reason in reasons.values():
        decision = max(decision, reason.decision, key=_STRICTNESS.__getitem__)
    return Verdict(decision, tuple(reason for reason in reasons.values() if reason.decision == decision))


def demands_of(job: Job, agreement: Agreement, agency: str) -> Iterator[Demand]:
    """Give everything that a job demands of an agency; nothing if it takes no part.

    Raises:
        TallyError: the job is not one that the agreement allows.
    """
    question = job.question
    if agency not in participants(question, agreement):
        return
    operations = sorted(list_asked_operations(question))

    def demand(dataset: str | None, column: str | None, operation: str) -> Demand:
        return Demand(question.agreement, job.analyst, question.purpose, dataset, column, operation)

    groups = {name: people for name, people in question.people.items() if people.agency == agency}
    for name, people in groups.items():
        by_column = operations_by_column(
            question,
            name,
            agreement.dataset_of(people.dataset),
            employers=agreement.disclosure.least_employers > 0,
            households=agreement.disclosure.households is not None,
        )
        for column, served in by_column.items():
            yield from (demand(people.dataset, column, operation) for operation in sorted(served))
        # an operation that reads no column here still counts this dataset's people
        covered = {operation for served in by_column.values() for operation in served}
        yield from (demand(people.dataset, None, operation) for operation in operations if operation not in covered)
    if not groups:
        yield from (demand(None, None, operation) for operation in operations)


def _strictest(policy: Policy, demand: Demand) -> PolicyReason | None:
    """Give the reason against deciding a demand automatically; None if there is none."""
    matching = [(number, rule) for number, rule in enumerate(policy.rules, start=1) if _matches(rule, demand)]
    if not matching:
        facets = {
            facet: getattr(demand, facet) for facet in FACETS if facet != "agreement" and getattr(demand, facet) is not None
        }
        asked = ", ".join(f"{facet}: {value}" for facet, value in facets.items() if facet in {"dataset", "column", "operation"})
        return PolicyReason(
            "never",
            None,
            ", ".join(f"{facet}={value}" for facet, value in facets.items()),
            f"no rule covers {demand.describe()}",
            f"add a rule: {{decision: ask, {asked}}}",
        )
    number, rule = max(matching, key=lambda pair: _STRICTNESS[pair[1].decision])
    if rule.decision == "auto":
        return None
    facets_of_rule = (
        ", ".join(f"{facet}={getattr(rule, facet)}" for facet in FACETS if getattr(rule, facet) is not None) or "everything"
    )
    verb = "leaves to a steward" if rule.decision == "ask" else "forbids"
    hint = (
        "a steward decides: tally node approve"
        if rule.decision == "ask"
        else f"change rule {number}, or ask for something else"
    )
    return PolicyReason(
        rule.decision, number, facets_of_rule, f"rule {number} ({facets_of_rule}) {verb} {demand.describe()}", hint
    )


def _matches(rule: PolicyRule, demand: Demand) -> bool:
    return all(getattr(rule, facet) in {None, getattr(demand, facet)} for facet in FACETS)
