"""A new table held against earlier ones of its family: what of it is hidden, by the rules of `rules/differences.py`."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from tallystick.core.disclosure.blocks import Block, block_of, count_block
from tallystick.core.disclosure.kept import divide_ones, read_counts, telling
from tallystick.core.disclosure.rule import CROWD, DisclosureProfile, hide_row, without_measures
from tallystick.core.measure import Asked, load_measures
from tallystick.core.moments import Banded, Present, Sum
from tallystick.core.statistics.plan import Plan

REASON: Final = "difference"

Table = Mapping[str, Any]
"""What was or will be released: `rows` and `linkage`, numbers as numbers; `counts` where a measure tells some."""


@dataclass(frozen=True)
class EarlierTable:
    """An earlier table, by the levels of its rows.

    Attributes:
        told: the counts that a row's measures tell.
    """

    rows: Mapping[tuple[Any, ...], Mapping[str, Any]]
    told: Mapping[tuple[Any, ...], Mapping[Sum | Banded, int]]
    linkage: Mapping[str, Any]

    @classmethod
    def of(cls, table: Table, plan: Plan) -> EarlierTable:
        """Read one."""
        keys = [tuple(row[name] for name in plan.by) for row in table["rows"]]
        told = dict(zip(keys, read_counts(table, plan), strict=True))
        return cls(dict(zip(keys, table["rows"], strict=True)), told, table["linkage"])


@dataclass
class HeldTable:
    """The new table, as far as it is hidden.

    Attributes:
        told: the counts that each row's measures tell, were they shown.
        hidden: rows that were hidden here.
        whole: the rows as they came.
        counts: of those that were shown.
    """

    linkage: dict[str, Any]
    rows: list[dict[str, Any]]
    told: list[dict[Sum | Banded, int]]
    profile: DisclosureProfile
    plan: Plan
    hidden: set[int] = field(default_factory=set)
    whole: list[dict[str, Any]] = field(default_factory=list)
    counts: dict[int, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.whole = [dict(row) for row in self.rows]
        self.counts = {index: row["count"] for index, row in enumerate(self.rows) if row["count"] is not None}

    def against(self, other: EarlierTable) -> bool:
        """Hold the table against one other; tell whether anything was hidden."""
        before = repr((self.rows, self.linkage))
        if self.plan.population.shape == "other":
            if self._tells(other):
                self._hide_everything()
            return repr((self.rows, self.linkage)) != before
        small = False
        for index, row in enumerate(self.rows):
            key = tuple(row[name] for name in self.plan.by)
            past = other.rows.get(key)
            if past is None or row["count"] is None:
                continue
            if past["count"] is None:
                self._hide(index)
            elif self._few(row, past):
                self._hide(index)
                small = True
            else:
                self._hide_measures(index, past, other.told[key])
        if small and len(self.hidden) < CROWD and not self.plan.presences:
            self._hide_next()
        while self._rest_tells(other):
            if not self._hide_next():
                self._hide_total()
                break
        self._loosen(other)
        self._totals(other)
        return repr((self.rows, self.linkage)) != before

    def _tells(self, other: EarlierTable) -> bool:
        """Tell whether a number that is shown differs by few from the earlier one, or was hidden there (rule 7)."""
        whole = [dict(row) for row in self.rows], dict(self.linkage)
        told = False
        for index, row in enumerate(self.rows):
            key = tuple(row[name] for name in self.plan.by)
            past = other.rows.get(key)
            if past is None or row["count"] is None:
                continue
            if past["count"] is None or self._few(row, past):
                return True
            self._hide_measures(index, past, other.told[key])
        self._totals(other)
        for what in ("pairs", "in_groups"):
            before = other.linkage.get(what, {})
            told |= any(self._small(number, before.get(name)) for name, number in self.linkage.get(what, {}).items())
        told |= (self.rows, self.linkage) != whole or self._blocks_tell(other)
        self.rows, self.linkage = whole
        return told

    def _blocks_tell(self, other: EarlierTable) -> bool:
        """Tell whether totals say by how few the hidden rows of some block differ, or of a row that was shown (rule 7).

        Pre-condition: no row is shown that the earlier table hides.
        """
        if self.linkage["matched"] is None or other.linkage["matched"] is None:
            return False  # then all totals are hidden
        mine = {tuple(row[name] for name in self.plan.by): row for row in self.rows}
        changed = {key: (mine.get(key), other.rows.get(key)) for key in mine.keys() | other.rows.keys()}
        blocks: dict[Block, int] = {}
        for now, past in changed.values():
            block = block_of(now or past or {}, self.plan)
            if (now is not None and now["count"] is None) != (past is not None and past["count"] is None):
                return True
            blocks.setdefault(block, self._block_sum(self.linkage, block) - self._block_sum(other.linkage, block))
            blocks[block] -= ((now and now["count"]) or 0) - ((past and past["count"]) or 0)  # a row that is not there is empty
        return any(self._small(rest, 0) for rest in blocks.values())

    def _block_sum(self, linkage: Mapping[str, Any], block: Block) -> int:
        return count_block(self.plan, linkage["people"], linkage["matched"], block)

    def _hide_everything(self) -> None:
        """Hide all rows and the whole linkage report."""
        for index, row in enumerate(self.rows):
            if row["count"] is not None:
                self._hide(index)
        for what in ("people", "usable", "pairs", "in_groups"):
            if what in self.linkage:
                self.linkage[what] = dict.fromkeys(self.linkage[what])
        self._hide_matches()
        self.linkage["passes"] = [one | {"tokens": dict.fromkeys(one["tokens"])} for one in self.linkage["passes"]]
        self._hide_identifiers()

    def _hide_identifiers(self) -> None:
        """Hide how many people's identifiers were not read, or denied."""
        if "identifiers" in self.linkage:
            self.linkage["identifiers"] = [
                one | {what: dict.fromkeys(one[what]) for what in ("unread", "denied")} for one in self.linkage["identifiers"]
            ]

    def _few(self, row: Mapping[str, Any], past: Mapping[str, Any]) -> bool:
        """Tell whether a count of the row differs by few."""
        labels = ("count", *(one.label for one in self.plan.present))
        return any(self._small(row[label], past.get(label)) for label in labels if label in row)

    def _hide_measures(self, index: int, past: Mapping[str, Any], were: Mapping[Sum | Banded, int]) -> None:
        """Hide measures that the earlier row hides, or whose counts differ by few."""
        row = self.rows[index]
        hidden = set(past.get("hidden", []))
        gone = [label for label in past.get("hidden", []) if row.get(label) is not None]
        for present in self.plan.present:
            labels = telling(self.plan, present)
            there, before = row.get(present.label), past.get(present.label)
            counts = dict.fromkeys(one for sums in labels.values() for one in sums)
            few = (
                there is not None
                and before is not None
                and any(self._ones_differ(index, one, were, there, before) for one in counts)
            )
            if few or hidden & self._find_labels_telling(present):
                gone += [label for label in labels if row.get(label) is not None]
        if gone:
            self.rows[index] = without_measures(row, sorted({*row.get("hidden", []), *gone}), REASON)

    def _ones_differ(self, index: int, count: Sum | Banded, were: Mapping[Sum | Banded, int], there: int, before: int) -> bool:
        """Tell whether a count that both rows tell, or what it leaves of those who have a value, differs by few."""
        if count not in self.told[index] or count not in were:
            return False
        mine, theirs = divide_ones(count, there, self.told[index]), divide_ones(count, before, were)
        return len(mine) != len(theirs) or any(self._small(now, past) for now, past in zip(mine, theirs, strict=True))

    def _find_labels_telling(self, present: Present) -> set[str]:
        """Give the labels of all measures, asked for here or not, that tell a count of the columns of one."""
        columns = {one.columns for one in self.plan.over(present)}
        measures = load_measures().values()
        asked = (Asked(one.name, some) for one in measures for some in columns if one.takes(len(some)))
        return {one.label for one in asked if one.counts(self.plan.binary)}

    def _rest_tells(self, other: EarlierTable) -> bool:
        """Tell whether the hidden rows' difference is known, small, and of one sign (rule 4)."""
        name = "matched" if self._inner else "people"
        mine, theirs = self.linkage[name], other.linkage[name]
        if not self._inner:
            first = self.plan.population.first
            mine, theirs = mine[first], theirs[first]
        if mine is None or theirs is None:
            return False
        rest = mine - theirs
        differences = []
        keys = [tuple(row[label] for label in self.plan.by) for row in self.rows]
        for index, (row, key) in enumerate(zip(self.rows, keys, strict=True)):
            past = other.rows[key]["count"] if key in other.rows else 0  # a row that is not there is empty
            if past is None:
                continue
            difference = self.counts.get(index, 0) - past
            if row["count"] is not None:
                rest -= difference
            elif index in self.counts:
                differences.append(difference)
        rest += sum(other.rows[key]["count"] or 0 for key in other.rows.keys() - set(keys))
        return self._small(rest, 0) and not (min(differences, default=0) < 0 < max(differences, default=0))

    def _loosen(self, other: EarlierTable) -> None:
        """Hide sums, or more rows, until each difference by few could be another (rule 5)."""
        gone = self._find_differences(other, "count")
        if not all(self._loose(self._find_differences(other, one.label).values()) for one in self.plan.present):
            self._hide_matches()  # who has a value is matched, or nearly everybody who is matched has one
        if not self.plan.presences:
            if not self._loose(gone.values()):
                self._hide_total()
            return
        (presence,) = self.plan.presences
        for there in (True, False):
            if not self._loose([gone[index] for index in gone if self.rows[index][presence] is there]):
                self._hide_matches()
        second = self.plan.by_of(self.plan.population.second)
        blocks: dict[tuple[Any, ...], list[int]] = {}
        for index, row in enumerate(self.rows):
            blocks.setdefault(tuple(row[label] for label in self.plan.by if label not in second), []).append(index)
        for block in blocks.values():
            if any(self._small(gone.get(index, 0), 0) for index in block):
                for index in block:
                    if self.rows[index]["count"] is not None:
                        self._hide(index)

    def _find_differences(self, other: EarlierTable, label: str) -> dict[int, int]:
        """Give, of the rows that were hidden, by how much a count differs, where both were shown."""
        gone = {}
        for index in self.hidden:
            past = other.rows.get(tuple(self.rows[index][name] for name in self.plan.by))
            if past is not None and past.get(label) is not None and self.whole[index].get(label) is not None:
                gone[index] = self.whole[index][label] - past[label]
        return gone

    def _loose(self, differences: Collection[int]) -> bool:
        """Tell whether of hidden differences, whose sum is known, each by few can be any small number of its sign, and one more.

        Whoever knows the sum may know which of them are few and which are none. One more, so that those who fail are loose too: by
        the rules all know who they are.
        """
        few = self.profile.min_cell - 1
        changed = [one for one in differences if one]
        if not any(self._small(one, 0) for one in changed):
            return True
        falls = rises = 0
        for one in changed:
            is_few = abs(one) <= few
            nearer = abs(one) - (1 if is_few else few + 1)
            farther = few - abs(one) if is_few else few  # as much as it takes
            falls += nearer if one > 0 else farther
            rises += farther if one > 0 else nearer
        return min(falls, rises) >= few

    def _totals(self, other: EarlierTable) -> None:
        """Hide totals, tokens and groups that differ by few (rule 6)."""
        for what in ("people", "usable"):
            for group, number in self.linkage[what].items():
                if self._small(number, other.linkage[what].get(group)):
                    self.linkage[what] = self.linkage[what] | {group: None}
                    if what == "people":
                        self._hide_matches()
                        self._hide_identifiers()
        if self._small(self.linkage["matched"], other.linkage["matched"]):
            self._hide_matches()
        past = {one["pass"]: one for one in other.linkage.get("passes", [])}
        self.linkage["passes"] = [
            one
            | {"tokens": {group: self._hide_small(number, past, one["pass"], group) for group, number in one["tokens"].items()}}
            for one in self.linkage.get("passes", [])
        ]
        if self.hidden or self._groups_tell(other):
            self._hide_groups()

    def _hide_small(self, number: int | None, past: Mapping[str, Any], name: str, group: str) -> int | None:
        return None if name in past and self._small(number, past[name]["tokens"].get(group)) else number

    def _groups_tell(self, other: EarlierTable) -> bool:
        names = self.plan.group_by
        rates = other.linkage.get("rates", {})
        shown = [one for one in self.linkage.get("rates", {}).get("groups", []) if one["matched"] is not None]
        if set(rates.get("by", names)) != set(names):  # `b and a` after `a and b`: two margins of one table
            return bool(shown) and any(one["matched"] is not None for one in rates["groups"])
        past = {tuple(one.get(name) for name in names): one for one in rates.get("groups", [])}
        for one in shown:
            before = past.get(tuple(one[name] for name in names))
            if before is None:
                continue
            if before["matched"] is None or any(self._small(one[what], before[what]) for what in ("people", "matched")):
                return True
            if self._small(one["people"] - one["matched"], before["people"] - before["matched"]):
                return True
        return False

    def _hide(self, index: int) -> None:
        self.rows[index] = hide_row(self.rows[index], self.plan, REASON)
        self.hidden.add(index)

    def _hide_next(self) -> bool:
        """Hide the first row that is shown; tell whether there is one."""
        index = next((index for index, row in enumerate(self.rows) if row["count"] is not None), None)
        if index is not None:
            self._hide(index)
        return index is not None

    def _hide_total(self) -> None:
        if not self._inner:
            self.linkage["people"] = self.linkage["people"] | {self.plan.population.first: None}
        self._hide_matches()

    def _hide_matches(self) -> None:
        """Hide the matches, and whatever says them."""
        self.linkage["matched"] = None
        self.linkage["passes"] = [one | {"matches": None} for one in self.linkage.get("passes", [])]
        if "rates" in self.linkage:
            rates = self.linkage["rates"]
            self.linkage["rates"] = rates | {"overall": dict.fromkeys(rates["overall"])}
            if "pairs" in rates:
                self.linkage["rates"] |= {"pairs": {pair: dict.fromkeys(one) for pair, one in rates["pairs"].items()}}
            self.linkage["quality"] = dict.fromkeys(self.linkage["quality"])
        self._hide_groups()

    def _hide_groups(self) -> None:
        if "rates" in self.linkage:
            hidden = {"people": None, "matched": None, "rate": None}
            groups = [one | hidden for one in self.linkage["rates"]["groups"]]
            self.linkage["rates"] = self.linkage["rates"] | {"groups": groups}

    @property
    def _inner(self) -> bool:
        return self.plan.population.shape == "both"

    def _small(self, one: int | None, other: int | None) -> bool:
        """Tell whether two numbers that are shown differ by few; not at all is not few, even where zeros are disclosive."""
        return one is not None and other is not None and 0 < abs(one - other) < self.profile.min_cell
