"""A released result as people read it: every cell as text and as a number, with why it is hidden, and what its columns are.

Tables, exports, plots and the paragraph on method are made of this and of nothing else. Labels and units come from the agreement that
the result carries. Nothing is computed from what is hidden, and a hidden cell is never a number here, zero included.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from tallystick.client.measured import by_columns, measures_of
from tallystick.client.noisy import find_noise, write_noisy
from tallystick.client.words import level_columns, row_level
from tallystick.core.agreement.model import Agreement, Column
from tallystick.core.canonical import canonical_bytes
from tallystick.core.documents import SignedDocument, decode_document
from tallystick.core.errors import TallyError
from tallystick.core.job.columns import columns_of, derivations_of, find_valued, split
from tallystick.core.job.model import Job, Question
from tallystick.core.job.since import PERIOD, FollowUp, find_follow_up
from tallystick.core.measure import Asked
from tallystick.core.released import Released

COUNT: Final = "count"
REASONS: Final[dict[str, tuple[str, str]]] = {
    "small-cell": ("", "of too few people"),
    "complementary": (" c", "from which others could be worked out"),
    "small-or-beside": ("", "of too few people, or opened for nobody beside such"),
    "group": (" g", "never tested: too few people in a group that it is part of"),
    "dominance": (" m", "of which one or two people may make up most, by the declared bounds"),
    "coding": (" s", "which tell a share of people that is nearly none or nearly all"),
    "few-employers": (" e", "whose people have too few employers"),
    "few-households": (" h", "whose people are of too few households"),
    "difference": (" d", "which would say too much beside earlier results"),
}
"""Why a cell is hidden: what stands behind the word `hidden` in a table, and what it means."""
_OF_LINKAGE: Final[dict[str, str]] = {
    "small-or-beside": "of too few people, or few are left of it beside other numbers",
    "untested": "not tested: rows or values that it would bound are hidden, or the job does not count what it would be held against",
}
_OTHER: Final = (" *", "by a rule of the agreement")
_PRESENT: Final = ".present"
ALL: Final = "(all)"
"""Stands for the levels of a column that a total is over."""
NOBODY: Final = "-"
"""A number of nobody, which cannot be worked out."""


@dataclass(frozen=True)
class ShownCell:
    """One number of a row.

    Attributes:
        text: as it stands in a table.
        value: the number; None where it is hidden or cannot be worked out.
        hidden: why it is hidden, in the disclosure rules' word; None where it is not.
        interval: of 95 %, where the measure has one.
        detail: what else the measure tells, by name: a curve, coefficients, bands; nothing of a hidden number.
    """

    text: str
    value: int | float | None
    hidden: str | None = None
    interval: tuple[float, float] | None = None
    detail: Mapping[str, Any] = field(default_factory=dict, hash=False)


@dataclass(frozen=True)
class Number:
    """A column of numbers.

    Attributes:
        key: its name in the result: `mean(wages.earnings)`.
        heading: its name for people, with its unit.
        asked: the measure; None for a count that stands beside one.
        unit: of the column that it is over, or "".
        share: whether it is a share of people: of a boolean column or a condition.
    """

    key: str
    heading: str
    asked: Asked | None
    unit: str = ""
    share: bool = False


@dataclass(frozen=True)
class AnswerRow:
    """One row: a level for each column of levels, as text, and a cell for each column of numbers, by its key."""

    levels: tuple[str, ...]
    cells: Mapping[str, ShownCell]


@dataclass(frozen=True)
class Answer:
    """A whole result.

    Attributes:
        job: what was asked, and under which agreement.
        agreement: what allowed it.
        value: the result as programs read it (`client/results.py`).
        by: names of the columns of levels, for people.
        numbers: columns of numbers, in order.
        rows: in the result's order.
        follow: what periods the rows are of, and since what; None where they are of none.
        totals: sums of rows that the job asked for: levels as text, `ALL` where a column is summed over, and how many people.
    """

    job: Job
    agreement: Agreement
    value: Mapping[str, Any]
    by: tuple[str, ...]
    numbers: tuple[Number, ...]
    rows: tuple[AnswerRow, ...]
    follow: FollowUp | None = None
    totals: Mapping[tuple[str, ...], ShownCell] = field(default_factory=dict)

    @property
    def question(self) -> Question:
        """What was asked."""
        return self.job.question

    @property
    def title(self) -> str:
        """Its title, or the first measures and columns."""
        return self.question.title or "A question across agencies"

    @property
    def hidden(self) -> dict[str, int]:
        """In how many rows something is hidden, by reason."""
        found: dict[str, int] = {}
        for row in self.rows:
            for reason in dict.fromkeys(cell.hidden for cell in row.cells.values() if cell.hidden is not None):
                found[reason] = found.get(reason, 0) + 1
        order = list(REASONS)
        return dict(sorted(found.items(), key=lambda one: order.index(one[0]) if one[0] in order else len(order)))

    def number(self, key: str) -> Number:
        """Give a column of numbers by its key; a `KeyError` where there is none."""
        return next(one for one in self.numbers if one.key == key) if key in self.keys else _missing(key)

    @property
    def keys(self) -> list[str]:
        """The keys of the columns of numbers."""
        return [one.key for one in self.numbers]

    @property
    def asked(self) -> list[Number]:
        """The columns of numbers that were asked for, the count among them always: without the counts that stand beside measures."""
        return [one for one in self.numbers if one.key == COUNT or one.asked is not None]


def build_answer(document: SignedDocument, value: Mapping[str, Any]) -> Answer:
    """Give a result as people read it. Nothing is verified.

    Args:
        document: what the desk signed.
        value: the same as `client/results.py` shows it.

    Raises:
        Invalid: `document-invalid`: the job or the agreement that it carries cannot be read; `job-invalid`: its `since` makes no sense.
    """
    released = document.read(Released)
    job = decode_document(canonical_bytes(released.document), kind="job").read(Job)
    agreement = decode_document(canonical_bytes(released.agreement), kind="agreement").read(Agreement)
    found = by_columns(value["columns"])
    shown = level_columns(found)
    keys = [key for key in value["columns"][len(found) :] if key != "suppressed"]
    measures = measures_of(job.question.json_value())
    numbers = tuple(_number(key, measures.get(key), job.question, agreement) for key in keys)
    scales = {one.key: _scale(one, job.question, agreement) for one in numbers}
    noisy = find_noise(value) is not None
    rows = tuple(
        AnswerRow(
            tuple(row_level(row, name) for name in shown),
            {one.key: _cell(row, one, scales[one.key], measures, noisy=noisy) for one in numbers},
        )
        for row in value["rows"]
    )
    follow = find_follow_up(job.question, agreement)
    headings = tuple(
        follow.heading if follow is not None and name == PERIOD else _heading_of_levels(name, job.question, agreement)
        for name in shown
    )
    totals = dict(_total(total, shown) for total in value.get("totals") or ())
    return Answer(job, agreement, value, headings, numbers, rows, follow, totals)


def _total(total: Mapping[str, Any], shown: Sequence[str]) -> tuple[tuple[str, ...], ShownCell]:
    """Give a total's levels and its number of people; a hidden one says no more than that it is."""
    levels = tuple(ALL if name in total["over"] else row_level(total, name) for name in shown)
    count = total["count"]
    return levels, ShownCell("hidden", None, "total") if count is None else ShownCell(f"{count:,}", count)


