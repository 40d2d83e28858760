"""What a result shows of a job with a gate: what opened, and of all else that it did not, and in which of two ways.

Which cells open is decided on shares, by the rule of `totals/state.py`, before the desk has anything. So nothing is tested here, and
nothing is hidden but what the desk does not have. A number of the linkage report that did not open is null, and says why. What is worked
out of several cells (a measure, a rate) is shown if all of them opened.

Matches by pass are the coordinator's blurred counts; they are shown where the matches opened (of more than two groups, of each two), as
without a gate.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, Literal, TypeAlias

from tallystick.core.disclosure.rule import DisclosureProfile, hide_row, without_measures
from tallystick.core.moments import Count, Moment
from tallystick.core.statistics.keys import GroupPeople, InGroup, InReport, InRow, InSystems, Key, Matched, Number, Usable
from tallystick.core.statistics.plan import Plan
from tallystick.core.statistics.table import Linkage, Row, linkage_numbers, numbers, pair_name, table
from tallystick.crypto.statistic.gate import Fate

Reason: TypeAlias = Literal["small-or-beside", "group"]
SMALL: Final[Reason] = "small-or-beside"
"""The count is small, or hidden beside a small one so that nothing follows; which of them nobody at the desk can tell."""
GROUP: Final[Reason] = "group"
"""It was not tested: a group that it is part of has too few people, or is hidden itself."""
UNTESTED: Final = "untested"
"""Why a number of the linkage report is hidden if it was not tested: rows or values that it would bound are hidden, or the plan does not
count what it would be held against."""
_TOTALS: Final = frozenset({"people", "usable", "matched", "pairs", "in_groups"})
_REASONS: Final[Mapping[Fate, Reason]] = {Fate.HIDDEN: SMALL, Fate.STRUCK: GROUP}


@dataclass(frozen=True)
class ClosedCells:
    """Which cells of a plan did not open.

    Attributes:
        plan: the job's.
        hidden: what became of each of them.
    """

    plan: Plan
    hidden: Mapping[int, Fate]

    @cached_property
    def keys(self) -> Mapping[Key, Fate]:
        """The same by what the cells are."""
        return {self.plan.cells[at].key: fate for at, fate in self.hidden.items()}

    def why(self, index: int) -> Reason | None:
        """Give why a row of the plan shows nothing; None if it does."""
        fate = self.keys.get(Key(InRow(index), Count()))
        return None if fate is None else _REASONS[fate]

    def rows(self, index: int, row: Row) -> Row:
        """Give a row of the plan with nothing in it that did not open."""
        reason = self.why(index)
        if reason is not None:
            return hide_row(row, self.plan, reason)
        closed = self._labels(index)
        fates = {fate for found in closed.values() for fate in found}
        if not fates:
            return dict(row)
        labels = [label for label in row if label in closed]
        return without_measures(row, labels, SMALL if Fate.HIDDEN in fates else GROUP)

    def _labels(self, index: int) -> dict[str, list[Fate]]:
        """Give what of a row that opened does not show, and what became of the cells that it is worked out of."""
        found: dict[str, list[Fate]] = {}
        for one in self.plan.asked:
            own: tuple[Moment, ...] = (one.rests_on,)
            for label, moments in ((one.rests_on.label, own), (one.label, (*own, *one.moments))):
                keys = (Key(InRow(index), moment) for moment in moments)
                fates = [self.keys[key] for key in keys if key in self.keys]
                if fates:
                    found[label] = fates
        return found

    def list_shown_rows(self, opened: Sequence[int]) -> list[int]:
        """Give the rows that a result has: those that did not open, and of the others those that `table` shows."""
        values = numbers(self.plan, opened)
        return [
            index
            for index, levels in enumerate(self.plan.rows)
            if self.why(index) or None not in levels or values.get(Key(InRow(index), Count()), 0) != 0
        ]

    def linkage(self, opened: Sequence[int]) -> Linkage:
        """Give the totals of the linkage report, null where withheld."""
        made: Linkage = {}
        for name, value in linkage_numbers(self.plan, opened).items():
            if isinstance(value, dict):
                made[name] = {called: None if self._is_closed(name, called) else number for called, number in value.items()}
            else:
                made[name] = None if self._is_closed(name) else value
        return made

    def _is_closed(self, name: str, called: str = "") -> bool:
        """Tell whether a number of the report, by its names there, did not open."""
        return self.find_fate(name, called) is not None

    def find_fate(self, name: str, called: str = "") -> Fate | None:
        """Give what became of a number of the report, by its names there; None if it opened, or is none."""
        pairs = {pair_name(pair): pair for pair in self.plan.pairs}
        report: dict[str, Number] = {
            "people": GroupPeople(called),
            "usable": Usable(called),
            "matched": Matched(),
            "pairs": Matched(pairs.get(called, ())),
        }
        number = InSystems(int(called)) if name == "in_groups" else report[name]
        return self.keys.get(Key(InReport(), number))

    def group_opened(self, index: int) -> bool:
        """Tell whether people and matches of a group of the linkage report opened."""
        numbers_ = (GroupPeople(self.plan.population.first), Matched())
        return not any(Key(InGroup(index), number) in self.keys for number in numbers_)


def close_rows(closed: ClosedCells, opened: Sequence[int], *, keep_empty: bool) -> tuple[list[int], list[Row]]:
    """Give the rows of a result: which of the plan's they are, and what they show.

    Args:
        closed: what did not open.
        opened: the signed integer of each cell that did, 0 of the others.
        keep_empty: also keep rows of a missing level that nobody is in.
    """
    rows = table(closed.plan, opened, keep_empty=True)
    shown = list(range(len(rows))) if keep_empty else closed.list_shown_rows(opened)
    return shown, [closed.rows(index, rows[index]) for index in shown]


def tell_closed(
    closed: ClosedCells, rows: Sequence[Row], linkage: Mapping[str, Any], profile: DisclosureProfile
) -> dict[str, Any]:
    """Give what a result says under `disclosure`: that cells were closed on shares, by which numbers, and how many."""
    why = [row["suppressed"] for row in rows if row["count"] is None]
    found = {
        f"{name}({called})" if called else name: closed.find_fate(name, called)
        for name, value in linkage.items()
        if name in _TOTALS
        for called in (value if isinstance(value, dict) else ("",))
    }
    withheld = {name: SMALL if fate is Fate.HIDDEN else UNTESTED for name, fate in sorted(found.items()) if fate is not None}
    return {
        "profile": profile.name,
        "min_cell": profile.min_cell,
        "zeros_disclosive": profile.zeros_disclosive,
        "gate": True,
        "rows_hidden": {reason: why.count(reason) for reason in (SMALL, GROUP)},
        "measures_hidden": sum(len(hidden) for row in rows if isinstance(hidden := row.get("hidden"), list)),
        "linkage_hidden": list(withheld),
        "linkage_why": withheld,
    }
