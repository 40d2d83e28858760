"""Rows by the time since an event, in the clear: made-up people with a history of rows, and what a question's answer is.

The oracle is written from the meaning of `since` alone, with pandas' periods and without the planner: for each period it takes who has rows
in it, and asks the oracle of tables (`tests/oracle.py`) about them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd

from tallystick.core.agreement.model import Agreement, Column
from tallystick.core.job.bins import Range
from tallystick.core.job.model import Question
from tallystick.core.statistics.columns import AgencyList, GroupMembers, PersonColumn
from tallystick.core.statistics.plan import Plan
from tests.oracle import expected_rows_of

FREQUENCIES: Final = {"date": "D", "month": "M", "quarter": "Q"}
BY_UNIT: Final = {"day": "D", "month": "M", "quarter": "Q"}
EPOCH: Final = pd.Period("1970-01-01", "D")

Row = dict[str, Any]
"""One row of a person; times are pandas' periods, or None."""


@dataclass(frozen=True)
class Case:
    """A question and everybody's records.

    Attributes:
        question: with a `since`.
        agreement: what allows it.
        people: of everybody, by group, the person's rows there: one of a group that is not followed.
    """

    question: Question
    agreement: Agreement
    people: Sequence[Mapping[str, Sequence[Row]]]


def declared(case: Case, reference: str) -> Column:
    """Give the declaration of a column that is not derived; of `min` and `max`, that of what it is derived from."""
    group, name = reference.split(".")
    part = (case.question.stacked or {}).get(group, (group,))[0]
    people = case.question.people[part]
    columns = case.agreement.datasets[people.dataset].columns
    made = people.derive.get(name)
    return columns[name if made is None else made.split("(")[1].rstrip(")")]


def period_of(text: object, kind: str) -> pd.Period:
    """Give a time as a declaration writes it."""
    return pd.Period(str(text).replace("-Q", "Q"), FREQUENCIES[kind])


def number_of(time: pd.Period) -> int:
    """Give the number that a node has for a time."""
    if time.freqstr == "D":
        return int((time - EPOCH).n)
    return int(time.year * 12 + time.month - 1 if time.freqstr == "M" else time.year * 4 + time.quarter - 1)


def expected_periods(case: Case) -> list[dict[str, Any]]:
    """Give the rows that a job must release before any disclosure rule."""
    since = case.question.since
    assert since is not None
    event_group, event = since.event.split(".")
    of_group, of = since.of.split(".")
    of_parts = (case.question.stacked or {}).get(of_group, (of_group,))
    column, kind = declared(case, since.of), declared(case, since.event).type
    low, high = (period_of(bound, column.type) for bound in (column.min, column.max))
    longer = max((FREQUENCIES[column.type], FREQUENCIES[kind]), key=lambda frequency: "DMQ".index(frequency))
    unit = longer if since.unit is None else BY_UNIT[since.unit]
    rows = []
    shifts = [(one, one) if isinstance(one, int) else one for one in since.periods]
    for start, end in shifts:
        frames: dict[str, list[Row]] = {group: [] for group in case.question.people}
        everybody: list[dict[str, int]] = []
        for person in case.people:
            spoken = next((p for p in (case.question.stacked or {}).get(event_group, (event_group,)) if p in person), None)
            when: Any = None if spoken is None else person[spoken][0][event]
            whole = when is not None and all(
                low.start_time <= (when.asfreq(unit) + one).start_time and (when.asfreq(unit) + other).end_time <= high.end_time
                for one, other in shifts
            )
            places: dict[str, int] = {}
            for group, own in person.items():
                kept = list(own)
                if group in of_parts:
                    there = [
                        row
                        for row in own
                        if whole and row[of] is not None and start <= (row[of].asfreq(unit) - when.asfreq(unit)).n <= end
                    ]
                    if not there:
                        continue
                    kept = [_sum_up(case, group, there)]
                if group != spoken or whole:
                    places[group] = len(frames[group])
                    frames[group] += kept
            if whole:
                everybody.append(places)
        tables = {group: pd.DataFrame(own, columns=_names(case, group), dtype=object) for group, own in frames.items()}
        bare = case.question.model_copy(update={"since": None})
        text = any(not isinstance(one, int) for one in since.periods)
        label = f"{start} to {end}" if start != end else str(start) if text else start
        rows += [{"period": label, **row} for row in expected_rows_of(bare, case.agreement, tables, everybody)]
    return rows