def find_declaration(reference: str, question: Question, agreement: Agreement) -> Column | None:
    """Give the declaration of `group.column`, also of a derived one; None where the agreement does not say."""
    group, name = split(reference)
    try:
        return columns_of(question, group, agreement).get(name)
    except TallyError:
        return None


def source_of(reference: str, question: Question, agreement: Agreement) -> Column | None:
    """Give the declaration of the column whose values `group.column` has, also derived: its label and unit are what they mean."""
    group, name = split(reference)
    people = question.people.get(group)
    dataset = agreement.datasets.get(people.dataset) if people is not None else None
    if people is None or dataset is None:
        return None
    try:
        source = find_valued(name, derivations_of(people))
    except TallyError:
        return None
    return None if source is None else dataset.columns.get(source)


def _missing(key: str) -> Number:
    raise KeyError(key)


def _heading_of_levels(name: str, question: Question, agreement: Agreement) -> str:
    column = None if name.endswith(_PRESENT) else source_of(name, question, agreement)
    return name if column is None or column.label is None else column.label


def _number(key: str, asked: Asked | None, question: Question, agreement: Agreement) -> Number:
    if asked is None or len(asked.columns) != 1:
        return Number(key, key, asked)
    reference = asked.columns[0]
    column, made = source_of(reference, question, agreement), find_declaration(reference, question, agreement)
    unit = "" if column is None or column.unit is None else column.unit
    share = asked.name == "share" or (asked.name == "mean" and made is not None and made.type == "boolean")
    name = reference if column is None or column.label is None else column.label
    heading = f"share with {name}" if share else f"{asked.name}({name})"
    return Number(key, heading + (f", {_write_unit(unit, asked)}" if unit else ""), asked, unit, share)


