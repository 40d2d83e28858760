"""A table's counts and how they add up, which rows and numbers of the linkage report must be hidden with others."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from tallystick.core.disclosure.reported import flatten_totals
from tallystick.core.disclosure.rule import DisclosureProfile
from tallystick.core.statistics.plan import Plan
from tallystick.core.statistics.table import Linkage, Moments, Row


@dataclass(frozen=True)
class Shape:
    """A table's counts and how they add up."""

    plan: Plan
    profile: DisclosureProfile
    rows: Sequence[Row]
    moments: Sequence[Moments]
    counts: tuple[int, ...]
    totals: Mapping[str, int]
    inner: bool
    """Whether the rows add up to the matches: `keep: a and b`."""

    @classmethod
    def of(
        cls, plan: Plan, rows: Sequence[Row], moments: Sequence[Moments], linkage: Linkage, profile: DisclosureProfile
    ) -> Shape:
        """Read the counts of a table and its linkage report; as `suppress` takes them."""
        counts = tuple(cast("int", row["count"]) for row in rows)
        return cls(plan, profile, rows, moments, counts, flatten_totals(linkage), plan.population.shape == "both")

    @property
    def least(self) -> int:
        """The least count that is small."""
        return 0 if self.profile.zeros_disclosive else 1

    @property
    def slack(self) -> int:
        """How much room the hidden rows need: one more than the small counts span, so that those who fail are loose too."""
        return self.profile.min_cell - self.least

    @property
    def sum_name(self) -> str:
        """Which number of the linkage report the rows add up to."""
        return "matched" if self.inner else f"people({self.plan.population.first})"

    def blocks(self) -> list[set[int]]:
        """Give the rows by what they say of who is in which group."""
        blocks: dict[tuple[object, ...], set[int]] = {}
        for index, row in enumerate(self.rows):
            blocks.setdefault(tuple(row[name] for name in self.plan.presences), set()).add(index)
        return list(blocks.values())

    def list_totalled(self) -> list[set[int]]:
        """Give the rows of each total that may be shown though some of them are hidden."""
        at = {tuple(row[name] for name in self.plan.by): index for index, row in enumerate(self.rows)}
        wanted = (one for one in self.plan.margins if one.side == self.plan.tested)
        return [{at[levels] for row in one.rows if (levels := self.plan.rows[row]) in at} for one in wanted]

    def small_rows(self) -> list[int]:
        """List the rows of small counts."""
        return [index for index, count in enumerate(self.counts) if self.profile.is_small(count)]

    def find_totals_to_hide(self) -> set[str]:
        """Give the numbers of the linkage report that are small or leave a small remainder."""
        small, groups = self.profile.is_small, self.plan.population.groups
        hidden = {name for name, value in self.totals.items() if small(value)}
        if "matched" not in self.totals:
            return hidden
        matched = self.totals["matched"]
        for group in groups:
            people, usable = self.totals[f"people({group})"], self.totals[f"usable({group})"]
            if small(people - usable):
                hidden.add(f"usable({group})")
            if small(people - matched) or small(usable - matched):
                hidden.add("matched")
        # a small sum or group would bound every row below it
        bounds = (self.sum_name, *(f"people({group})" for group in groups))
        return set(self.totals) if any(small(self.totals[name]) for name in bounds) else hidden

    def complement(self, hidden: set[int], among: Collection[int] | None = None) -> int | None:
        """Give the row to hide beside others: the first that shares most levels with one of them; None if there is none.

        Args:
            hidden: the others.
            among: rows that may be hidden; None: any.
        """

        def count_shared(index: int) -> int:
            mine = [self.rows[index][name] for name in self.plan.by]
            others = [[self.rows[other][name] for name in self.plan.by] for other in hidden]
            return max((sum(a == b for a, b in zip(mine, other, strict=True)) for other in others), default=0)

        allowed = range(len(self.counts)) if among is None else sorted(among)
        candidates = [i for i in allowed if i not in hidden and self.counts[i] >= self.profile.min_cell]
        return max(candidates, key=lambda index: (count_shared(index), -index), default=None)

    def telling_totals(self, hidden: set[int], withheld: set[str]) -> set[str]:
        """Give the numbers of the linkage report that would say too much about the hidden rows, or about a hidden remainder.

        Each test is over what would be shown, so that passing it tells nothing.
        """
        at_most = {f"{what}({group})" for what in ("people", "usable") for group in self.plan.population.groups}
        known = self.sum_name not in withheld
        if known and not self.is_loose(hidden):
            return set(self.totals)
        if "matched" in withheld and hidden and self.inner:
            # matched people are at least those of the rows and at most each total above; between must be room
            least = max(self._least_sum(hidden, known=known), self.profile.min_cell)
            most = min((self.totals[name] for name in at_most - withheld), default=None)
            lone = all(self._is_small(index) for index in hidden)
            if most is not None and (lone or most - least < self.slack):
                return set(self.totals)
        return set()

    def _least_sum(self, hidden: set[int], *, known: bool) -> int:
        """Give the least that all counts can add up to, for who sees what is not hidden, and perhaps the sum."""
        least = sum(self._range(index)[0] if index in hidden else count for index, count in enumerate(self.counts))
        return max(least, sum(self.counts)) if known else least

    def _range(self, index: int) -> tuple[int, int | None]:
        """Give the least and largest count that a hidden row may have, by its reason alone."""
        return (self.least, self.profile.min_cell - 1) if self._is_small(index) else (self.profile.min_cell, None)

    def is_loose(self, hidden: set[int]) -> bool:
        """Tell whether every small count among `hidden` could be the largest and the least small one: the others give or take people."""
        if not any(self._is_small(index) for index in hidden):
            return True
        over = sum(self.counts[index] - self._range(index)[0] for index in hidden)
        under = sum(self.profile.min_cell - 1 - self.counts[index] for index in hidden)
        return over >= self.slack and (under >= self.slack or not all(self._is_small(index) for index in hidden))

    def _is_small(self, index: int) -> bool:
        return self.profile.is_small(self.counts[index])
