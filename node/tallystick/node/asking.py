"""What a job asks, for a steward: in a sentence, as the table that would come out, and what it reads of this agency's data.

Pure functions over the job and its agreement; no record is read.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final

from tallystick.core.agreement.model import Agreement
from tallystick.core.disclosure.profiles import profile_of
from tallystick.core.job.columns import operations_by_column
from tallystick.core.job.model import Job, Question
from tallystick.core.job.release import release_of
from tallystick.core.statistics.plan import Plan
from tallystick.core.statistics.rulebook import plan_job
from tallystick.core.statistics.table import result_columns
from tallystick.node.asked import AskedHere, OwnGroup

SHOWN_ROWS: Final = 12
_WORDS: Final = {
    "mean": "the mean of",
    "sum": "the sum of",
    "sd": "the standard deviation of",
    "variance": "the variance of",
}


@dataclass(frozen=True)
class EmptyTable:
    """The table that would come out, without its numbers.

    Attributes:
        keys: columns that part the rows.
        columns: columns of numbers.
        rows: the first ones, levels as text.
        rows_in_all: of the whole table.
    """

    keys: tuple[str, ...]
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    rows_in_all: int


@dataclass(frozen=True)
class AskedJob:
    """What a job asks.

    Attributes:
        sentence: whom it counts and what it works out.
        table: None where the question cannot be planned any more.
        groups: (group, whose, dataset, its title) of every group.
        own: this agency's groups.
        rules: of disclosure and release, in sentences.
        clauses: the agreement's authority, and that of each of our datasets.
        cost: in sentences.
    """

    sentence: str
    table: EmptyTable | None
    groups: tuple[tuple[str, str, str, str], ...]
    own: tuple[OwnGroup, ...]
    rules: tuple[str, ...]
    clauses: tuple[str, ...]
    cost: tuple[str, ...]

    @property
    def here(self) -> AskedHere:
        """What of it a steward reads on a terminal."""
        return AskedHere(self.sentence, self.own, self.rules, self.cost)


def describe_job(job: Job, agreement: Agreement, agency: str) -> AskedJob:
    """Describe a job that its agreement allows.

    Raises:
        TallyError: the agreement does not allow it.
    """
    question = job.question
    plan = plan_job(question, agreement)
    names = result_columns(plan)
    columns = tuple(name for name in names if name not in plan.by and name != "suppressed")
    rows = tuple(tuple(_write_level(level) for level in row) for row in islice(plan.rows, SHOWN_ROWS))
    own = tuple(_describe_group(question, group, agreement) for group, one in question.people.items() if one.agency == agency)
    clauses = [*agreement.authority, *(f"{one.dataset}: {one.authority}" for one in own if one.authority)]
    return AskedJob(
        sentence=describe_question(question),
        table=EmptyTable(plan.by, columns, rows, len(plan.rows)),
        groups=tuple(
            (name, one.agency, one.dataset, agreement.datasets[one.dataset].title or "")
            for name, one in question.people.items()
        ),
        own=own,
        rules=tuple(describe_rules(question, agreement)),
        clauses=tuple(clauses),
        cost=tuple(_describe_cost(question, agreement, plan, len(columns))),
    )


def _describe_cost(question: Question, agreement: Agreement, plan: Plan, numbers: int) -> Iterator[str]:
    rows, passes = len(plan.rows), len(plan.passes)
    yield f"{rows:,} {'row' if rows == 1 else 'rows'} of {numbers} numbers; {len(plan.cells):,} cells are computed under encryption"
    if passes:
        most = [f"{agreement.dataset_of(one.dataset).people:,}" for one in question.people.values()]
        yield f"{passes} linkage {'pass' if passes == 1 else 'passes'} over lists of {_join(most)} people at most"


def describe_question(question: Question) -> str:
    """Say whom a question counts, and what it works out, in one sentence."""
    others = [name for name in question.people if name != question.keep]
    if question.keep is None:
        counted = f"people in {_join(list(question.people))}"
    elif question.keep in question.people and others:
        counted = f"people in {question.keep}, found in {_join(others)} or not"
    else:
        counted = f"people of whom this is true: {question.keep}"
    wanted = [
        f"{_WORDS.get(one.operation, one.operation)} {_join(list(one.columns))}" for one in question.measures if one.columns
    ]
    since = question.since
    times = [] if since is None else [f"the time of {since.of} since {since.event}"]
    by = f", by {_join([*times, *question.by])}" if times or question.by else ""
    more = f", and {_join(wanted)}" if wanted else ""
    return f"How many {counted}{more}{by}."


def describe_rules(question: Question, agreement: Agreement) -> list[str]:
    """Say by which rules numbers are hidden, and how the result leaves."""
    profile = profile_of(agreement.disclosure)
    lines = [
        f"counts of 1 to {profile.min_cell - 1} are hidden, and what would give them away (rules {profile.name})"
        if profile.min_cell > 1
        else "no small count is hidden"
    ]
    if agreement.disclosure.gate:
        lines.append("small counts are opened for nobody, the desk included")
    if agreement.min_people:
        lines.append(f"an agency with fewer than {agreement.min_people:,} people in the job refuses")
    release = release_of(question, agreement)
    desk = f"the result leaves by the desk of {agreement.release.desk}, where it is looked at first"
    lines.append(
        desk
        if release == "desk"
        else f"the analyst opens the result; the desk of {agreement.release.desk} hands on what it cannot open"
    )
    return lines


def _describe_group(question: Question, group: str, agreement: Agreement) -> OwnGroup:
    people = question.people[group]
    dataset = agreement.dataset_of(people.dataset)
    served = operations_by_column(
        question,
        group,
        dataset,
        employers=agreement.disclosure.least_employers > 0,
        households=agreement.disclosure.households is not None,
    )
    columns = tuple((name, tuple(sorted(operations)), dataset.columns[name].label or "") for name, operations in served.items())
    return OwnGroup(group, people.dataset, dataset.title, dataset.authority, people.where, columns, dataset.people)


def _write_level(level: object) -> str:
    return "missing" if level is None else str(level).lower() if isinstance(level, bool) else str(level)


def _join(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}" if words else "nobody"
