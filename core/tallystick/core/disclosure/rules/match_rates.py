"""Which groups of the linkage report may show how many of their people matched, beside a table whose rows are hidden already.

A group's people P and matches M, and with them its people without a match X = P - M, are sums over rows of the table, or parts of
them. So what a group shows may not say what the table hides, nor a small number of its own. Of `keep: a` by columns of b all three are
sums of the group's rows, some of people who are in b and the others of people who are not: a group is shown if all its rows are, and so
says nothing new. Otherwise:

1. Nothing is shown by group where the report hides the first group's people or the matches: the totals, which the groups add up to,
   must be known, or they would say them.
2. A group is hidden if P, M or X is small; if the second group's values present in its rows leave few of its matches; or if the hidden
   rows among its own are not loose once their sum is known (`small_cells.py`, rule 5).
3. Fewer than `CROWD` hidden groups take as many with them as they lack, or all: first, in order, those that have enough people of
   both kinds. So which of them had something small, or how many, is not to be seen.
4. Together the hidden groups' sums are known, by subtraction. These must pass rule 2 as one group would; and each hidden X and M,
   as far as these sums and the rows that are shown bound it, must be free over the whole range of small counts, or out of it. Until
   that holds one more group is hidden, at the end all: then nothing is shown by group.

Rule 4 looks at what would be shown alone, so that passing it tells nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final, cast

from tallystick.core.disclosure.rule import CROWD, DisclosureProfile
from tallystick.core.statistics.plan import Plan
from tallystick.core.statistics.table import GroupCount, Linkage, Row

_MANY: Final = 1 << 62
"""More people than there are: the bound of what nothing bounds."""


def find_shown_groups(
    groups: Sequence[GroupCount],
    rows: Sequence[Row],
    out: Sequence[Row],
    linkage: Linkage,
    profile: DisclosureProfile,
    plan: Plan,
) -> frozenset[int]:
    """Give which groups may be shown.

    Args:
        groups: as `group_counts` gives them.
        rows: the table before any rule.
        out: the same after `suppress`.
        linkage: the linkage totals after `suppress`.
        profile: the rules.
        plan: of all of them.
    """
    everyone = frozenset(range(len(groups)))
    if not profile.hides or not groups:
        return everyone
    audit = _Audit.of(groups, rows, out, profile, plan)
    if plan.presences:
        return frozenset(group for group in everyone if audit.all_shown(group))
    people = cast("dict[str, int | None]", linkage["people"])
    if people[plan.population.first] is None or linkage["matched"] is None:
        return frozenset()
    hidden = {group for group in everyone if not audit.may_know([group])}
    if not hidden:
        return everyone
    while len(hidden) < CROWD or not (audit.may_know(sorted(hidden)) and audit.free(sorted(hidden))):
        more = audit.next_to(hidden)
        if not more:
            return frozenset()
        hidden |= more
    return everyone - hidden


@dataclass(frozen=True)
class _Audit:
    """Groups, and the rows of the table that each is made of.

    Attributes:
        inner: whether the rows add up to the matches: `keep: a and b`.
        present: labels of the counts of the second group's values that are present.
        table: by group, the numbers of its rows.
    """

    groups: Sequence[GroupCount]
    rows: Sequence[Row]
    out: Sequence[Row]
    profile: DisclosureProfile
    inner: bool
    present: tuple[str, ...]
    table: tuple[tuple[int, ...], ...]

    @classmethod
    def of(
        cls, groups: Sequence[GroupCount], rows: Sequence[Row], out: Sequence[Row], profile: DisclosureProfile, plan: Plan
    ) -> _Audit:
        place = {group.levels: index for index, group in enumerate(groups)}
        table: list[list[int]] = [[] for _ in groups]
        for number, row in enumerate(rows):
            table[place[tuple(cast("str | int | bool | None", row[name]) for name in plan.group_by)]].append(number)
        present = tuple(one.label for one in plan.present if plan.population.second in plan.groups_of(one))
        return cls(groups, rows, out, profile, plan.population.shape == "both", present, tuple(map(tuple, table)))

    @property
    def least(self) -> int:
        """The least count that is small."""
        return 0 if self.profile.zeros_disclosive else 1

    def all_shown(self, group: int) -> bool:
        """Tell whether every row of a group is shown."""
        return all(self._is_shown(number) for number in self.table[group])

    def next_to(self, hidden: set[int]) -> set[int]:
        """Give the next group to hide: the first with enough people of both kinds, then of any; none where all are hidden."""
        left = [index for index in range(len(self.groups)) if index not in hidden]
        least = self.profile.min_cell
        many = [index for index in left if self.groups[index].people >= least]
        both = [index for index in many if min(self.groups[index].matched, self.groups[index].unmatched) >= least]
        return set((both or many or left)[:1])

    def may_know(self, block: Sequence[int]) -> bool:
        """Tell whether the sums of P and M over some groups may be known beside the table (rule 2)."""
        people, matched = sum(self.groups[g].people for g in block), sum(self.groups[g].matched for g in block)
        rows = [number for group in block for number in self.table[group]]
        hidden = [number for number in rows if not self._is_shown(number)]
        if not self.inner and len(block) == 1 and hidden:
            return False  # the row is the group's people
        numbers = [people, matched, people - matched]
        whole = matched if self.inner else people
        rest = whole - sum(self._count(number) for number in rows if self._is_shown(number))
        if any(map(self.profile.is_small, numbers)) or not self._loose(hidden, rest):
            return False
        return self.inner or not self._present_tells(rows, matched)  # in `a and b` they were held against the rows' own counts

    def free(self, block: Sequence[int]) -> bool:
        """Tell whether, of groups whose sums alone are known, no small number is bounded within the small ones (rule 4)."""
        caps = [self._cap(group) for group in block]
        parts: list[Callable[[GroupCount], int]] = [lambda group: group.unmatched]
        if not self.inner:
            parts.append(lambda group: group.matched)
        for part in parts:
            total = sum(part(self.groups[group]) for group in block)
            if not all(self._spans(total - (sum(caps) - cap), min(cap, total)) for cap in caps):
                return False
        return True

    def _spans(self, low: int, high: int) -> bool:
        """Tell whether an interval misses the small counts, or holds them all."""
        low, least, most = max(low, 0), self.least, self.profile.min_cell - 1
        return high < least or low > most or (low <= least and high >= most)

    def _cap(self, group: int) -> int:
        """Give the most people without a match that a group can have, for who sees the table."""
        if self.inner:
            return _MANY
        if not self.table[group]:
            return 0
        number = self.table[group][0]
        if self._is_shown(number):
            return self._count(number)
        return self.profile.min_cell - 1 if self.out[number]["suppressed"] == "small-cell" else _MANY

    def _loose(self, hidden: Iterable[int], total: int) -> bool:
        """Tell whether hidden rows whose sum is known can each still be any small count; as in `small_cells.py`, with one to spare."""
        numbers = list(hidden)
        small = [number for number in numbers if self.out[number]["suppressed"] == "small-cell"]
        if not small:
            return True
        slack = self.profile.min_cell - self.least
        least = self.least * len(small) + self.profile.min_cell * (len(numbers) - len(small))
        over = total - least
        under = (self.profile.min_cell - 1) * len(small) - total if len(small) == len(numbers) else slack
        return over >= slack and under >= slack

    def _present_tells(self, numbers: Sequence[int], people: int) -> bool:
        """Tell whether the second group's values that are shown to be present leave few of so many matched people."""
        for label in self.present:
            shown = [self.out[number].get(label) for number in numbers]
            if all(value is not None for value in shown):
                present = sum(cast("int", value) for value in shown)
                if present > 0 and self.profile.is_small(people - present) and people > present:
                    return True
        return False

    def _is_shown(self, number: int) -> bool:
        return self.out[number]["count"] is not None

    def _count(self, number: int) -> int:
        return cast("int", self.rows[number]["count"])
