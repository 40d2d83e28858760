"""Bars of shares where two columns part the people: a group of bars for each level of one, a bar in it for each of the other.

Of results by the time since an event the bars of a group are its periods. A hidden share is a hatched strip.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tallystick.client.answer import ALL, Answer
from tallystick.client.canvas import DARK, build_page, cut_label, draw_missing
from tallystick.client.shares import Shares, ShownShare
from tallystick.core.errors import Invalid

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_INCH_A_BAR: Final = 0.34
_MOST_GROUPS: Final = 24
_COLORS: Final = ("#0072B2", "#E69F00", "#009E73", "#CC79A7")
"""Four that people tell apart who see colors otherwise (Okabe and Ito); each bar's place says which it is, too."""


def draw_grouped_shares(answer: Answer, shares: Shares) -> Figure:
    """Draw shares by two columns.

    Args:
        answer: the result.
        shares: by two columns.

    Raises:
        Invalid: `document-invalid`: more bars than can be told apart.
    """
    from matplotlib.patches import Patch
    from matplotlib.ticker import FuncFormatter

    inner = _choose_inner(answer, shares)
    rows = (*shares.rows, *shares.overall)
    bars = list(dict.fromkeys(one.levels[inner] for one in rows if one.levels[inner] != ALL))
    groups = list(dict.fromkeys(one.levels[1 - inner] for one in rows))
    if len(bars) > len(_COLORS) or len(groups) > _MOST_GROUPS:
        raise Invalid(
            "document-invalid",
            f"a plot of shares has at most {len(_COLORS)} bars for each of {_MOST_GROUPS} levels, not {len(bars)} for each of {len(groups)}",
            hint="ask by other columns",
        )
    found = {one.levels: one for one in rows}
    figure = build_page(answer, _INCH_A_BAR * len(groups) * (len(bars) + 0.6) + 0.5, [one.cell.hidden for one in rows])
    axes = figure.add_subplot()
    most = max(0.01, *(end for one in rows for end in one.cell.interval or ()), 0.0)
    ticks = []
    for place, group in enumerate(groups):
        first = place * (len(bars) + 0.6)
        for at, bar in enumerate(bars):
            levels = (bar, group) if inner == 0 else (group, bar)
            if (one := found.get(levels)) is not None:
                _draw_share(axes, first + at, one, most, _COLORS[at])
        ticks.append(first + (len(bars) - 1) / 2)
    axes.set_yticks(ticks, [cut_label(group) for group in groups])
    axes.set_ylim(len(groups) * (len(bars) + 0.6) - 0.9, -0.7)
    axes.set_xlim(0, most * 1.36)
    axes.set_xticks([tick for tick in axes.get_xticks() if 0 <= tick <= min(1.0, most * 1.36)])  # no share is beyond 1
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:.0%}" if most > 0.04 else f"{x:.1%}"))
    axes.set_xlabel(shares.label)
    axes.grid(axis="x", color="#DDDDDD", lw=0.8, zorder=0)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.tick_params(axis="y", length=0)
    keys = [Patch(color=color, label=bar) for color, bar in zip(_COLORS, bars, strict=False)]
    axes.legend(
        handles=keys, title=shares.by[inner], frameon=False, loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=len(bars)
    )
    return figure


def _choose_inner(answer: Answer, shares: Shares) -> int:
    """Choose which column's levels are the bars of a group: the periods, or the fewer ones."""
    if answer.follow is not None:
        return 0
    sizes = [len({one.levels[place] for one in shares.rows}) for place in (0, 1)]
    return 0 if sizes[0] < sizes[1] else 1


def _draw_share(axes: Axes, at: float, one: ShownShare, most: float, color: str) -> None:
    cell = one.cell
    if cell.value is None:
        draw_missing(axes, at, cell, most)
        return
    low, high = cell.interval or (cell.value, cell.value)
    axes.barh(at, cell.value, height=0.86, color=color, zorder=2)
    axes.errorbar(
        cell.value,
        at,
        xerr=[[max(0.0, cell.value - low)], [max(0.0, high - cell.value)]],
        color=DARK,
        capsize=3,
        lw=1.3,
        zorder=3,
    )
    axes.text(high + most * 0.015, at, cell.text, va="center", color=DARK, zorder=4)
