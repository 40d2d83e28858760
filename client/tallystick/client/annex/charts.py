"""The charts of an annex: bars with intervals as inline SVG. Each stands beside a table that says the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from math import floor, log10
from typing import Final

ROW: Final = 26
LABEL: Final = 290
PLOT: Final = 370
VALUE: Final = 90
_TOP: Final = 8
_AXIS: Final = 30
_LONGEST: Final = 38
"""Letters of a label that fit; the table has it whole."""


@dataclass(frozen=True)
class Bar:
    """One bar.

    Attributes:
        label: what it is of.
        value: its length; None where it is hidden, which is written in its place.
        low, high: the ends of its interval.
        text: what stands beside it.
    """

    label: str
    value: float | None
    low: float
    high: float
    text: str


def bar_chart(name: str, title: str, bars: Sequence[Bar], *, most: float, ticks: Sequence[tuple[float, str]]) -> str:
    """Give an SVG element.

    Args:
        name: an id of the page's own, for the title that screen readers read.
        title: what the chart shows, in a sentence.
        bars: from top to bottom.
        most: the value at the right end of the axis.
        ticks: value and text of the axis' marks.
    """
    height = _TOP + ROW * len(bars) + _AXIS
    width = LABEL + PLOT + VALUE
    bottom = _TOP + ROW * len(bars)
    parts = [
        f'<svg viewBox="0 0 {width} {height}" role="img" aria-labelledby="{escape(name)}" xmlns="http://www.w3.org/2000/svg">',
        f'<title id="{escape(name)}">{escape(title)}</title>',
    ]
    for value, text in ticks:
        x = LABEL + _along(value, most)
        parts.append(f'<line class="grid" x1="{x:.1f}" y1="{_TOP}" x2="{x:.1f}" y2="{bottom}"/>')
        parts.append(f'<text class="tick" x="{x:.1f}" y="{bottom + 18}" text-anchor="middle">{escape(text)}</text>')
    for place, bar in enumerate(bars):
        parts += _bar(bar, _TOP + ROW * place, most)
    return "\n".join([*parts, "</svg>"])


def axis(most: float, end: float | None = None) -> tuple[float, list[float]]:
    """Give the right end of an axis from 0 that holds `most`, and its marks: four or five round steps.

    Args:
        most: the largest number shown.
        end: no axis goes beyond it.
    """
    step = 10.0 ** floor(log10(max(most, 1e-9) / 4))
    step *= next(factor for factor in (1, 2, 2.5, 5, 10) if step * factor * 4 >= most)
    marks = [step * place for place in range(5)]
    if end is not None and marks[-1] > end:
        return end, [end * place / 4 for place in range(5)]
    return marks[-1], marks


def _bar(bar: Bar, top: int, most: float) -> list[str]:
    middle = top + ROW / 2
    label = bar.label if len(bar.label) <= _LONGEST else f"{bar.label[: _LONGEST - 1]}…"
    parts = [f'<text x="{LABEL - 10}" y="{middle + 4:.1f}" text-anchor="end">{escape(label)}</text>']
    if bar.value is None:
        return [*parts, f'<text class="hidden" x="{LABEL + 6}" y="{middle + 4:.1f}">{escape(bar.text)}</text>']
    end, low, high = (LABEL + _along(number, most) for number in (bar.value, bar.low, bar.high))
    parts.append(f'<rect class="bar" x="{LABEL}" y="{top + 5}" width="{end - LABEL:.1f}" height="{ROW - 10}"/>')
    if bar.high > bar.low:
        parts.append(f'<line class="reach" x1="{low:.1f}" y1="{middle:.1f}" x2="{high:.1f}" y2="{middle:.1f}"/>')
        parts += [
            f'<line class="reach" x1="{x:.1f}" y1="{middle - 5:.1f}" x2="{x:.1f}" y2="{middle + 5:.1f}"/>' for x in (low, high)
        ]
    parts.append(f'<text x="{LABEL + PLOT + 10}" y="{middle + 4:.1f}">{escape(bar.text)}</text>')
    return parts


def _along(value: float, most: float) -> float:
    """Give how far along the axis a value stands."""
    return PLOT * min(max(value / most if most > 0 else 0.0, 0.0), 1.0)
