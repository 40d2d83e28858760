"""Which groups of the linkage report may show how many of their people matched, beside a table whose rows are hidden already.

A group's people P and matches M, and with them its people without a match X = P - M, are sums over rows of the table, or parts of
them. In a left join by columns of both sides the row of missing right levels holds X and the matched people B who have none. So what
a group shows may not say what the table hides, nor a small number of its own:

1. Nothing is shown by group where the report hides the left group's people or the matches, or where a left join hides a row of
   missing right levels: the totals, which the groups add up to, must be known, or they would say them.
2. A group is hidden if P, M, X or B is small; if the right values present in its rows leave few of its matches; or if the hidden
   rows among its own are not loose once their sum is known (`small_cells.py`, rule 5).
3. Fewer than `CROWD` hidden groups take as many with them as they lack, or all: first, in order, those that have enough people of
   both kinds. So which of them had something small, or how many, is not to be seen.
4. Together the hidden groups' sums are known, by subtraction. These must pass rule 2 as one group would; and each hidden X, M and B,
   as far as these sums and the rows that are shown bound it, must be free over the whole range of small counts, or out of it. Until
   that holds one more group is hidden, at the end all: then nothing is shown by group.

Rule 4 looks at what would be shown alone, so that passing it tells nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final, cast

from tallystick.core.disclosure.rule import DisclosureProfile
from tallystick.core.disclosure.rules.small_cells import CROWD
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
    people = cast("dict[str, int | None]", linkage["people"])
    if people[plan.left] is None or linkage["matched"] is None or not audit.unmatched_rows_shown():
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
        present: labels of the counts of right values that are present.
        table: by group, the numbers of its rows.
        back: by group, the number of its row of missing right levels, in a left join by columns of both sides; None for no such row.
    """

    groups: Sequence[GroupCount]
    rows: Sequence[Row]
    out: Sequence[Row]
    profile: DisclosureProfile
    inner: bool
    by_right: bool
    present: tuple[str, ...]
    table: tuple[tuple[int, ...], ...]
    back: tuple[int | None, ...]

    @classmethod
    def of(
        cls, groups: Sequence[GroupCount], rows: Sequence[Row], out: Sequence[Row], profile: DisclosureProfile, plan: Plan
    ) -> _Audit:
        inner = plan.population.inner
        others = [name for name in plan.by if name not in plan.group_by]
        place = {group.levels: index for index, group in enumerate(groups)}
        table: list[list[int]] = [[] for _ in groups]
        back: list[int | None] = [None] * len(groups)
        for number, row in enumerate(rows):
            group = place[tuple(cast("str | int | bool | None", row[name]) for name in plan.group_by)]
            table[group].append(number)
            if not inner and others and all(row[name] is None for name in others):
                back[group] = number
        present = tuple(one.label for one in plan.present if plan.right in plan.groups_of(one))
        return cls(groups, rows, out, profile, inner, bool(others), present, tuple(map(tuple, table)), tuple(back))

    @property
    def least(self) -> int:
        """The least count that is small."""
        return 0 if self.profile.zeros_disclosive else 1

    def unmatched_rows_shown(self) -> bool:
        """Tell whether no row of missing right levels is hidden; there are such rows in a left join by columns of both sides only."""
        return all(number is None or self._shown(number) for number in self.back)

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
        hidden = [number for number in rows if not self._shown(number)]
        if not self.inner and not self.by_right and len(block) == 1 and hidden:
            return False  # the row is the group's people
        numbers = [people, matched, people - matched]
        whole = matched if self.inner else people
        rest = whole - sum(self._count(number) for number in rows if self._shown(number))
        back = [number for group in block if (number := self.back[group]) is not None]
        without_levels = matched - (people - sum(self._count(number) for number in back))
        if self._apart:
            numbers.append(without_levels)
        if any(map(self.profile.is_small, numbers)) or not self._loose(hidden, rest):
            return False
        if self.inner:
            return True  # each row's present values were held against its own count
        return not self._present_tells(back if self.by_right else rows, without_levels if self.by_right else matched)

    def free(self, block: Sequence[int]) -> bool:
        """Tell whether, of groups whose sums alone are known, no small number is bounded within the small ones (rule 4)."""
        caps = [self._cap(group) for group in block]
        parts: list[Callable[[GroupCount], int]] = [lambda group: group.unmatched]
        if not self.inner and not self.by_right:
            parts.append(lambda group: group.matched)
        for part in parts:
            total = sum(part(self.groups[group]) for group in block)
            if not all(self._spans(total - (sum(caps) - cap), min(cap, total)) for cap in caps):
                return False
        if self._apart:  # what of each row of missing right levels is no person without a match
            total = sum(cap - self.groups[group].unmatched for group, cap in zip(block, caps, strict=True))
            return all(self._spans(total - (sum(caps) - cap), min(cap, total)) for cap in caps)
        return True

    @property
    def _apart(self) -> bool:
        """Whether people without a match stand in rows beside matched people who have no right levels."""
        return not self.inner and self.by_right

    def _spans(self, low: int, high: int) -> bool:
        """Tell whether an interval misses the small counts, or holds them all."""
        low, least, most = max(low, 0), self.least, self.profile.min_cell - 1
        return high < least or low > most or (low <= least and high >= most)

    def _cap(self, group: int) -> int:
        """Give the most people without a match that a group can have, for who sees the table."""
        if self.inner:
            return _MANY
        number = self.back[group] if self.by_right else self.table[group][0] if self.table[group] else None
        if number is None:
            return 0
        if self._shown(number):
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
        """Tell whether the right values that are shown to be present leave few of so many matched people."""
        for label in self.present:
            shown = [self.out[number].get(label) for number in numbers]
            if all(value is not None for value in shown):
                present = sum(cast("int", value) for value in shown)
                if present > 0 and self.profile.is_small(people - present) and people > present:
                    return True
        return False

    def _shown(self, number: int) -> bool:
        return self.out[number]["count"] is not None

    def _count(self, number: int) -> int:
        return cast("int", self.rows[number]["count"])
