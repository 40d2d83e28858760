"""What share of people another group has, by the columns that part them, with Wilson's intervals.

Two kinds of results tell it: the linkage report of two groups by the columns of one; and rows that are parted by whether people are in a
group, `by: [tanf.region, wages.present]`, of which each share is worked out from two counts that are shown. Where one of the two is hidden,
the share is hidden.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from tallystick.client.answer import ALL, COUNT, Answer, ShownCell
from tallystick.client.noisy import find_noise
from tallystick.client.sentences import two_groups
from tallystick.client.words import HIDDEN, count, level
from tallystick.core.linkage.quality.intervals import wilson

NOBODY: Final = "nobody"
"""What stands for the share of a row without people."""
PRESENT: Final = ".present"


@dataclass(frozen=True)
class ShownShare:
    """One share.

    Attributes:
        levels: what it is of, a level for each column.
        cell: the share, with its parts as text and its interval.
        part, whole: how many were found, of how many; as text.
    """

    levels: tuple[str, ...]
    cell: ShownCell
    part: str
    whole: str


@dataclass(frozen=True)
class Shares:
    """The shares of a result.

    Attributes:
        of: whose people.
        found: the group in which they were found.
        by: names of the columns of levels.
        rows: a share for each combination of levels.
        overall: of all levels together, by period where there are periods; empty where it is hidden.
        reported: whether the linkage report tells them.
    """

    of: str
    found: str
    by: tuple[str, ...]
    rows: tuple[ShownShare, ...]
    overall: tuple[ShownShare, ...]
    reported: bool

    @property
    def label(self) -> str:
        """What the numbers are."""
        return f"share of {self.of} found in {self.found}, with 95% intervals"


def find_shares(answer: Answer) -> Shares | None:
    """Give the shares of a result: those of the linkage report where it shows any, or those by presence; None where there are neither."""
    if find_noise(answer.value) is not None:
        return None  # Wilson's intervals know nothing of noise
    reported, derived = _read_reported(answer), _derive_shares(answer)
    shown = reported is not None and any(one.cell.value is not None for one in (*reported.rows, *reported.overall))
    return reported if shown or derived is None else derived


def _read_reported(answer: Answer) -> Shares | None:
    rates = answer.value["linkage"].get("rates") or {}
    both = two_groups(answer)
    if both is None or not rates.get("overall"):
        return None
    rows = []
    for one in rates.get("groups") or []:
        rate, people = one["rate"], one["people"]
        if rate is None:
            cell = ShownCell(NOBODY, None) if people == 0 else ShownCell("hidden", None, "small-cell")
        else:
            text = f"{rate['value']:.1%} ({count(one['matched'])} of {count(people)})"
            cell = ShownCell(text, rate["value"], interval=(rate["low"], rate["high"]))
        rows.append(ShownShare(tuple(level(one[name]) for name in rates["by"]), cell, count(one["matched"]), count(people)))
    whole = rates["overall"].get(both[0])
    overall = []
    if whole is not None:
        cell = ShownCell(f"{whole['value']:.1%}", whole["value"], interval=(whole["low"], whole["high"]))
        people = (answer.value["linkage"].get("people") or {}).get(both[0])
        overall.append(
            ShownShare((ALL,) * len(rates["by"]), cell, count(answer.value["linkage"].get("matched")), count(people))
        )
    return Shares(*both, tuple(rates["by"]), tuple(rows), tuple(overall), reported=True)


def _derive_shares(answer: Answer) -> Shares | None:
    """Work shares out of the counts of those who are in a group and those who are not."""
    places = [place for place, name in enumerate(answer.by) if name.endswith(PRESENT)]
    if len(places) != 1 or COUNT not in answer.keys:
        return None
    (place,) = places
    cells: dict[tuple[str, ...], dict[str, ShownCell]] = {}
    for row in answer.rows:
        cells.setdefault((*row.levels[:place], *row.levels[place + 1 :]), {})[row.levels[place]] = row.cells[COUNT]
    if not cells or any(found.keys() != {"true", "false"} for found in cells.values()):
        return None
    rows = tuple(_work_out(levels, found["true"], found["false"]) for levels, found in cells.items())
    keep = answer.question.json_value().get("keep")
    of = keep if keep in answer.question.people else "those counted"
    by = (*answer.by[:place], *answer.by[place + 1 :])
    overall = tuple(_sum_up(answer, cells)) if by else ()
    return Shares(of, answer.by[place].removesuffix(PRESENT), by, rows, overall, reported=False)


def _work_out(levels: tuple[str, ...], there: ShownCell, lacking: ShownCell) -> ShownShare:
    if there.value is None or lacking.value is None:
        hidden = there if there.value is None else lacking
        part = HIDDEN if there.value is None else there.text
        return ShownShare(levels, ShownCell(hidden.text, None, hidden.hidden), part, HIDDEN)
    found, people = int(there.value), int(there.value + lacking.value)
    if not people:
        return ShownShare(levels, ShownCell(NOBODY, None), count(found), count(people))
    cell = ShownCell(f"{found / people:.1%} ({found:,} of {people:,})", found / people, interval=wilson(found, people))
    return ShownShare(levels, cell, count(found), count(people))


def _sum_up(answer: Answer, cells: dict[tuple[str, ...], dict[str, ShownCell]]) -> Iterator[ShownShare]:
    """Add up the counts of all levels, of each period by itself; nothing where one of them is hidden, or where there is one level."""
    periods = 0 if answer.follow is None else 1  # periods come first, and each counts the same people again
    groups: dict[tuple[str, ...], list[dict[str, ShownCell]]] = {}
    for levels, found in cells.items():
        groups.setdefault(levels[:periods], []).append(found)
    for period, inside in groups.items():
        rest = len(next(iter(cells))) - periods
        if not rest or len(inside) < 2 or any(cell.value is None for found in inside for cell in found.values()):
            continue
        sums = [ShownCell("", sum(int(found[name].value or 0) for found in inside)) for name in ("true", "false")]
        yield _work_out((*period, *[ALL] * rest), *sums)
