"""The charts of a result's page: bars with intervals as inline SVG. Each stands beside a table that says the same.

A chart is drawn twice: for a wide page with labels beside the bars, and for a phone with labels above them, so that its letters have the
size of the text around it. The page shows one of them. Bars in groups are a chart a group, side by side where there is room, with one
axis for all. Colors and strokes are attributes, so that a chart reads the same in a notebook.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from math import ceil, floor, log10
from typing import Final

BLUE: Final = "#2b6198"
INK: Final = "#1a1a1a"
GREY: Final = "#4d4d4d"
_GRID: Final = "#c8c8c8"
_PALE: Final = "#f4f4f4"
_TOP: Final = 8
_AXIS: Final = 30
_BAR: Final = 16
_GROUP: Final = 28
"""Height of a line that names a group of bars."""
_LETTER: Final = 7.1
"""Width of a letter, on average, at 13 pixels."""
_BOLD: Final = 8.0


@dataclass(frozen=True)
class Bar:
    """One bar.

    Attributes:
        label: what it is of.
        value: its length; None where there is none, whose reason is written in its place.
        low, high: the ends of its interval; both the value where it has none.
        text: what stands beside it.
        hidden: whether its value is hidden: a hatched strip is drawn, which is no length.
        group: what it belongs to with others; "" for nothing.
    """

    label: str
    value: float | None
    low: float
    high: float
    text: str
    hidden: bool = False
    group: str = ""


@dataclass(frozen=True)
class Axis:
    """The axis of numbers: its ends, and its marks with their texts."""

    low: float
    high: float
    marks: tuple[tuple[float, str], ...]

    def place(self, number: float, width: float) -> float:
        """Give how far from the left end a number stands; what lies beyond an end stands at it."""
        return width * min(1.0, max(0.0, (number - self.low) / (self.high - self.low)))


@dataclass(frozen=True)
class _Layout:
    """Where things stand: `left` of the bars, the bars, `right` of them; or, `above`, text over each bar."""

    name: str
    left: int
    plot: int
    right: int
    row: int
    above: bool

    @property
    def width(self) -> int:
        return self.left + self.plot + self.right


def build_axis(bars: Sequence[Bar], *, percent: bool = False, least: float = 0.0) -> Axis:
    """Give an axis that holds every bar and interval, and 0: three to seven round steps.

    Args:
        bars: what is drawn.
        percent: whether numbers are shares, which do not go beyond 1.
        least: the axis goes at least so far.
    """
    ends = [end for bar in bars if bar.value is not None for end in (bar.value, bar.low, bar.high)]
    low, high = min([0.0, *ends]), max([0.0, least, *ends])
    high = high if high > low else 1.0
    span = high - low
    step = 10.0 ** floor(log10(span / 4))
    step *= next(factor for factor in (1, 2, 2.5, 5, 10) if step * factor * 4 >= span * (1 - 1e-12))
    first, last = floor(low / step + 1e-9), ceil(high / step - 1e-9)
    if percent and low == 0 and last * step > 1:
        step, first, last = 0.25, 0, 4
    digits = 0 if step * (100 if percent else 1) >= 1 and (step * (100 if percent else 1)) % 1 == 0 else 1
    marks = []
    for at in range(first, last + 1):
        number = at * step
        text = f"{number:.{digits}%}" if percent else f"{number:,.{digits}f}" if step >= 0.1 else f"{number:g}"
        marks.append((number, text))
    return Axis(first * step, last * step, tuple(marks))


def draw_bars(name: str, title: str, bars: Sequence[Bar], axis: Axis) -> str:
    """Give a figure: its title as a caption, and the chart for wide pages and for narrow ones, or a small one for each group.

    Args:
        name: an id of the page's own, for the titles that screen readers read.
        title: what the chart shows, in a sentence.
        bars: from top to bottom; those of one group beside each other.
        axis: holds every bar.
    """
    if any(bar.group for bar in bars):
        drawn = draw_groups(name, title, bars, axis)
    else:
        drawn = "\n".join(_draw(name, title, bars, axis, layout) for layout in (_wide(bars), _narrow()))
    return f'<figure class="chart"><figcaption>{escape(title)}</figcaption>\n{drawn}\n</figure>'


def draw_wide_bars(name: str, title: str, bars: Sequence[Bar], axis: Axis) -> str:
    """Give the chart for wide pages alone."""
    return (
        draw_groups(name, title, bars, axis) if any(bar.group for bar in bars) else _draw(name, title, bars, axis, _wide(bars))
    )


def draw_groups(name: str, title: str, bars: Sequence[Bar], axis: Axis) -> str:
    """Give small charts, one for each group of bars."""
    groups: dict[str, list[Bar]] = {}
    for bar in bars:
        groups.setdefault(bar.group, []).append(bar)
    drawn = "\n".join(
        _draw(f"{name}-{place}", f"{title}: {group}", inside, axis, _small(), heading=group)
        for place, (group, inside) in enumerate(groups.items())
    )
    return f'<div class="groups">\n{drawn}\n</div>'


def _wide(bars: Sequence[Bar]) -> _Layout:
    left = 20 + ceil(_LETTER * min(36, max(len(bar.label) for bar in bars)))
    right = 20 + ceil(_LETTER * max([4, *(len(bar.text) for bar in bars if bar.value is not None)]))
    return _Layout("wide", left, max(260, 760 - left - right), right, 28, above=False)


def _narrow() -> _Layout:
    return _Layout("narrow", 12, 300, 28, 46, above=True)


def _small() -> _Layout:
    return _Layout("small", 12, 300, 28, 46, above=True)


def _draw(name: str, title: str, bars: Sequence[Bar], axis: Axis, layout: _Layout, *, heading: str = "") -> str:
    first = _TOP + (_GROUP if heading else 0)
    tops = [first + layout.row * place for place in range(len(bars))]
    top = first + layout.row * len(bars)
    made = f"{name}-{layout.name}"
    parts = [
        f'<svg class="{layout.name}" viewBox="0 0 {layout.width} {top + _AXIS}" role="img" aria-labelledby="{escape(made)}">',
        f'<title id="{escape(made)}">{escape(title)}</title>',
        f'<defs><pattern id="{escape(made)}-hatch" width="7" height="7" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">',
        f'<rect width="7" height="7" fill="{_PALE}"/><line x1="0" y1="0" x2="0" y2="7" stroke="#a0a0a0" stroke-width="2"/>',
        f'</pattern></defs><g font-size="13" fill="{INK}">',
    ]
    for value, _ in axis.marks:
        x = layout.left + axis.place(value, layout.plot)
        parts.append(_line(x, first, x, top, INK if value == 0 else _GRID, 1))
    for value, text in _thin(axis.marks, layout):
        x = layout.left + axis.place(value, layout.plot)
        parts.append(f'<text x="{x:.1f}" y="{top + 18}" text-anchor="middle" fill="{GREY}">{escape(text)}</text>')
    if heading:
        shown = _cut(heading, layout.width / _BOLD)
        parts.append(f'<text x="{layout.left}" y="{_TOP + 12}" font-size="14" font-weight="600">{escape(shown)}</text>')
    for y, bar in zip(tops, bars, strict=True):
        parts += _draw_bar(bar, y, axis, layout, f"url(#{escape(made)}-hatch)")
    return "\n".join([*parts, "</g></svg>"])


def _thin(marks: Sequence[tuple[float, str]], layout: _Layout) -> Sequence[tuple[float, str]]:
    """Give the marks whose texts have room beside each other: all, or every other one."""
    wide = sum(len(text) + 2 for _, text in marks) * _LETTER
    return marks if wide <= layout.plot + 40 else marks[::2]


def _draw_bar(bar: Bar, top: int, axis: Axis, layout: _Layout, hatch: str) -> list[str]:
    at = top + 24 if layout.above else top + (layout.row - _BAR) // 2
    middle = at + _BAR / 2
    if layout.above:
        room = layout.width / _LETTER - (len(bar.text) if bar.value is not None else 0) - 3
        parts = [f'<text x="{layout.left}" y="{top + 17}">{escape(_cut(bar.label, room))}</text>']
        beside = f'<text class="number" x="{layout.width - 8}" y="{top + 17}" text-anchor="end">{escape(bar.text)}</text>'
    else:
        label = escape(_cut(bar.label, (layout.left - 20) / _LETTER + 1))
        parts = [f'<text x="{layout.left - 10}" y="{middle + 4.5:.1f}" text-anchor="end">{label}</text>']
        x = layout.left + axis.place(max(bar.value or 0.0, bar.high), layout.plot) + 8
        beside = f'<text class="number" x="{x:.1f}" y="{middle + 4.5:.1f}">{escape(bar.text)}</text>'
    if bar.value is None:
        return [*parts, *_draw_missing(bar, at, layout, hatch)]
    zero, end, low, high = (layout.left + axis.place(number, layout.plot) for number in (0.0, bar.value, bar.low, bar.high))
    width = abs(end - zero)
    parts.append(f'<rect class="bar" x="{min(zero, end):.1f}" y="{at}" width="{width:.1f}" height="{_BAR}" fill="{BLUE}"/>')
    if bar.high > bar.low:
        parts.append(_line(low, middle, high, middle, INK, 1.5))
        parts += [_line(x, middle - 5, x, middle + 5, INK, 1.5) for x in (low, high)]
    return [*parts, beside]


def _draw_missing(bar: Bar, at: int, layout: _Layout, hatch: str) -> list[str]:
    """Draw a value that is not there: a hatched strip where it is hidden, words alone where nobody is in it."""
    parts = []
    if bar.hidden:
        parts.append(f'<rect class="hidden" x="{layout.left}" y="{at}" width="{layout.plot}" height="{_BAR}" fill="{hatch}"/>')
        wide = _LETTER * len(bar.text) + 10
        parts.append(f'<rect x="{layout.left + 4}" y="{at}" width="{wide:.0f}" height="{_BAR}" fill="#ffffff"/>')
    y = at + _BAR / 2 + 4.5
    return [*parts, f'<text class="number" x="{layout.left + 8}" y="{y:.1f}" fill="{GREY}">{escape(bar.text)}</text>']


def _line(x1: float, y1: float, x2: float, y2: float, stroke: str, width: float) -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{stroke}" stroke-width="{width:g}"/>'


def _cut(text: str, room: float) -> str:
    """Shorten a text to the letters that fit; the table beside has it whole."""
    most = max(4, int(room))
    return text if len(text) <= most else f"{text[: most - 1]}…"
