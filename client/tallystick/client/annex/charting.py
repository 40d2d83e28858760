"""Which charts a result has: bars of each number that was asked for, and of what share of each group was found."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from tallystick.client.annex.charts import Axis, Bar, build_axis
from tallystick.client.answer import COUNT, NOBODY, Answer, Number, ShownCell
from tallystick.client.sentences import two_groups
from tallystick.client.words import count, level

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
    rates = answer.value["linkage"].get("rates") or {}
    groups, both = rates.get("groups") or [], two_groups(answer)
    if both is None or not 1 < len(groups) <= MOST_BARS or not any(one["rate"] for one in groups):
        return
    bars = [_share_bar(", ".join(level(one[name]) for name in rates["by"]), one) for one in groups]
    overall = (rates.get("overall") or {}).get(both[0])
    if overall is not None:
        bars.append(Bar("(all)", overall["value"], overall["low"], overall["high"], f"{overall['value']:.1%}"))
    title = f"Share of {both[0]} found in {both[1]}, by {', '.join(rates['by'])}, with 95% intervals"
    yield Chart("shares", title, tuple(bars), build_axis(bars, percent=True, least=0.01))


def _share_bar(name: str, one: dict[str, Any]) -> Bar:
    rate = one["rate"]
    if rate is None:
        nobody = one["people"] == 0
        return Bar(name, None, 0.0, 0.0, "nobody" if nobody else "hidden", hidden=not nobody)
    text = f"{rate['value']:.1%} ({count(one['matched'])} of {count(one['people'])})"
    return Bar(name, rate["value"], rate["low"], rate["high"], text)


def _number_charts(answer: Answer) -> Iterator[Chart]:
    """Give a chart of each number that was asked for, the count last: it says how many people the others are of."""
    groups = Counter(row.levels[:-1] for row in answer.rows)
    if not answer.by or len(answer.rows) < 2 or len(groups) > MOST_GROUPS or max(groups.values()) > MOST_BARS:
        return
    asked = [one for one in answer.asked if one.key != COUNT] + [one for one in answer.asked if one.key == COUNT]
    for place, one in enumerate(asked):
        bars = [_number_bar(row.levels, row.cells[one.key]) for row in answer.rows]
        if all(bar.value is None for bar in bars):
            continue
        heading = "People" if one.key == COUNT else f"{one.heading[:1].upper()}{one.heading[1:]}"
        yield Chart(f"number-{place}", f"{heading}, by {' and '.join(answer.by)}", tuple(bars), _number_axis(bars, one))


def _number_bar(levels: tuple[str, ...], cell: ShownCell) -> Bar:
    group, name = ", ".join(levels[:-1]), levels[-1]
    if cell.value is None:
        text = "nobody" if cell.text == NOBODY else cell.text
        return Bar(name, None, 0.0, 0.0, text, hidden=cell.hidden is not None, group=group)
    return Bar(name, cell.value, cell.value, cell.value, cell.text, group=group)


def _number_axis(bars: list[Bar], one: Number) -> Axis:
    return build_axis(bars, percent=one.share, least=0.01 if one.share else 4.0 if one.key == COUNT else 0.0)
