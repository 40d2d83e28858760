"""Plots of a result, as PNG or SVG.

Bars where one column parts the people, a heat map where two do, lines over periods (`series.py`), an UpSet plot where rows say in which
groups people are (`overlaps.py`), shares with their intervals, of two columns in groups (`grouped.py`), survival curves, coefficients and bands
(`details.py`). What is hidden is drawn as hidden, hatched and named, and never as zero or
left out. Colors are told apart by people who see colors otherwise, and values are also written.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tallystick.client.answer import COUNT, Answer, ShownCell
from tallystick.client.canvas import BLUE, DARK, GREY, LINE, build_page, cut_label, draw_missing
from tallystick.client.details import draw_details
from tallystick.client.grouped import draw_grouped_shares
from tallystick.client.overlaps import draw_overlaps, find_groups
from tallystick.client.sentences import question_sentence
from tallystick.client.series import draw_series, find_periods
from tallystick.client.shares import find_shares
from tallystick.core.errors import Invalid
from tallystick.core.files import check_can_write, write_public

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SHARE: Final = "share"
"""What `--measure` calls the shares of the linkage report, which have intervals."""
_INCH_A_BAR: Final = 0.42
_MOST_BARS: Final = 60
_MOST_ACROSS: Final = 16
_DEEP: Final = 0.65
"""From this part of the map on, white letters are read better than dark ones."""
_FORMATS: Final = (".png", ".svg")


def plot(answer: Answer, path: Path, *, measure: str | None = None) -> None:
    """Draw a result to a file.

    Args:
        answer: the result.
        path: ends with .png or .svg.
        measure: which column of numbers, by its name in the result, or `share`; the count, unless it says otherwise.

    Raises:
        Invalid: `file-format`: another ending; `document-invalid`: matplotlib is not installed, there is no such measure, or more parts the
            people than a plot shows.
        Broken: `disk`.
    """
    write_public(path, draw(answer, _format_of(path), measure=measure))


def draw_first(answer: Answer, path: Path) -> None:
    """Draw what a result is most likely asked for: its shares of people found in another group where it tells some, or its counts.

    Raises:
        Invalid, Broken: as `plot`.
    """
    shares = find_shares(answer)
    plot(answer, path, measure=SHARE if shares is not None and len(shares.rows) > 1 else None)


def check_can_draw(path: Path) -> None:
    """Check, before there is an answer, that a picture can be drawn to a file.

    Raises:
        Invalid: `file-format`: another ending; `file-missing`: no such folder; `document-invalid`: matplotlib is not installed. Broken: `disk`.
    """
    _format_of(path)
    check_can_write(path)
    if find_spec("matplotlib") is None:
        raise _not_installed()


def _format_of(path: Path) -> str:
    ending = path.suffix.lower()
    if ending not in _FORMATS:
        raise Invalid("file-format", f"{path}: no picture of that name is drawn", hint=f"end it with {' or '.join(_FORMATS)}")
    return ending.removeprefix(".")


def _not_installed() -> Invalid:
    return Invalid("document-invalid", "what draws is not installed", hint="pip install 'tallystick[plots]'")


def draw(answer: Answer, picture: str, *, measure: str | None = None) -> bytes:
    """Give a picture's bytes.

    Args:
        answer: the result.
        picture: `png` or `svg`.
        measure: as `plot` takes it.

    Raises:
        Invalid: as `plot`.
    """
    try:
        import matplotlib as mpl
    except ImportError as error:
        raise _not_installed() from error
    key = measure or COUNT
    with mpl.rc_context(
        {"font.family": "DejaVu Sans", "font.size": 10, "svg.fonttype": "none", "svg.hashsalt": answer.value["job"]}
    ):
        figure = _shares(answer) if key == SHARE else _numbers(answer, key)
        data = io.BytesIO()
        told = {"Title": answer.title} | ({"Description": question_sentence(answer)} if picture == "png" else {"Date": None})
        figure.savefig(data, format=picture, dpi=150, metadata=told)
    return data.getvalue()


def _numbers(answer: Answer, key: str) -> Figure:
    if key not in answer.keys:
        known = ", ".join([*answer.keys, SHARE])
        raise Invalid("document-invalid", f"the result has no {key}", hint=f"--measure is one of: {known}")
    if (drawn := draw_details(answer, key)) is not None:
        return drawn
    if (groups := find_groups(answer)) is not None:
        return draw_overlaps(answer, key, groups)
    if (place := find_periods(answer)) is not None:
        return draw_series(answer, key, place)
    if len(answer.by) > 2:
        raise Invalid(
            "document-invalid", f"{len(answer.by)} columns part the people, and a plot shows two", hint="ask by fewer"
        )
    heading = answer.number(key).heading
    if len(answer.by) == 2:
        return _heat_map(answer, key, heading)
    bars = [(row.levels[0] if row.levels else "everybody", row.cells[key], row.cells[key].interval) for row in answer.rows]
    return _bars(answer, bars, "people" if key == COUNT else heading, percent=answer.number(key).share)


def _shares(answer: Answer) -> Figure:
    """Draw what share of people another group has, with intervals."""
    shares = find_shares(answer)
    if shares is None:
        raise Invalid(
            "document-invalid",
            "this result tells no shares of people who were found in another group",
            hint="leave out --measure share; or ask by: [GROUP.present]",
        )
    if len(shares.by) > 2:
        raise Invalid(
            "document-invalid", f"{len(shares.by)} columns part the people, and a plot shows two", hint="ask by fewer"
        )
    if len(shares.by) == 2 and not shares.reported:
        return draw_grouped_shares(answer, shares)
    bars = [(", ".join(one.levels) or "everybody", one.cell, one.cell.interval) for one in (*shares.rows, *shares.overall)]
    return _bars(answer, bars, shares.label, percent=True)


def _bars(
    answer: Answer, bars: Sequence[tuple[str, ShownCell, tuple[float, float] | None]], label: str, *, percent: bool = False
) -> Figure:
    """Draw bars from top to bottom, each with its value; an interval is a line across its end."""
    from matplotlib.ticker import FuncFormatter

    if not bars or len(bars) > _MOST_BARS:
        raise Invalid("document-invalid", f"a plot has 1 to {_MOST_BARS} bars, not {len(bars)}", hint="ask by another column")
    figure = build_page(answer, _INCH_A_BAR * len(bars), [cell.hidden for _, cell, _ in bars])
    axes = figure.add_subplot()
    far = [abs(end) for _, cell, ends in bars for end in (ends or (cell.value or 0.0,))]
    most = max([*far, 0.01 if percent else 1.0])
    low = min([0.0, *(cell.value for _, cell, _ in bars if cell.value is not None)])
    for at, (_, cell, ends) in enumerate(bars):
        if cell.value is None:
            draw_missing(axes, at, cell, most)
            continue
        axes.barh(at, cell.value, height=0.66, color=BLUE, zorder=2)
        if ends is not None:
            reach = [[max(0.0, cell.value - ends[0])], [max(0.0, ends[1] - cell.value)]]  # roundings of 0 and 1 aside
            axes.errorbar(cell.value, at, xerr=reach, color=DARK, capsize=4, lw=1.4, zorder=3)
        axes.text(max(cell.value, ends[1] if ends else 0, 0) + most * 0.015, at, cell.text, va="center", color=DARK, zorder=4)
    axes.set_yticks(range(len(bars)), [cut_label(name) for name, _, _ in bars])
    axes.set_ylim(len(bars) - 0.4, -0.6)
    axes.set_xlim(low * 1.1, most * (1.34 if percent else 1.18))
    if percent:
        axes.set_xticks(
            [tick for tick in axes.get_xticks() if low * 1.1 <= tick <= min(1.0, most * 1.34)]
        )  # no share is beyond 1
    axes.xaxis.set_major_formatter(
        FuncFormatter(lambda x, _: f"{x:.0%}" if percent and most > 0.04 else f"{x:.1%}" if percent else f"{x:,g}")
    )
    axes.set_xlabel(label)
    axes.grid(axis="x", color="#DDDDDD", lw=0.8, zorder=0)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.tick_params(axis="y", length=0)
    return figure


def _heat_map(answer: Answer, key: str, heading: str) -> Figure:
    """Draw one measure with the first column's levels across and the second's down; the value is written in each field."""
    from matplotlib import colormaps
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize
    from matplotlib.patches import Rectangle

    heads, sides = (list(dict.fromkeys(row.levels[at] for row in answer.rows)) for at in (0, 1))
    if len(heads) > len(sides):
        heads, sides, across = sides, heads, 1
    else:
        across = 0
    if not heads or len(sides) > _MOST_BARS or len(heads) > _MOST_ACROSS:
        raise Invalid(
            "document-invalid",
            f"a heat map has at most {_MOST_ACROSS} columns and {_MOST_BARS} lines",
            hint="ask by other columns",
        )
    cells = {(row.levels[across], row.levels[1 - across]): row.cells[key] for row in answer.rows}
    figure = build_page(answer, 0.46 * len(sides) + 0.5, [cell.hidden for cell in cells.values()])
    axes = figure.add_subplot()
    values = [cell.value for cell in cells.values() if cell.value is not None]
    norm = Normalize(min([0.0, *values]), max([1e-9, *values]))
    colours = colormaps["Blues"]
    for y, side in enumerate(sides):
        for x, head in enumerate(heads):
            cell = cells.get((head, side))
            if cell is None:
                continue
            depth = None if cell.value is None else float(norm(cell.value))
            face = colours(depth) if depth is not None else GREY if cell.hidden else "white"
            hatch = "////" if cell.hidden else None
            axes.add_patch(Rectangle((x, y), 1, 1, facecolor=face, edgecolor=LINE, lw=0.8, hatch=hatch))
            box = {"facecolor": "white", "edgecolor": "none", "pad": 1.2} if cell.hidden else None
            style = "italic" if cell.hidden else "normal"
            ink = "white" if depth is not None and depth > _DEEP else DARK
            axes.text(x + 0.5, y + 0.5, cell.text, ha="center", va="center", style=style, bbox=box, color=ink, fontsize=9)
    axes.set_xlim(0, len(heads))
    axes.set_ylim(len(sides), 0)
    axes.set_xticks([at + 0.5 for at in range(len(heads))], [cut_label(head, 14) for head in heads])
    axes.set_yticks([at + 0.5 for at in range(len(sides))], [cut_label(side) for side in sides])
    axes.set_xlabel(answer.by[across])
    axes.set_ylabel(answer.by[1 - across])
    axes.xaxis.set_ticks_position("top")
    axes.xaxis.set_label_position("top")
    axes.tick_params(length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)
    figure.colorbar(ScalarMappable(norm, colours), ax=axes, label="people" if key == COUNT else heading, shrink=0.9, pad=0.02)
    return figure
