"""A disclosure rule has one interface, and a profile is an ordered list of rules: the desk folds a candidate through them.

docs/adding.md says how to add one. A rule only takes away or
adds what may be known; it never shows again what an earlier one hid, and it keeps the rows and their order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, ClassVar, Final, Protocol

from tallystick.core.disclosure.rounding import Rounding
from tallystick.core.linkage.quality.report import LinkageCounts
from tallystick.core.statistics.plan import Plan
from tallystick.core.statistics.table import Moments, Row
from tallystick.crypto.statistic.gate import Fate

BESIDE: Final = ("undefined", "details", "coded")
"""What a row says of its measures by their labels, so that it is hidden with them."""
CROWD: Final = 4
"""Hidden rows that protect each other without another row's help."""


class DisclosureRule(Protocol):
    """One rule.

    Attributes:
        order: its place among the rules, which are applied from the smallest on.
    """

    order: ClassVar[int]

    def apply(self, draft: Draft, context: Context) -> Draft:
        """Give a candidate with what this rule hides hidden.

        Args:
            draft: as the rules before it leave it.
            context: what it is of.
        """
        ...


@dataclass(frozen=True)
class DisclosureProfile:
    """The rules of released tables, and their numbers.

    Attributes:
        name: the named profile that it began as, or `custom`.
        min_cell: counts of 1…min_cell-1 are hidden; 0 and 1 hide nothing. `profile_of` reads 2 as 3, because a hidden cell
            that can only be 1 is not hidden.
        zeros_disclosive: counts of 0 are hidden as well.
        rules: in the order in which they are applied.
        rounding: how what passes is rounded before it leaves; None: not at all.
        fuzzy: quantiles are fuzzy (`rules/fuzzy.py`).
        coding: the limits of shares of people, beyond which they are coded (`rules/coding.py`); None: they are not.
        employers: how many employers a row's people need, where their dataset names them (`core/job/units.py`).
        households: the same of households, where an agreement says so.
        dominance: (k, p) of `rules/dominance.py`; None: it is not tested.
    """

    name: str
    min_cell: int
    zeros_disclosive: bool = False
    rules: tuple[DisclosureRule, ...] = ()
    rounding: Rounding | None = None
    dominance: tuple[Fraction, Fraction] | None = None
    fuzzy: bool = False
    employers: int = 0
    households: int = 0
    coding: tuple[Fraction, Fraction] | None = None

    @property
    def hides(self) -> bool:
        """Whether any count is hidden at all."""
        return self.min_cell > 1

    def is_small(self, count: int) -> bool:
        """Tell whether a count may not be shown."""
        return self.hides and (0 if self.zeros_disclosive else 1) <= count < self.min_cell


@dataclass(frozen=True)
class Draft:
    """A candidate on its way through the rules.

    Attributes:
        rows: as they would go out now: keys of `result_columns`, null where hidden; beside them `hidden` and `undefined`.
        linkage: the linkage report, as it would go out now.
        totals: of the table, if the job asks for some: levels, `over` and `count`, null where hidden.
        told: what a result says under `disclosure`: which rules there were, and how much they hid.
    """

    rows: tuple[Row, ...] = field(repr=False)
    linkage: Mapping[str, Any] = field(repr=False)
    told: Mapping[str, Any] = field(default_factory=dict)
    totals: tuple[Row, ...] = field(repr=False, default=())


@dataclass(frozen=True)
class Context:
    """What a candidate is of; the same for every rule.

    Attributes:
        plan: the job's.
        profile: the agreement's.
        opened: the signed integer of each cell, in the plan's order.
        rows: the table before any rule.
        moments: of each of these rows.
        seen: the coordinator's part of the linkage report.
        decoys: m, of each linkage pass.
        exact: how many of the linkage passes are recipes; a similarity pass comes after them.
        earlier: tables of the same family as they went out, in this question's names (`families.py`).
        hidden: of a job with a gate, the cells that did not open; the draft shows nothing of them from the beginning. None: it has no gate.
    """

    plan: Plan
    profile: DisclosureProfile
    opened: Sequence[int] = field(repr=False)
    rows: Sequence[Row] = field(repr=False)
    moments: Sequence[Moments] = field(repr=False)
    seen: LinkageCounts = field(repr=False)
    decoys: int
    exact: int
    earlier: Sequence[Mapping[str, Any]] = field(repr=False, default=())
    hidden: Mapping[int, Fate] | None = field(repr=False, default=None)


def fold_rules(draft: Draft, context: Context) -> Draft:
    """Give a candidate after every rule of its profile, in order.

    Args:
        draft: the table before any rule, and the totals of the linkage report.
        context: what it is of.
    """
    for rule in context.profile.rules:
        draft = rule.apply(draft, context)
    return draft


def hide_row(row: Row, plan: Plan, reason: str) -> Row:
    """Give a row without its numbers."""
    kept = {name: value if name in plan.by else None for name, value in row.items() if name not in {"hidden", *BESIDE}}
    return kept | {"suppressed": reason}


def without_measures(row: Row, labels: Sequence[str], reason: str) -> Row:
    """Give a row without some of its measures."""
    kept: Row = {name: None if name in labels else value for name, value in row.items() if name not in BESIDE}
    kept |= {"suppressed": reason, "hidden": list(labels)}
    for beside in BESIDE:
        told: Any = row.get(beside) or {}
        if left := {label: what for label, what in told.items() if label not in labels}:
            kept[beside] = left
    return kept


def hide_further(rows: Sequence[Row], labels: Mapping[int, Sequence[str]], reason: str) -> tuple[tuple[Row, ...], int]:
    """Give rows without further measures, and how many these are.

    Args:
        rows: as the rules before leave them.
        labels: of each row by its index, what to hide; what is hidden, or not there, already does not count.
        reason: why; a row that says another reason keeps it.
    """
    made, hidden = [], 0
    for index, row in enumerate(rows):
        telling = [label for label in labels.get(index, ()) if row.get(label) is not None]
        hidden += len(telling)
        held = row.get("hidden") or ()
        made.append(without_measures(row, [*held, *telling], str(row["suppressed"] or reason)) if telling else row)
    return tuple(made), hidden
