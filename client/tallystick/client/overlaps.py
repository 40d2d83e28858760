"""An UpSet plot (Lex et al. 2014): which groups people are in together, as a line of dots, and how many, as a bar beside it.

It is drawn where the rows of a result are parted by nothing but whether people are in groups: `by: [wages.present, hmis.present]`.
A hidden number is a hatched strip.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tallystick.client.answer import COUNT, Answer
from tallystick.client.canvas import BLUE, DARK, build_page, draw_missing
from tallystick.core.errors import Invalid

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_PRESENT: Final = ".present"
_INCH_A_LINE: Final = 0.42
_MOST_LINES: Final = 32
_EMPTY: Final = "#CCCCCC"


def find_groups(answer: Answer) -> list[str] | None:
    """Give the groups whose presence parts the rows, two or more; None where anything else parts them."""
    by = list(answer.by)
    return [name.removesuffix(_PRESENT) for name in by] if len(by) > 1 and all(name.endswith(_PRESENT) for name in by) else None


def draw_overlaps(answer: Answer, key: str, groups: list[str]) -> Figure:
    """Draw one measure by the groups that people are in.

    Args:
        answer: the result.
        key: the measure.
        groups: as `find_groups` gives them.

    Raises:
        Invalid: `document-invalid`: more rows than a plot shows.
    """
    rows = sorted(answer.rows, key=lambda row: -1.0 if (value := row.cells[key].value) is None else float(value), reverse=True)
    if not rows or len(rows) > _MOST_LINES:
        raise Invalid(
            "document-invalid", f"a plot of overlaps has 1 to {_MOST_LINES} rows, not {len(rows)}", hint="ask by fewer"
        )
    from matplotlib.ticker import FuncFormatter

    figure = build_page(answer, _INCH_A_LINE * len(rows) + 0.5, [row.cells[key].hidden for row in rows])
    dots, bars = figure.subplots(1, 2, sharey=True, width_ratios=[0.6 * len(groups), 5])
    most = max([1e-9, *(float(cell.value) for row in rows if (cell := row.cells[key]).value is not None)])
    for at, row in enumerate(rows):
        _draw_dots(dots, at, [level == "true" for level in row.levels])
        cell = row.cells[key]
        if cell.value is None:
            draw_missing(bars, at, cell, most)
            continue
        bars.barh(at, cell.value, height=0.66, color=BLUE, zorder=2)
        bars.text(cell.value + most * 0.015, at, cell.text, va="center", color=DARK, zorder=4)
    bars.set_ylim(len(rows) - 0.4, -0.6)
    bars.set_xlim(0, most * 1.2)
    bars.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:,g}"))
    bars.set_xlabel("people" if key == COUNT else answer.number(key).heading)
    bars.grid(axis="x", color="#DDDDDD", lw=0.8, zorder=0)
    dots.set_xlim(-0.6, len(groups) - 0.4)
    dots.set_xticks(range(len(groups)), groups, rotation=30 if max(map(len, groups)) > 6 else 0, ha="center")
    dots.set_yticks([])
    for axes in (dots, bars):
        axes.tick_params(length=0)
        for side in ("top", "right", "left", "bottom"):
            axes.spines[side].set_visible(False)
    return figure


def _draw_dots(axes: Axes, at: int, holds: list[bool]) -> None:
    """Draw a dot for each group, dark where people are in it, and a line through the dark ones."""
    for place, is_in in enumerate(holds):
        axes.plot(place, at, "o", ms=9, color=DARK if is_in else _EMPTY, zorder=3)
    inside = [place for place, is_in in enumerate(holds) if is_in]
    if len(inside) > 1:
        axes.plot([inside[0], inside[-1]], [at, at], color=DARK, lw=2, zorder=2)
