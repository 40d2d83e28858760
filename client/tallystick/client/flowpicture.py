"""The picture of an agreement's data flow: who sends what to whom, and who learns what, as SVG without script or outside parts."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from html import escape
from typing import Final

from tallystick.core.agreement.model import Agreement

_WIDTH: Final = 960
_BOX: Final = 250
_LINE: Final = 17
_PAD: Final = 12
_GAP: Final = 34
_LETTERS: Final = 33
"""Letters that fit beside each other in a box."""
_CAPTION: Final = {
    False: "All of it goes through the coordinator.",
    True: "All of it goes through the coordinator but for the reviewers&#x27; copy (dashed).",
}
_LEFT, _MIDDLE, _RIGHT = 10, 355, 700


def draw_flow(agreed: Agreement) -> str:
    """Draw the data flow of an agreement: agencies at the left, coordinator and reviewers between, approvers and analysts at the right."""
    owners = sorted({one.agency for one in agreed.datasets.values()})
    desk = agreed.release.desk
    sees = "the cells that passed the test" if agreed.disclosure.gate else "every cell, before small ones are hidden"
    desk_learns = f"learns: {sees}"
    left = [
        _Box(
            name,
            [
                "keeps: " + ", ".join(data for data, one in agreed.datasets.items() if one.agency == name),
                "learns: padded sizes of lists, the text of jobs",
                *([f"is the desk; {desk_learns}"] if name == desk else []),
            ],
            desk=name == desk,
        )
        for name in owners
    ]
    right = []
    if desk is not None and desk not in owners:
        right.append(_Box(f"{desk} (desk)", [desk_learns], desk=True))
    right += [_Box(f"{name} (approver)", ["signs each job", "learns: the text of jobs"]) for name in agreed.approvers]
    right.append(_Box("analyst: " + ", ".join(agreed.analysts), ["asks; learns: the released cells, the linkage report"]))
    coordinator = _Box(
        "coordinator",
        [
            "passes on what is sealed",
            "learns: padded sizes, which masked rows coincide" + (", blurred by decoys" if agreed.decoys else ""),
            "learns not: names, values, results",
        ],
    )
    middle = [coordinator]
    if agreed.review is not None:
        told = f"get a copy from {desk} first, for up to {agreed.review.days} days"
        middle.append(_Box("reviewers: " + ", ".join(agreed.review.reviewers), [told, "learn: what the analyst gets"]))
    tall = max(_stack_height(column) for column in (left, middle, right))
    for column, x in ((left, _LEFT), (middle, _MIDDLE), (right, _RIGHT)):
        _place(column, x, tall)
    drawn = [one.draw() for one in (*left, *middle, *right)]
    drawn += [_arrow(one, coordinator) for one in (*left, *right)]
    drawn += [_arrow(one, middle[1], copy=True) for one in (*left, *right) if len(middle) > 1 and one.desk]
    labels = [
        f'<text x="{(_LEFT + _BOX + _MIDDLE) / 2}" y="16" text-anchor="middle" class="note">masked lists,</text>',
        f'<text x="{(_LEFT + _BOX + _MIDDLE) / 2}" y="32" text-anchor="middle" class="note">sealed shares</text>',
        f'<text x="{(_MIDDLE + _BOX + _RIGHT) / 2}" y="16" text-anchor="middle" class="note">signed jobs,</text>',
        f'<text x="{(_MIDDLE + _BOX + _RIGHT) / 2}" y="32" text-anchor="middle" class="note">sealed results</text>',
    ]
    height = tall + 50
    return (
        f'<figure><svg viewBox="0 0 {_WIDTH} {height}" role="img" aria-labelledby="flow-title" xmlns="http://www.w3.org/2000/svg">\n'
        '<title id="flow-title">Who sends what to whom, and who learns what</title>\n'
        "<style>.box { fill: #fff; stroke: #333; } .name { font-weight: 600; font-size: 15px; } .told, .note { font-size: 13px; }"
        " .note { fill: #4d4d4d; } .way { stroke: #0072b2; stroke-width: 2; fill: none; }</style>\n"
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto-start-reverse">'
        '<path d="M0 0 8 4 0 8z" fill="#0072b2"/></marker></defs>\n'
        + "\n".join([*labels, *drawn])
        + f"\n</svg><figcaption>{_CAPTION[agreed.review is not None]}</figcaption></figure>"
    )


class _Box:
    """A party: its name, and what it keeps, sees and learns."""

    def __init__(self, name: str, told: Sequence[str], *, desk: bool = False) -> None:
        self.desk = desk
        self.name = textwrap.wrap(name, _LETTERS - 6)
        self.told = [line for one in told for line in textwrap.wrap(one, _LETTERS)]
        self.x = self.y = 0.0

    @property
    def height(self) -> float:
        """Give how tall it is, in units of the picture."""
        return 2 * _PAD + _LINE * (len(self.name) + len(self.told))

    def draw(self) -> str:
        lines = [("name", one) for one in self.name] + [("told", one) for one in self.told]
        texts = "".join(
            f'<text x="{self.x + _PAD}" y="{self.y + _PAD + _LINE * (place + 0.75):.1f}" class="{kind}">{escape(one)}</text>'
            for place, (kind, one) in enumerate(lines)
        )
        return f'<rect x="{self.x}" y="{self.y:.1f}" width="{_BOX}" height="{self.height}" rx="6" class="box"/>{texts}'


def _stack_height(boxes: Sequence[_Box]) -> float:
    return sum(one.height + _GAP for one in boxes) - _GAP if boxes else 0


def _place(boxes: Sequence[_Box], x: float, tall: float) -> None:
    y = 44 + (tall - _stack_height(boxes)) / 2
    for one in boxes:
        one.x, one.y = x, y
        y += one.height + _GAP


def _arrow(box: _Box, middle: _Box, *, copy: bool = False) -> str:
    from_left = box.x < middle.x
    below = box.height / 4 if copy else 0
    start = (box.x + _BOX if from_left else box.x, box.y + box.height / 2 + below)
    end = (middle.x if from_left else middle.x + _BOX, min(max(start[1], middle.y + 14), middle.y + middle.height - 14))
    way = 'class="way" stroke-dasharray="6 4"' if copy else 'class="way" marker-start="url(#tip)"'
    return f'<path d="M{start[0]} {start[1]:.1f} L{end[0]} {end[1]:.1f}" {way} marker-end="url(#tip)"/>'
