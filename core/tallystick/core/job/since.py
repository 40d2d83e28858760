"""`since`: outcomes at one agency by the time since a person's own event at another.

    since: {event: exits.exit_quarter, of: wages.quarter, periods: [-1, 2, 4, [1, 4]]}

The table has rows for each period, and a column `period`. In period 2 the group of `of` (here wages) is made of the
people who have a row two quarters after the quarter of their event; its columns, counts and derived columns are of those rows. Period
[1, 4] is of the rows of quarters 1 to 4 together. Where the column of `of` is derived (`derive: {first_entry: min(entry_date)}`), the group is
made of the people whose value lies in the period, so that its counts are those of a duration.

Counted are the people of `keep` who have an event, and of whom every period of the job lies within the declared bounds of `of`. They are the
same people in every period, so that nobody looks as if without a row where the other agency holds none. A cell is the sum, over all quarters q
of the event, of [event in q] · (what the other agency says of q + period).

One row a person is the rule for the event, as for any column: of several events a job says which by `derive`, `min` or `max`.

Security: bounds and types are the agreement's, so a plan does not depend on data. Terms of one unit of the calendar have no cells, so a
number of one unit is opened only where a column of `by` tells units apart, as a cell that is tested like any.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from tallystick.core.agreement.model import Agreement, Column
from tallystick.core.errors import Invalid, TallyError
from tallystick.core.job.bins import Range
from tallystick.core.job.columns import columns_of, split
from tallystick.core.job.filters import filter_of
from tallystick.core.job.model import SYSTEMS, Question, Since
from tallystick.core.job.population import Population, population_of
from tallystick.core.values.periods import UNITS, Unit, find_start, find_unit, parse_period, unit_of_type, write_period

PERIOD: Final = "period"
"""The column of a table that says how long after the event its row is."""
MAX_CALENDAR: Final = 400
"""Units of the calendar in which events may lie: a year of days, a hundred years of quarters."""


@dataclass(frozen=True)
class Period:
    """A time since the event.

    Attributes:
        label: what the table's rows say: 2; or, where a period of the job is of several units, `2` and `1 to 4`.
        low, high: from and to how many units after the event.
    """

    label: int | str
    low: int
    high: int


@dataclass(frozen=True)
class FollowUp:
    """What `since` asks, with what the agreement declares.

    Attributes:
        event, of: references.
        unit: of periods.
        kinds: the unit of the event's values, and of those of `of`.
        by_rows: whether a period takes a person's rows; of a derived `of` it takes people by their one value.
        periods: in the order of the job file.
        first, last: the units in which events are counted.
    """

    event: str
    of: str
    unit: Unit
    kinds: tuple[Unit, Unit]
    by_rows: bool
    periods: tuple[Period, ...]
    first: int
    last: int

    @property
    def events(self) -> Range:
        """The values of the event of those who are counted."""
        return Range(self._start(self.first, 0), self._start(self.last + 1, 0))

    @property
    def calendar(self) -> range:
        """The units in which events are counted."""
        return range(self.first, self.last + 1)

    def event_in(self, unit: int) -> Range:
        """Give the values of an event in a unit of the calendar."""
        return Range(self._start(unit, 0), self._start(unit + 1, 0))

    def window(self, unit: int, period: Period) -> Range:
        """Give the values of `of` in a period after an event in a unit."""
        return Range(self._start(unit + period.low, 1), self._start(unit + period.high + 1, 1))

    def period(self, label: object) -> Period:
        """Give a period by what rows say."""
        return next(one for one in self.periods if one.label == label)

    @property
    def heading(self) -> str:
        """What the column of periods is, for people."""
        return f"{self.unit}s since {self.event}"

    @property
    def counted(self) -> str:
        """Say of which events people are counted."""
        first, last = (write_period(number, self.unit) for number in (self.first, self.last))
        when = first if first == last else f"from {first} to {last}"
        return f"people whose {self.event} is {when}: of these {self.of} is held in every period"

    def _start(self, unit: int, which: int) -> int:
        return find_start(unit, self.unit, self.kinds[which])


def find_follow_up(question: Question, agreement: Agreement) -> FollowUp | None:
    """Give what a question's `since` asks; None where it has none.

    Raises:
        Invalid: `job-invalid`: a column that is no time or has no bounds, periods that make no sense, or in which nobody can be followed.
    """
    since = question.since
    if since is None:
        return None
    if split(since.event)[0] == split(since.of)[0]:
        raise _fault(
            f"event and of are both of {split(since.event)[0]}", "make two groups of the dataset, and name the event's in event"
        )
    columns = [_find_column(reference, word, question, agreement) for reference, word in _words(since)]
    kinds = tuple(_check_kind(column, *word) for column, word in zip(columns, _words(since), strict=True))
    event, of = kinds
    longer: Unit = max(event, of, key=UNITS.index)
    unit: Unit = since.unit if since.unit is not None else longer
    if UNITS.index(unit) < UNITS.index(longer):
        raise _fault(f"{longer}s cannot be counted in {unit}s", f"unit: {longer}")
    periods = tuple(_periods(since))
    for one, other in pairwise(sorted(periods, key=lambda period: period.low)):
        if other.low <= one.high:  # what one of them has beside the other would follow, untested
            raise _fault(f"the periods {one.label} and {other.label} overlap", "ask for periods that have no unit in common")
    first, last = _find_events(columns, (event, of), unit, periods, since)
    group, name = split(since.of)
    derived = {name in question.people[part].derive for part in question.parts_of(group)}
    if len(derived) > 1:
        raise _fault(f"{since.of} is derived in some of its groups and not in others", "derive it in all of them, or in none")
    return FollowUp(since.event, since.of, unit, (event, of), derived == {False}, periods, first, last)


def find_since_problems(question: Question, agreement: Agreement, groups: Collection[str]) -> Iterator[TallyError]:
    """Give every reason why a question's `since` does not go with the rest of it.

    Args:
        question: what is asked.
        agreement: that shall allow it.
        groups: those against whose people nothing stands: what is wrong with others is told already.
    """
    since = question.since
    if since is None or any(split(one)[0] in set(question.groups) - set(groups) for one in (since.event, since.of)):
        return
    try:
        find_follow_up(question, agreement)
    except Invalid as error:
        yield error
        return
    try:
        population = population_of(question)
    except Invalid:
        return  # told of keep already
    yield from _of_population(since, question, population)
    group, name = split(since.of)
    for part in question.parts_of(group):
        people = question.people[part]
        if people.where is None or people.dataset not in agreement.datasets:
            continue
        try:
            where = filter_of(people, agreement.dataset_of(people.dataset))
        except Invalid:
            continue  # told of the group already
        by_rows = name not in people.derive
        tested = where.rows if by_rows else where.people
        if by_rows and where.people is not None:
            yield _fault(
                f"people.{part}.where tests {', '.join(sorted(where.people.columns))} of all of a person's rows, and periods take some of them",
                f"leave that test out of where, or derive {name} too: then periods take people by one value",
            )
        elif tested is not None and name in tested.columns:
            yield _fault(
                f"people.{part}.where leaves out some of {since.of}, where everybody would look as if without a row",
                f"leave {name} out of where: the periods say which rows are taken",
            )


def _of_population(since: Since, question: Question, population: Population) -> Iterator[TallyError]:
    event, of = split(since.event)[0], split(since.of)[0]
    if population.may_lack(event):
        yield _fault(
            f"keep counts people who are not in {event}, so have no event",
            f"keep: {event}" if event in question.groups else f"count people of {event} alone",
        )
    if SYSTEMS in question.by:
        yield _fault(f"{SYSTEMS} in by does not say since when", f"use by: [{of}.present]")


def _words(since: Since) -> tuple[tuple[str, str], tuple[str, str]]:
    return (since.event, "event"), (since.of, "of")


def _find_column(reference: str, word: str, question: Question, agreement: Agreement) -> Column:
    group, name = split(reference)
    if group not in question.groups:
        raise _fault(f"{word}: people has no group {group}", f"it has: {', '.join(question.groups)}")
    columns = columns_of(question, group, agreement)
    if name not in columns:
        times = [known for known, column in sorted(columns.items()) if unit_of_type(column.type) is not None]
        raise _fault(
            f"{word}: {group} has no column {name}", f"its dates, months and quarters: {', '.join(times) or 'it has none'}"
        )
    return columns[name]


def _check_kind(column: Column, reference: str, word: str) -> Unit:
    unit = unit_of_type(column.type)
    if unit is None:
        raise _fault(f"{word}: {reference} is of type {column.type}", "name a date, month or quarter column")
    if column.min is None:
        raise _fault(
            f"{word}: {reference} has no declared min and max, so what is held is not known",
            f"let its agency declare min and max for {reference}, or for what it is derived from, in the agreement's dataset",
        )
    return unit


def _periods(since: Since) -> Iterator[Period]:
    """Give the periods; their labels are all numbers or all text, so that a column of them has one type."""
    numbers = all(isinstance(one, int) for one in since.periods)
    for one in since.periods:
        if isinstance(one, int):
            yield Period(one if numbers else str(one), one, one)
        elif one[0] >= one[1]:
            raise _fault(f"the period [{one[0]}, {one[1]}] does not run from earlier to later", "[1, 4] is of 1 to 4 together")
        else:
            yield Period(f"{one[0]} to {one[1]}", *one)


def _find_events(
    columns: list[Column], kinds: tuple[Unit, Unit], unit: Unit, periods: tuple[Period, ...], since: Since
) -> tuple[int, int]:
    """Give the first and the last unit of events of which every period is held whole."""
    (first_event, last_event), (first_of, last_of) = (
        (parse_period(str(column.min), kind), parse_period(str(column.max), kind))
        for column, kind in zip(columns, kinds, strict=True)
    )
    held_from, held_to = find_unit(first_of, kinds[1], unit), find_unit(last_of, kinds[1], unit)
    held_from += find_start(held_from, unit, kinds[1]) < first_of  # units that bounds cut are not held whole
    held_to -= find_start(held_to + 1, unit, kinds[1]) - 1 > last_of
    begin, end = find_unit(first_event, kinds[0], unit), find_unit(last_event, kinds[0], unit)
    first = max(begin, held_from - min(one.low for one in periods))
    last = min(end, held_to - max(one.high for one in periods))
    if first > last:
        bounds = ", ".join(
            f"{reference} from {column.min} to {column.max}"
            for reference, column in zip((since.event, since.of), columns, strict=True)
        )
        raise _fault(
            f"of nobody every period is within what is held: {bounds}",
            "ask for fewer or nearer periods, each for itself if need be, or let the agency declare what it holds",
        )
    if last - first >= MAX_CALENDAR:
        raise _fault(
            f"events lie in {last - first + 1} {unit}s; {MAX_CALENDAR} are allowed",
            "count in longer units (unit: month), or let the agency declare closer bounds"
            if unit != "quarter"
            else "let the agency declare closer bounds",
        )
    return first, last


def _fault(message: str, hint: str) -> Invalid:
    return Invalid("job-invalid", f"since: {message}", hint=hint)
