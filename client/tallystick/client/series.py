"""Lines over periods: a point for each quarter, month or year, and a line for each level of the other column.

A hidden number is a gap in its line and a hatched box below the axis, in a lane of its line; it is never a point at zero.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from tallystick.client.answer import COUNT, Answer, ShownCell
from tallystick.client.canvas import DARK, GREY, LINE, STYLES, build_page, cut_label
from tallystick.core.errors import Invalid

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_PERIOD: Final = re.compile(r"\d{4}([- ]?Q[1-4]|-(0[1-9]|1[0-2]))?", re.ASCII)
_LEAST_PERIODS: Final = 3
_INCHES: Final = 3.6
_LANE: Final = 0.07
"""Height of a lane of hidden numbers, as a part of the plot's."""


def find_periods(answer: Answer) -> int | None:
    """Give which column of levels is of three or more periods, where it is the only one, or one of two; None where none is."""
    if len(answer.by) not in {1, 2}:
        return None
    for place in range(len(answer.by)):
        levels = {row.levels[place] for row in answer.rows}
        if len(levels) >= _LEAST_PERIODS and all(_PERIOD.fullmatch(one) for one in levels):
            return place
    return None


def draw_series(answer: Answer, key: str, place: int) -> Figure:
    """Draw one measure over periods.

    Args:
        answer: the result.
        key: the measure.
        place: of the column of periods among those of levels.

    Raises:
        Invalid: `document-invalid`: more lines than can be told apart.
    """
    from matplotlib.ticker import FuncFormatter

    one = answer.number(key)
    periods = sorted({row.levels[place] for row in answer.rows})
    names = list(
        dict.fromkeys("".join(row.levels[1 - place : 2 - place] if len(row.levels) > 1 else ()) for row in answer.rows)
    )
    if len(names) > len(STYLES):
        raise Invalid(
            "document-invalid", f"a plot has at most {len(STYLES)} lines, not {len(names)}", hint="ask by other columns"
        )
    cells: dict[str, dict[str, ShownCell]] = {name: {} for name in names}
    for row in answer.rows:
        cells[row.levels[1 - place] if len(row.levels) > 1 else ""][row.levels[place]] = row.cells[key]
    everything = [cell for line in cells.values() for cell in line.values()]
    figure = build_page(answer, _INCHES, [cell.hidden for cell in everything])
    axes = figure.add_subplot()
    values = [cell.value for cell in everything if cell.value is not None]
    most = max([*values, 0.01 if one.share else 1.0])
    lane = _LANE * most
    lanes = 0
    for name, (color, marker) in zip(names, STYLES, strict=False):
        line = cells[name]
        shown = [line[period].value if period in line else None for period in periods]
        numbers = [float("nan") if value is None else value for value in shown]
        axes.plot(range(len(periods)), numbers, color=color, marker=marker, lw=1.8, ms=6, label=name or None, zorder=3)
        missing = [at for at, period in enumerate(periods) if period in line and line[period].hidden is not None]
        if missing:
            lanes += 1
            _draw_lane(axes, missing, -lane * lanes, lane, name, color)
        if len(names) == 1:
            for at, period in enumerate(periods):
                if shown[at] is not None:
                    axes.annotate(
                        line[period].text, (at, numbers[at]), (0, 7), textcoords="offset points", ha="center", color=DARK
                    )
    axes.set_ylim(min([0.0, *values]) * 1.1 - lane * (lanes + 0.3 if lanes else 0), most * 1.15)
    axes.set_xlim(-0.5, len(periods) - 0.5)
    axes.set_xticks(range(len(periods)), [cut_label(period, 14) for period in periods])
    axes.axhline(0, color=LINE, lw=1, zorder=1)
    axes.yaxis.set_major_formatter(
        FuncFormatter(lambda y, _: "" if y < 0 and lanes else f"{y:.0%}" if one.share else f"{y:,g}")
    )
    axes.set_xlabel(answer.by[place])
    axes.set_ylabel("people" if key == COUNT else one.heading)
    axes.grid(axis="y", color="#DDDDDD", lw=0.8, zorder=0)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    if names != [""]:
        axes.legend(title=answer.by[1 - place], frameon=False, loc="upper left", bbox_to_anchor=(1.0, 1.0))
    return figure


def _draw_lane(axes: Axes, missing: list[int], low: float, height: float, name: str, color: str) -> None:
    """Draw a line's hidden numbers as hatched boxes below zero."""
    for at in missing:
        axes.bar(at, height * 0.8, bottom=low, width=0.5, color=GREY, edgecolor=color, hatch="////", lw=0.8, zorder=2)
        text = f"hidden{f': {cut_label(name, 12)}' if name else ''}"
        box = {"facecolor": "white", "edgecolor": "none", "pad": 0.8}
        axes.text(
            at, low + height * 0.4, text, ha="center", va="center", fontsize=7, style="italic", color=DARK, bbox=box, zorder=4
        )
