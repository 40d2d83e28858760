"""Sums that one or two people may make up are hidden, and what is worked out from them.

A cell is dominated if its two largest values are more than a share k of the sum (the n-k rule, n = 2), or if the rest beside them is less than
p of the largest, so that the second can work out the first within p (the p% rule). Nobody here sees single values: what is known is the
declared bounds of a column. So a sum shows only if it would pass with two values at the upper bound; negative values may hide what
makes up a sum, so a column that may be negative shows none.

Source: the n-k and p% rules as in Hundepool et al., Statistical Disclosure Control (2012), §4.2; profile `acro`: n = 2, k = 0.90,
p = 0.10.

Security: the rule is on the safe side, and hides sums that would pass if values were known. Sums are of no total that the table shows, so
nothing has to be hidden beside them; but where rows are of periods, a sum of another group's column is hidden in all periods or in none
(`disclosure/classes.py`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import ClassVar, Final

from tallystick.core.disclosure.classes import widen_hidden
from tallystick.core.disclosure.rule import Context, Draft, hide_further
from tallystick.core.measure import Asked
from tallystick.core.moments import Banded, Sum
from tallystick.core.statistics.plan import Plan
from tallystick.core.statistics.table import Moments

REASON: Final = "dominance"
LARGEST: Final = 2
"""How many of the largest values the n-k rule looks at."""


@dataclass(frozen=True)
class Dominance:
    """The rule."""

    order: ClassVar[int] = 20

    def apply(self, draft: Draft, context: Context) -> Draft:
        """Hide, in each row, the measures whose sums may be dominated."""
        limits = context.profile.dominance
        if limits is None:
            return draft
        found = {
            index: [one.label for one in context.plan.asked if _may_be_dominated(one, moments, context.plan, limits)]
            for index, moments in enumerate(context.moments)
        }
        widened = widen_hidden({index: labels for index, labels in found.items() if labels}, context.rows, context.plan)
        rows, hidden = hide_further(draft.rows, widened, REASON)
        return replace(draft, rows=rows, told={**draft.told, "dominated": hidden})


RULE: Final = Dominance()


def _may_be_dominated(one: Asked, moments: Moments, plan: Plan, limits: tuple[Fraction, Fraction]) -> bool:
    """Tell whether a sum of a measure would fail with two values at the upper bound."""
    quantities = dict(plan.quantities)
    for moment in one.moments:
        if not isinstance(moment, (Sum, Banded)) or plan.binary.issuperset(moment.columns):
            continue
        largest = 1
        for column in moment.columns:
            if quantities[column].low < 0:
                return True
            largest *= quantities[column].high
        share, margin = limits
        total = moments[moment]
        if LARGEST * largest > share * total or total - LARGEST * largest < margin * largest:
            return True
    return False
