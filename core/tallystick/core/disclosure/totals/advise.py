"""What a design is likely to cost, before anything is computed: `tally job check` shows it with what would lose less."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from random import Random
from typing import Final

from tallystick.core.disclosure.totals.arrangement import Arrangement, arrange
from tallystick.core.disclosure.totals.clear import decide_pattern
from tallystick.core.disclosure.totals.design import TableDesign
from tallystick.core.disclosure.totals.schedule import schedule_tests
from tallystick.core.disclosure.totals.sums import strike_bound

DRAWS: Final = 40
"""Made-up tables on which an estimate rests."""


class DesignRisk(StrEnum):
    """Why a design may open little."""

    CROSSING = "crossing"
    """Totals that are known anyway cross."""
    CROSSED_EARLIER = "crossed-earlier"
    """Totals of earlier tables cross, or cross an agency's own."""
    UNTESTED = "untested"
    """A total that is asked for crosses one that is known or asked for before it."""
    NARROW = "narrow"
    """A group has many cells, so that it needs many people."""
    HIDDEN_BEFORE = "hidden-before"
    """An earlier table hid a part."""


@dataclass(frozen=True)
class DesignNote:
    """One thing that a design is likely to lose.

    Attributes:
        risk: which kind.
        message: what opens when.
        instead: what to ask for that loses less.
    """

    risk: DesignRisk
    message: str
    instead: str


@dataclass(frozen=True)
class Advice:
    """What a design is likely to cost.

    Attributes:
        stages: exchanges of answers, at most.
        tests: at most.
        degree: the largest number of small values of a test on shares.
        notes: what may be lost.
    """

    stages: int
    tests: int
    degree: int
    notes: tuple[DesignNote, ...]


def advise(design: TableDesign) -> Advice:
    """Give what a design is likely to cost."""
    found = arrange(design)
    schedule = schedule_tests(design, found)
    wide = [max((0, *stage.sums, *(len(one.small) for one in stage.plain))) for stage in schedule.stages]
    return Advice(
        len(schedule.stages), sum(one.tests for one in schedule.stages), max(wide, default=0), tuple(_notes(design, found))
    )


def estimate_opened(design: TableDesign, people: int, *, seed: int = 0) -> float:
    """Give the share of cells that would open, over made-up tables of so many people.

    The people of a made-up table fall into its cells by shares of a symmetric Dirichlet distribution (2), which is uneven as tables of
    programs by counties are. Real counts are not looked at; every party gets the same estimate.

    Args:
        design: of a table.
        people: in all its cells together.
        seed: of the made-up tables.
    """
    source, opened = Random(seed), 0  # noqa: S311 — made-up tables, not secrets
    for _ in range(DRAWS):
        weights = [source.gammavariate(2, 1) for _ in design.cells]
        counts = [round(people * weight / sum(weights)) for weight in weights]
        plain = replace(
            design,
            cells=tuple(
                type(cell)(((1, at),), from_zero=cell.from_zero, hidden_before=cell.hidden_before)
                for at, cell in enumerate(design.cells)
            ),
            totals=tuple(replace(total, cell=None) for total in design.totals),
        )
        opened += len(decide_pattern(plain, counts).opened)
    return opened / (DRAWS * len(design.cells)) if design.cells else 0.0


def _notes(design: TableDesign, found: Arrangement) -> Iterable[DesignNote]:
    k = design.min_cell
    for unit in found.units:
        inside = [total for total in design.totals if total.cells <= set(unit)]
        agencies = sorted(set().union(*(total.known_to for total in inside)))
        if any(total.earlier for total in inside):
            yield DesignNote(
                DesignRisk.CROSSED_EARLIER,
                f"{len(unit)} cells open together or not at all: sums of them that cross are known, some by an earlier table",
                "ask for the cross-tab before its one-way tables, or with fewer levels",
            )
        else:
            yield DesignNote(
                DesignRisk.CROSSING,
                f"{len(unit)} cells open together or not at all: {' and '.join(agencies)} know sums of them that cross",
                "keep the people of one agency, group by its columns, or count people by how many systems they are in",
            )
    apart = [at for at, number in enumerate(found.at) if number in found.rest and design.totals[at].asked]
    apart = [at for at in apart if not found.numbers[found.at[at]].untested and found.at[at] not in found.public]
    if apart:
        yield DesignNote(
            DesignRisk.UNTESTED,
            f"{len(apart)} totals open only where all their cells do, because they cross totals that are known",
            "ask for totals of rows or of columns, not both, and of those that the agency of the rows knows anyway",
        )
    wide = max((len(found.members(total)) for total in found.groups), default=0)
    if wide:
        yield DesignNote(
            DesignRisk.NARROW,
            f"a group of {wide} cells opens nothing if it has fewer than {strike_bound(k, wide)} people",
            "merge levels that few people have",
        )
    hidden = sum(cell.hidden_before for cell in design.cells)
    if hidden:
        yield DesignNote(
            DesignRisk.HIDDEN_BEFORE,
            f"{hidden} cells stay hidden, as in an earlier table of these people",
            "ask for levels that opened",
        )
