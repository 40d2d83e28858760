"""The page that every plot is drawn on: title above, and below what must be known of it; how what is hidden is drawn."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from tallystick.client.answer import Answer, ShownCell, meaning_of
from tallystick.client.sentences import linkage_sentence, question_sentence
from tallystick.core.ids import short

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BLUE: Final = "#0072B2"
DARK: Final = "#333333"
GREY: Final = "#F0F0F0"
LINE: Final = "#8C8C8C"
STYLES: Final = (
    ("#0072B2", "o"), ("#D55E00", "s"), ("#009E73", "^"), ("#CC79A7", "D"), ("#E69F00", "v"), ("#56B4E9", "P"), ("#000000", "X"),
)  # fmt: skip
"""Colors that people tell apart who see colors otherwise (Okabe and Ito), and markers that differ without color."""
WIDTH: Final = 9.0
LINE_HIGH: Final = 0.185
HEAD_HIGH: Final = 0.28
"""Inches of a line of the text below and of the title."""
WRAP: Final = 100
LONGEST: Final = 34


def build_page(answer: Answer, height: float, hidden: Sequence[str | None]) -> Figure:
    """Give a figure without axes yet: the title above; below the question, what was linked, what is hidden, whose it is."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    below = _list_lines(answer, hidden)
    head = textwrap.wrap(answer.title, 78)
    tall = height + 1.1 + HEAD_HIGH * len(head) + LINE_HIGH * len(below)
    under, over = LINE_HIGH * len(below) + 0.15, HEAD_HIGH * len(head) + 0.15
    layout = ConstrainedLayoutEngine(rect=(0.01, under / tall, 0.98, 1 - (under + over) / tall))
    figure = Figure(figsize=(WIDTH, tall), layout=layout, facecolor="white")
    FigureCanvasAgg(figure)
    figure.text(0.02, 1 - 0.12 / tall, "\n".join(head), ha="left", va="top", fontsize=13, fontweight="bold", color=DARK)
    figure.text(0.02, 0.08 / tall, "\n".join(below), ha="left", va="bottom", fontsize=8, color="#4D4D4D", linespacing=1.35)
    return figure


def _list_lines(answer: Answer, drawn: Sequence[str | None]) -> list[str]:
    least = answer.value["disclosure"].get("min_cell")
    least = least if isinstance(least, int) else 0
    reasons = dict.fromkeys(why for why in drawn if why is not None)
    hidden = [f"hatched: hidden in {drawn.count(why)} of {len(drawn)} places, {meaning_of(why, least)}" for why in reasons]
    source = (
        f"{', '.join(people.agency for people in answer.question.people.values())}; released {answer.value['released'][:10]}"
    )
    texts = [question_sentence(answer), linkage_sentence(answer), *hidden, f"{source}; job {short(answer.value['job'])}"]
    return [line for text in texts for line in textwrap.wrap(text, WRAP + 25, subsequent_indent="   ")]


def cut_label(text: str, most: int = LONGEST) -> str:
    """Shorten a label to what fits."""
    return text if len(text) <= most else f"{text[: most - 1]}…"


def draw_missing(axes: Axes, at: float, cell: ShownCell, most: float) -> None:
    """Draw a bar that is not there: a hatched strip where the value is hidden, words alone where nobody is in it."""
    if cell.hidden is not None:
        axes.barh(at, most, height=0.66, color=GREY, edgecolor=LINE, hatch="////", lw=0, zorder=1)
    box = {"facecolor": "white", "edgecolor": "none", "pad": 1.5}
    axes.text(most * 0.015, at, cell.text, va="center", color=DARK, style="italic", bbox=box, zorder=4)
