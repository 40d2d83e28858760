"""What measures tell beside their value that a plot can show: a survival curve, coefficients, people by bands.

A measure that gives `curve`, `coefficients` or `bands` is drawn so, whatever its name.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from tallystick.client.answer import Answer, AnswerRow
from tallystick.client.canvas import BLUE, DARK, GREY, LINE, STYLES, build_page, cut_label, draw_missing
from tallystick.core.errors import Invalid
from tallystick.core.moments import format_band

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MOST_ROWS: Final = 7
_INCH_A_BAR: Final = 0.36
_CONSTANT: Final = "(constant)"


def draw_details(answer: Answer, key: str) -> Figure | None:
    """Draw what a measure tells beside its value; None where no row that is shown has anything of the kind.

    Args:
        answer: the result.
        key: the measure.

    Raises:
        Invalid: `document-invalid`: more rows than can be told apart.
    """
    for name, draw in _DRAWN.items():
        if any(name in row.cells[key].detail for row in answer.rows):
            if len(answer.rows) > _MOST_ROWS:
                raise Invalid(
                    "document-invalid",
                    f"a plot of this measure has at most {_MOST_ROWS} rows, not {len(answer.rows)}",
                    hint="ask by fewer columns, or by one of fewer levels",
                )
            return draw(answer, key)
    return None


def _name(row: AnswerRow) -> str:
    return ", ".join(row.levels)


def _draw_curves(answer: Answer, key: str) -> Figure:
    """Draw survival as steps, known at the edges of bands, with intervals; below, how many people are at risk in the band that ends there."""
    shown = [row for row in answer.rows if "curve" in row.cells[key].detail]
    figure = build_page(answer, 3.9 + 0.22 * len(answer.rows), [row.cells[key].hidden for row in answer.rows])
    axes, below = figure.subplots(2, 1, height_ratios=[3.6, 0.3 + 0.22 * len(answer.rows)], sharex=True)
    edges: list[float] = []
    for at, row in enumerate(answer.rows):
        color, marker = STYLES[at]
        below.text(
            -0.01, at, cut_label(_name(row) or "everybody", 20), ha="right", va="center", transform=below.get_yaxis_transform()
        )
        if row not in shown:
            told = f"{_name(row)}: {row.cells[key].text}"
            axes.bar([0], [0], color=GREY, edgecolor=color, hatch="////", lw=0.8, label=told)
            below.text(
                0.01, at, row.cells[key].text, va="center", style="italic", fontsize=8, transform=below.get_yaxis_transform()
            )
            continue
        curve = row.cells[key].detail["curve"]
        edges = [float(one["by"]) for one in curve]
        start = min(0.0, edges[0])
        x, y = [start, *edges], [1.0, *(float(one["survival"]) for one in curve)]
        low = [1.0, *(float(one.get("low", one["survival"])) for one in curve)]
        high = [1.0, *(float(one.get("high", one["survival"])) for one in curve)]
        axes.fill_between(x, low, high, step="post", color=color, alpha=0.16, lw=0)
        axes.step(x, y, where="post", color=color, lw=1.8)
        axes.vlines(edges, low[1:], high[1:], color=color, lw=1.2)
        axes.plot(edges, y[1:], marker, color=color, ms=6, label=_name(row) or "everybody")
        if len(shown) == 1:
            for one, edge in zip(curve, edges, strict=True):
                axes.annotate(f"{one['survival']:.1%}", (edge, one["survival"]), (4, 6), textcoords="offset points", color=DARK)
        for one, edge in zip(curve, edges, strict=True):
            below.text(edge, at, f"{one['at_risk']:,}", ha="center", va="center", fontsize=8, color=DARK)
    _finish_curves(axes, below, edges, len(answer.rows), answer.number(key).asked)
    return figure


def _finish_curves(axes: Axes, below: Axes, edges: list[float], rows: int, asked: Any) -> None:
    from matplotlib.ticker import FuncFormatter

    axes.set_ylim(0, 1.08)
    axes.yaxis.set_major_formatter(FuncFormatter(lambda y, _: f"{y:.0%}"))
    axes.set_ylabel(f"share without {asked.columns[1]}", wrap=True)
    axes.grid(axis="y", color="#DDDDDD", lw=0.8)
    axes.set_xlim(min(0.0, edges[0]), edges[-1] + (edges[-1] - min(0.0, edges[0])) * 0.08)
    axes.set_xticks(edges, [f"{edge:,g}" for edge in edges])
    axes.tick_params(axis="x", labelbottom=True)
    axes.set_xlabel(f"{asked.columns[0]}; shaded: 95% intervals")
    if rows > 1:
        axes.legend(frameon=False, loc="upper left", bbox_to_anchor=(1.0, 1.0))
    below.set_ylim(rows - 0.4, -1.2)
    below.text(
        -0.01,
        -0.9,
        "people at risk",
        ha="right",
        va="center",
        fontsize=8,
        fontweight="bold",
        transform=below.get_yaxis_transform(),
    )
    below.tick_params(length=0, labelbottom=False)
    below.set_yticks([])
    for one, sides in ((axes, ("top", "right")), (below, ("top", "right", "left", "bottom"))):
        for side in sides:
            one.spines[side].set_visible(False)


def _draw_coefficients(answer: Answer, key: str) -> Figure:
    """Draw each coefficient as a point with its interval, the robust one where there is one; the constant is left out."""
    shown = next(row.cells[key].detail["coefficients"] for row in answer.rows if "coefficients" in row.cells[key].detail)
    names = [name for name in shown if name != _CONSTANT]
    robust = "robust_low" in shown[names[0]]
    step = len(answer.rows) + (0.7 if len(answer.rows) > 1 else 0)
    figure = build_page(answer, _INCH_A_BAR * step * len(names) + 0.6, [row.cells[key].hidden for row in answer.rows])
    axes = figure.add_subplot()
    ends = [0.0]
    missing = []
    for place, name in enumerate(names):
        for at, row in enumerate(answer.rows):
            cell, (color, marker) = row.cells[key], STYLES[at]
            y = place * step + at
            one = cell.detail.get("coefficients", {}).get(name)
            if one is None:
                missing.append((y, row))
                continue
            low, high = (float(one[f"{'robust_' if robust else ''}{end}"]) for end in ("low", "high"))
            ends += [low, high]
            axes.plot([low, high], [y, y], color=color, lw=1.8, zorder=2)
            label = _name(row) if place == 0 and len(answer.rows) > 1 else None
            axes.plot(one["estimate"], y, marker, color=color, ms=7, zorder=3, label=label)
            p = float(one["robust_p" if robust else "p"])
            told = f"{one['estimate']:,.4g} ({low:,.4g} to {high:,.4g}), p {'< 0.001' if p < 0.001 else f'= {p:.3f}'}"
            axes.annotate(
                told, (1.0, y), (8, 0), xycoords=axes.get_yaxis_transform(), textcoords="offset points", va="center", fontsize=9
            )
    room = (max(ends) - min(ends)) * 0.08 or 1.0
    axes.set_xlim(min(ends) - room, max(ends) + room)
    for y, row in missing:
        _draw_strip(axes, y, min(ends) - room, max(ends) - min(ends) + 2 * room, f"{_name(row)}: {row.cells[key].text}")
    axes.axvline(0, color=DARK, lw=1, zorder=1)
    axes.set_yticks(
        [place * step + (len(answer.rows) - 1) / 2 for place in range(len(names))], [cut_label(name) for name in names]
    )
    axes.set_ylim(len(names) * step - (0.9 if len(answer.rows) > 1 else 0.4), -0.7)
    asked = answer.number(key).asked
    of = asked.columns[0] if asked is not None else key
    axes.set_xlabel(
        f"change of {of} with one more, others alike; 95% intervals{', robust' if robust else ''}; constant not drawn"
    )
    axes.grid(axis="x", color="#DDDDDD", lw=0.8, zorder=0)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.tick_params(axis="y", length=0)
    if len(answer.rows) > 1:
        axes.legend(title=" and ".join(answer.by), frameon=False, loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=4)
    return figure


def _draw_strip(axes: Axes, y: float, left: float, width: float, text: str) -> None:
    axes.barh(y, width, left=left, height=0.66, color=GREY, edgecolor=LINE, hatch="////", lw=0, zorder=1)
    box = {"facecolor": "white", "edgecolor": "none", "pad": 1.5}
    axes.text(left + width * 0.015, y, text, va="center", color=DARK, style="italic", bbox=box, zorder=4)


def _draw_bands(answer: Answer, key: str) -> Figure:
    """Draw people by bands, a plot beside each other for each row, with one axis."""
    shown = next(row.cells[key].detail["bands"] for row in answer.rows if "bands" in row.cells[key].detail)
    labels = [format_band(band["from"], band["to"]) for band in shown]
    figure = build_page(answer, _INCH_A_BAR * len(labels) + 0.5, [row.cells[key].hidden for row in answer.rows])
    plots = figure.subplots(1, len(answer.rows), sharey=True, sharex=True, squeeze=False)[0]
    most = max(1, *(band["count"] for row in answer.rows for band in row.cells[key].detail.get("bands", ())))
    for axes, row in zip(plots, answer.rows, strict=True):
        cell = row.cells[key]
        for at, band in enumerate(cell.detail.get("bands", ())):
            axes.barh(at, band["count"], height=0.9, color=BLUE, zorder=2)
            axes.text(band["count"] + most * 0.02, at, f"{band['count']:,}", va="center", color=DARK, fontsize=9)
        if "bands" not in cell.detail:
            for at in range(len(labels)):
                draw_missing(axes, at, cell, most)
        axes.set_title(cut_label(_name(row), 22), fontsize=10)
        axes.set_xlim(0, most * 1.3)
        axes.grid(axis="x", color="#DDDDDD", lw=0.8, zorder=0)
        axes.tick_params(axis="y", length=0)
        for side in ("top", "right", "left"):
            axes.spines[side].set_visible(False)
    plots[0].set_yticks(range(len(labels)), labels)
    plots[0].set_ylim(len(labels) - 0.4, -0.6)
    asked = answer.number(key).asked
    figure.supxlabel(f"people by {asked.columns[0] if asked is not None else key}", fontsize=10)
    return figure


_DRAWN: Final[dict[str, Callable[[Answer, str], Figure]]] = {
    "curve": _draw_curves, "coefficients": _draw_coefficients, "bands": _draw_bands,
}  # fmt: skip
"""What draws each kind."""