def _names(case: Case, group: str) -> list[str]:
    people = case.question.people[group]
    return [*case.agreement.datasets[people.dataset].columns, *people.derive]


def _sum_up(case: Case, group: str, rows: Sequence[Row]) -> Row:
    """Give one row of several: what all say alike, and what is derived of them."""
    made: Row = dict(rows[0])
    for name, text in case.question.people[group].derive.items():
        function, source = text.rstrip(")").split("(")
        if source == "*":
            made[name] = len(rows)
        elif name not in rows[0]:  # derived of a person's rows of the period
            known = [row[source] for row in rows if row[source] is not None]
            of: dict[str, Any] = {"sum": sum, "max": max, "min": min}
            made[name] = of[function](known) if known else None
    return made


def list_of(case: Case, agency: str, made: Plan, places: Any) -> tuple[AgencyList, Any]:
    """Give an agency's list as its node would, and the slots of its people.

    Args:
        case: what is asked, and of whom.
        agency: whose list.
        made: the job's plan, which says of what parts of the calendar columns are.
        places: by person, the slot.
    """
    groups = [group for group, one in case.question.people.items() if one.agency == agency]
    inside = [at for at, person in enumerate(case.people) if person.keys() & set(groups)]
    members = {}
    for group in groups:
        where = [at for at, person in enumerate(inside) if group in case.people[person]]
        own = [case.people[inside[at]][group] for at in where]
        windows = {
            factor.at
            for column in [*dict(made.columns)[agency], *(one.column for cell in made.cells for _, one in cell.own)]
            for name, factor in column
            if name == group and factor.at is not None
        }
        at = {window: _within(case, group, own, where, window, made) for window in windows}
        members[group] = GroupMembers(_columns(case, group, [rows[0] for rows in own]), np.array(where, dtype=np.int64), at)
    return AgencyList(len(inside), members), places[inside]


def _within(
    case: Case, group: str, own: Sequence[Sequence[Row]], where: Sequence[int], window: Range, made: Plan
) -> GroupMembers:
    assert made.follow is not None
    assert window.low is not None
    assert window.high is not None
    name = made.follow.of.split(".")[1]
    found, rows = [], []
    for at, history in zip(where, own, strict=True):
        there = [row for row in history if row[name] is not None and window.low <= number_of(row[name]) < window.high]
        if there:
            found.append(at)
            rows.append(_sum_up(case, group, there))
    return GroupMembers(_columns(case, group, rows), np.array(found, dtype=np.int64))


def _columns(case: Case, group: str, rows: Sequence[Row]) -> dict[str, PersonColumn]:
    made = {"#usable": PersonColumn(np.ones(len(rows), dtype=np.int64), np.zeros(len(rows), dtype=np.bool_))}
    declared_columns = case.agreement.datasets[case.question.people[group].dataset].columns
    for name in _names(case, group):
        cells = [row.get(name) for row in rows]
        column = declared_columns.get(name)
        levels = None if column is None else column.values
        missing = np.array([cell is None for cell in cells], dtype=np.bool_)
        coded = [
            7
            if cell is None
            else levels.index(cell)
            if levels
            else number_of(cell)
            if isinstance(cell, pd.Period)
            else int(cell * 10 ** ((column.scale if column is not None else 0) or 0))
            for cell in cells
        ]
        made[name] = PersonColumn(np.array(coded, dtype=np.int64), missing, levels)
    return made