def _write_unit(unit: str, asked: Asked) -> str:
    return f"{unit} squared" if asked.name == "variance" else unit


def _scale(one: Number, question: Question, agreement: Agreement) -> int | None:
    """Give the digits after the point that a number of this column has; None for as many as its measure says."""
    if one.asked is None or len(one.asked.columns) != 1:
        return None
    column = find_declaration(one.asked.columns[0], question, agreement)
    return None if column is None or column.type != "decimal" else column.scale


def _cell(
    row: Mapping[str, Any], one: Number, scale: int | None, measures: Mapping[str, Asked], *, noisy: bool = False
) -> ShownCell:
    if row[COUNT] is None or one.key in row.get("hidden", ()):
        why = str(row.get("suppressed") or "rule")
        return ShownCell(f"hidden{REASONS.get(why, _OTHER)[0]}", None, why)
    value = row.get(one.key)
    if value is None:
        return ShownCell(str(row.get("undefined", {}).get(one.key, "")) or NOBODY, None)
    if one.key in row.get("coded", {}):
        return ShownCell(f"{row['coded'][one.key]} {value:.0%}", value)
    detail = row.get("details", {}).get(one.key)
    low, high = (detail or {}).get("low"), (detail or {}).get("high")
    interval = (low, high) if isinstance(low, (int, float)) and isinstance(high, (int, float)) else None
    if noisy:
        digits = scale if scale is not None else one.asked.measure.decimals if one.asked is not None else 2
        return ShownCell(write_noisy(value, detail or {}, share=one.share, digits=digits), value, None, interval, detail or {})
    if detail and one.asked is not None:
        whole = (
            one.asked.measure.format_value(value) if _has_records(detail) else one.asked.measure.format_detail(value, detail)
        )
        return ShownCell(whole, value, interval=interval, detail=detail)
    if one.share and isinstance(value, (int, float)):
        people = row.get(measures[one.key].rests_on.label)
        parts = f" ({round(value * people):,} of {people:,})" if isinstance(people, int) else ""
        return ShownCell(f"{value:.1%}{parts}", value)
    if isinstance(value, float):
        digits = scale if scale is not None else one.asked.measure.decimals if one.asked is not None else 2
        return ShownCell(f"{value:,.{digits}f}", value)
    return ShownCell(f"{value:,}" if isinstance(value, int) else str(value), value)


def _has_records(detail: Mapping[str, Any]) -> bool:
    """Tell whether a measure tells more than stands in a cell: lists or mappings of records, which have tables (`detailed.py`)."""
    return any(isinstance(one, list | tuple | Mapping) for one in detail.values())


def meaning_of(reason: str, least: int) -> str:
    """Say why cells are hidden.

    Args:
        reason: in the disclosure rules' word.
        least: the smallest count that is shown.
    """
    if reason == "small-cell" and least > 1:
        return f"of 1 to {least - 1} people"
    return REASONS.get(reason, _OTHER)[1]


def describe_linkage_reason(reason: str) -> str:
    """Say why numbers of the linkage report are hidden, in a job whose small cells nobody opens."""
    return _OF_LINKAGE.get(reason, _OTHER[1])
