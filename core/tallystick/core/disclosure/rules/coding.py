"""Shares near nothing and near everything are coded: what is below the one limit is shown as it, what is above the other as that.

That nearly all of a group have something, or nearly nobody, says it of each of them. So where a profile has limits (`ferpa`: 5 and 95 %), a
share or the mean of a column of 0 and 1 beyond them is replaced by the limit, and the row says under `coded`, by the measure's label, that it
is `at most` or `at least` it. What else tells such a share is hidden (`coding`): the sum, and every measure that rests on it, also
where it is the share within an arm of two columns of 0 and 1.

It does not code counts of rows: a job by the column itself (`by`) shows how many have it, where these are not few. An agreement that wants
neither leaves such columns out of what `by` may name, or declares no values for them.

Security: with tables of other columns or totals a coded share may follow as a difference; the rule is about one row at a time.

Source: top and bottom coding of percentages as in "Best Practices for Determining Subgroup Size in Accountability Systems While Protecting
Personally Identifiable Student Information" (IES 2017-147), and the reporting rules of states under FERPA.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import ClassVar, Final

from tallystick.core.disclosure.classes import widen_hidden
from tallystick.core.disclosure.rule import BESIDE, Context, Draft, hide_further
from tallystick.core.measure import Asked
from tallystick.core.moments import Present, Sum
from tallystick.core.statistics.plan import Plan
from tallystick.core.statistics.table import Moments, Row

REASON: Final = "coding"
CODED: Final = frozenset({"mean", "share"})
"""Measures of one column whose value is a share of people, if the column is of 0 and 1."""


@dataclass(frozen=True)
class Coding:
    """The rule."""

    order: ClassVar[int] = 30

    def apply(self, draft: Draft, context: Context) -> Draft:
        """Code, in each row, shares beyond the limits, and hide what else tells them."""
        limits = context.profile.coding
        if limits is None:
            return draft
        plan, rows, coded = context.plan, [], 0
        hidden: dict[int, list[str]] = {}
        for index, (row, moments) in enumerate(zip(draft.rows, context.moments, strict=True)):
            beyond = {
                one.label: share
                for one in plan.asked
                if row.get(one.label) is not None and (share := _find_beyond(one, moments, plan, limits)) is not None
            }
            codes = {one.label for one in plan.asked if one.name in CODED}
            hidden[index] = [label for label in beyond if label not in codes]
            mine = {label: share for label, share in beyond.items() if label in codes}
            coded += len(mine)
            rows.append(_code(row, mine, limits))
        widened = widen_hidden({index: labels for index, labels in hidden.items() if labels}, context.rows, plan)
        out, many = hide_further(rows, widened, REASON)
        return replace(draft, rows=out, told={**draft.told, "coded": coded, "hidden_by_coding": many})


RULE: Final = Coding()


def _find_beyond(one: Asked, moments: Moments, plan: Plan, limits: tuple[Fraction, Fraction]) -> Fraction | None:
    """Give a share of people that a measure tells and that is beyond the limits; None if there is none."""
    return next((share for share in _list_shares(one, moments, plan) if not limits[0] <= share <= limits[1]), None)


def _list_shares(one: Asked, moments: Moments, plan: Plan) -> Iterator[Fraction]:
    """Give the shares that a measure tells of columns of 0 and 1: of each, and of two that of one among those who have or lack the other."""
    flags = frozenset(column for column, quantity in plan.quantities if quantity.flag)
    for moment in one.moments:
        if not isinstance(moment, Sum) or not flags.issuperset(moment.columns):
            continue
        n, once = moments[Present(moment.people.columns)], tuple(dict.fromkeys(moment.columns))
        if len(once) == 1 and n:
            yield Fraction(moments[moment], n)
        singles = [moments.get(Sum((column,), moment.among)) for column in once]
        if len(once) == 2 and singles[0] is not None and singles[1] is not None:
            first, second, both = singles[0], singles[1], moments[moment]
            parts = ((both, first), (second - both, n - first), (both, second), (first - both, n - second))
            yield from (Fraction(part, whole) for part, whole in parts if whole)


def _code(row: Row, beyond: dict[str, Fraction], limits: tuple[Fraction, Fraction]) -> Row:
    """Give a row with coded shares in place of these."""
    if not beyond:
        return row
    low, high = limits
    made = {name: value for name, value in row.items() if name not in BESIDE}
    for beside in BESIDE:
        if left := {label: what for label, what in (row.get(beside) or {}).items() if label not in beyond}:
            made[beside] = left
    made |= {label: float(low if share < low else high) for label, share in beyond.items()}
    return made | {"coded": {label: "at most" if share < low else "at least" for label, share in beyond.items()}}
