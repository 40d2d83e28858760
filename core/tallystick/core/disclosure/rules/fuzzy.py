"""Quantiles are fuzzy where a profile says so: the mean of the quantiles 5 points below and above, p50 = (p45 + p55) / 2.

So no quantile is the value of one person, whatever the bands. Bands without an end tell no quantile, and so none whose neighbor lies in one.

Source: export rules of the Administrative Data Research Facility: median (p45 + p55) / 2, quarters (p20 + p30) / 2 and (p70 + p80) / 2.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar, Final

from tallystick.core.disclosure.rule import BESIDE, Context, Draft
from tallystick.core.measure import Asked
from tallystick.core.statistics.plan import Plan
from tallystick.core.statistics.table import Moments, Row, work_out_measures


@dataclass(frozen=True)
class Fuzzy:
    """The rule."""

    order: ClassVar[int] = 15

    def apply(self, draft: Draft, context: Context) -> Draft:
        """Put fuzzy quantiles in the place of those that are shown."""
        asked = [one for one in context.plan.asked if one.measure.fuzzy is not None]
        if not context.profile.fuzzy or not asked:
            return draft
        rows = tuple(
            _blur(row, [one for one in asked if row.get(one.label) is not None], moments, context.plan)
            for row, moments in zip(draft.rows, context.moments, strict=True)
        )
        return replace(draft, rows=rows, told={**draft.told, "fuzzy_quantiles": True})


RULE: Final = Fuzzy()


def _blur(row: Row, asked: list[Asked], moments: Moments, plan: Plan) -> Row:
    """Give a row with these measures worked out anew, fuzzy."""
    if not asked:
        return row
    labels = {one.label for one in asked}
    made = {name: value for name, value in row.items() if name not in BESIDE}
    told = work_out_measures(plan, [replace(one, options=(*one.options, ("fuzzy", True))) for one in asked], moments)
    for beside in BESIDE:
        kept = {label: what for label, what in (row.get(beside) or {}).items() if label not in labels}
        if kept | told.get(beside, {}):
            made[beside] = kept | told.get(beside, {})
    return made | {label: told[label] for label in labels}
