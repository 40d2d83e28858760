"""Which charts a result has: bars of each number that was asked for, and of what share of each group was found."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from tallystick.client.annex.charts import Axis, Bar, build_axis
from tallystick.client.answer import COUNT, NOBODY, Answer, Number, ShownCell
from tallystick.client.shares import PRESENT, find_shares

MOST_BARS: Final = 32
"""Of one chart: as many as fit on a printed page; the table has more."""
MOST_GROUPS: Final = 16
MOST_CHARTS: Final = 4


@dataclass(frozen=True)
class Chart:
    """A chart: an id, its title, its bars and their axis."""

    name: str
    title: str
    bars: tuple[Bar, ...]
    axis: Axis


def list_charts(answer: Answer) -> list[Chart]:
    """Give a result's charts, the shares that were found first; none for a single row, and none that hides everything."""
    charts = [*_share_chart(answer), *_number_charts(answer)]
    return charts[:MOST_CHARTS]


def _share_chart(answer: Answer) -> Iterator[Chart]:
    shares = find_shares(answer)
    if shares is None or not shares.by or not any(one.cell.value is not None for one in shares.rows):
        return
    told = (*shares.rows, *shares.overall)
    if not 1 < len(shares.rows) <= MOST_BARS:
        return
    grouped = len(shares.by) > 1 and not shares.reported
    bars = [
        _build_bar(_name_group(answer, one.levels), one.levels[-1], one.cell)
        if grouped
        else _build_bar("", ", ".join(one.levels), one.cell)
        for one in told
    ]
    title = f"Share of {shares.of} found in {shares.found}, by {' and '.join(shares.by)}, with 95% intervals"
    yield Chart("shares", title, tuple(bars), build_axis(bars, percent=True, least=0.01))


def _number_charts(answer: Answer) -> Iterator[Chart]:
    """Give a chart of each number that was asked for, the count last: it says how many people the others are of.

    Where shares by presence are drawn, they say the counts, and the other numbers are of those who are in the group.
    """
    shares = find_shares(answer)
    derived = shares is not None and not shares.reported
    by, rows = (answer.by, [(row.levels, row.cells) for row in answer.rows]) if not derived else _keep_present(answer)
    groups = Counter(levels[:-1] for levels, _ in rows)
    if not by or len(rows) < 2 or len(groups) > MOST_GROUPS or max(groups.values()) > MOST_BARS:
        return
    asked = [one for one in answer.asked if one.key != COUNT]
    asked += [one for one in answer.asked if one.key == COUNT and not derived]
    for place, one in enumerate(asked):
        bars = [_build_bar(_name_group(answer, levels), levels[-1], cells[one.key]) for levels, cells in rows]
        if all(bar.value is None for bar in bars):
            continue
        heading = "People" if one.key == COUNT else f"{one.heading[:1].upper()}{one.heading[1:]}"
        yield Chart(f"number-{place}", f"{heading}, by {' and '.join(by)}", tuple(bars), _number_axis(bars, one))


def _keep_present(answer: Answer) -> tuple[tuple[str, ...], list[tuple[tuple[str, ...], Mapping[str, ShownCell]]]]:
    """Give the columns and rows of those who are in the group that the rows tell of."""
    place = next(at for at, name in enumerate(answer.by) if name.endswith(PRESENT))
    rows = [((*row.levels[:place], *row.levels[place + 1 :]), row.cells) for row in answer.rows if row.levels[place] == "true"]
    return (*answer.by[:place], *answer.by[place + 1 :]), rows


def _name_group(answer: Answer, levels: tuple[str, ...]) -> str:
    """Name a group of bars by the levels before the last; a period by what it is of."""
    if answer.follow is None or len(levels) < 2:
        return ", ".join(levels[:-1])
    return ", ".join([f"{levels[0]} {answer.follow.heading}", *levels[1:-1]])


def _build_bar(group: str, name: str, cell: ShownCell) -> Bar:
    if cell.value is None:
        text = "nobody" if cell.text == NOBODY else cell.text
        return Bar(name, None, 0.0, 0.0, text, hidden=cell.hidden is not None, group=group)
    low, high = cell.interval or (cell.value, cell.value)
    return Bar(name, cell.value, low, high, cell.text, group=group)


def _number_axis(bars: list[Bar], one: Number) -> Axis:
    return build_axis(bars, percent=one.share, least=0.01 if one.share else 4.0 if one.key == COUNT else 0.0)
