"""Small cells are hidden, and so is enough beside them that none can be worked out from what is shown.

A count of 1…k-1 is small (k: `Profile.min_cell`; from 0 where zeros are disclosive). What is shown adds up: the rows of `keep: a and b`
to `matched`, those of `keep: a` to the people of a (`Population.shape`). So:

1. A row of a small count shows no number (`small-cell`), nor does one whose people have too few employers, where the profile protects these
   (`few-employers`; `core/job/units.py`), or too few households, where the agreement does (`few-households`).
2. A measure shows nothing where it rests on a small count, or leaves a small count of its row out (that it leaves nobody out is never
   small: else no column without gaps could be measured where zeros are disclosive); the row still shows its count.
   Nor does it in one row where all rows', or a block's, leave few of the people whom totals say to be there. The sum of a column
   of 0 and 1 is a count too, and so is what it leaves; of two such columns each of the four ways to have them. Where measures are over
   several columns, so is what a count of values of some of these leaves beside that of all.
3. A number of the linkage report is hidden where it is small or leaves a small remainder: people without a usable token, people
   without a match. A small group hides the whole report.
4. Fewer than `CROWD` hidden rows, or a hidden `matched` that all rows would add up to, take one more row with them
   (`complementary`). Which one depends on the pattern alone, never on a size: a rule that took the smallest would tell something
   about the rows it did not take.
5. Then the hidden rows must be loose: with every sum and bound that is shown, each hidden count must still be able to be anything
   from the least to the largest small count, also for who knows these rules. If not, what is too telling of the linkage report is
   withheld, or all of it.

Where a job asks for totals (`totals: rows`), rule 4 is for the rows of each of them first; `margins.py` says which totals are shown.

Rows that also say whether a person is in a group, or in how many (`keep: a` by columns of b, `systems`, and every other formula), are in
*blocks*: rows of the same presences and number. Of two groups of two agencies each block's sum follows from people and matches. There
rules 4 and 5 are for each block by itself, and if anything of rule 3 is small or a block is not loose, the report is withheld whole. Of
more groups, or of several of one agency, it is withheld in any case: what its many totals say together is not worked out here.

Rows of periods since an event count the same people in every period: there rules 4 and 5 are for each class of rows by itself
(`disclosure/classes.py`), and the report is withheld whole.

The tests try every small table: among all that release the same, no hidden small number has one value only.

Security: the released rows and totals tell an outsider nothing of a hidden small count but that it is small. An agency knows
more by itself: where all people of its group are counted, its own total for each combination of its own `by` columns. The desk works
on opened cells, so the desk's agency sees them all. Neither is so in a job with a gate, whose small cells nobody opens
(`disclosure/gating.py`; docs/adr/0011-gate.md); there this rule hides nothing more. Without one an agreement's parties accept both.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Final, Literal, TypeAlias, cast

from tallystick.core.disclosure.blocks import block_of, count_block
from tallystick.core.disclosure.classes import hide_in_classes, widen_hidden
from tallystick.core.disclosure.closed import ClosedCells, tell_closed
from tallystick.core.disclosure.employers import FEW_EMPLOYERS, FEW_HOUSEHOLDS, find_few_employers, find_few_households
from tallystick.core.disclosure.kept import divide_ones
from tallystick.core.disclosure.reported import withhold_totals
from tallystick.core.disclosure.rule import CROWD, Context, DisclosureProfile, Draft, hide_row, without_measures
from tallystick.core.disclosure.shape import Shape
from tallystick.core.job.columns import split
from tallystick.core.job.population import PAIR
from tallystick.core.moments import Banded, Present, Sum
from tallystick.core.statistics.plan import Plan
from tallystick.core.statistics.table import Linkage, Moments, Row

Report: TypeAlias = dict[str, "str | int | bool | dict[str, int] | list[str]"]
_Reason = Literal["small-cell", "complementary", "few-employers", "few-households"]


@dataclass(frozen=True)
class SmallCells:
    """The rule."""

    order: ClassVar[int] = 0

    def apply(self, draft: Draft, context: Context) -> Draft:
        """Hide what is small, and what it could be worked out from; the first of a profile's rules."""
        if context.hidden is not None:  # found on shares: nobody here has what is small
            told_closed = tell_closed(ClosedCells(context.plan, context.hidden), draft.rows, draft.linkage, context.profile)
            return replace(draft, told={**draft.told, **told_closed})
        rows, linkage, told = suppress(draft.rows, dict(draft.linkage), context.profile, context.plan, context.moments)
        return replace(draft, rows=tuple(rows), linkage=linkage, told={**draft.told, **told})


RULE: Final = SmallCells()


def suppress(
    rows: Sequence[Row], linkage: Linkage, profile: DisclosureProfile, plan: Plan, moments: Sequence[Moments] = ()
) -> tuple[list[Row], Linkage, Report]:
    """Apply a profile to a table and its linkage report.

    Args:
        rows: as `table` gives them; with `keep_empty` where zeros are disclosive.
        linkage: as `linkage_numbers` gives it.
        profile: the rules.
        plan: the plan of both; says how they add up and which sums are counts.
        moments: of each row; a table that measures no sum which is a count needs none.

    Returns:
        New rows: a hidden row has nulls and its reason under `suppressed`; a row with hidden measures says `small-cell` too and
        lists them under `hidden`. The linkage report, null where hidden. And what was hidden, in numbers.
    """
    if not profile.hides:
        return [dict(row) for row in rows], linkage, _report(profile, {}, [], [])
    shape = Shape.of(plan, rows, moments, linkage, profile)
    reasons: dict[int, _Reason] = dict.fromkeys(shape.small_rows(), "small-cell")
    few_employers = find_few_employers(plan, rows, moments, profile.employers) if plan.employers else []
    reasons |= dict.fromkeys(set(few_employers) - reasons.keys(), FEW_EMPLOYERS)
    few_households = find_few_households(plan, rows, moments, profile.households) if plan.households else []
    reasons |= dict.fromkeys(set(few_households) - reasons.keys(), FEW_HOUSEHOLDS)
    for group in shape.list_totalled():  # each of these sums may be shown
        few = group & reasons.keys()
        extra = shape.complement(few, group) if 0 < len(few) < CROWD else None
        if extra is not None:
            reasons[extra] = "complementary"
    in_blocks = _hide_in_periods if plan.follow is not None else _hide_in_blocks
    hidden = (in_blocks if plan.presences or plan.population.shape == "other" else _hide_as_one)(shape, reasons)
    told = shape if plan.follow is None else replace(shape, totals={})  # totals say nothing of periods
    measures = widen_hidden(_find_measures_to_hide(told, set(reasons)), rows, plan)
    out = [_write_row(row, plan, reasons.get(index), measures.get(index, ())) for index, row in enumerate(rows)]
    return (
        out,
        withhold_totals(linkage, hidden),
        _report(profile, reasons, sorted(hidden), [m for row in measures.values() for m in row]),
    )


def _hide_as_one(shape: Shape, reasons: dict[int, _Reason]) -> set[str]:
    """Hide what rows need beside the small ones, where all of them add up to one total; give the numbers of the report to hide."""
    hidden = shape.find_totals_to_hide()
    alone = 0 < len(reasons) < CROWD and "complementary" not in reasons.values()
    if alone or (not reasons and shape.inner and "matched" in hidden):
        extra = shape.complement(set(reasons))
        if extra is not None:
            reasons[extra] = "complementary"
    return hidden | shape.telling_totals(set(reasons), hidden)


def _hide_in_blocks(shape: Shape, reasons: dict[int, _Reason]) -> set[str]:
    """Hide what rows need beside the small ones, where each block has a total of its own; give the numbers of the report to hide."""
    for block in shape.blocks():
        small = block & reasons.keys()
        extra = shape.complement(small, block) if 0 < len(small) < CROWD else None
        if extra is not None:
            reasons[extra] = "complementary"
    loose = all(shape.is_loose(block & reasons.keys()) for block in shape.blocks())
    may_show = len(shape.plan.lists) == len(shape.plan.population.groups) == PAIR
    return set() if may_show and loose and not shape.find_totals_to_hide() else set(shape.totals)


def _hide_in_periods(shape: Shape, reasons: dict[int, _Reason]) -> set[str]:
    """Hide what rows of periods need beside the small ones; give the numbers of the report to hide: all of them."""
    beside = hide_in_classes(shape.rows, shape.plan, set(reasons), shape.complement, shape.is_loose)
    reasons |= dict.fromkeys(beside, "complementary")
    return set(shape.totals)


def _find_measures_to_hide(shape: Shape, hidden: set[int]) -> dict[int, list[str]]:
    """Give, for each row that is shown, the labels of what rests on a small count or leaves one."""
    found: dict[int, list[str]] = {}
    shown = [index for index in range(len(shape.rows)) if index not in hidden]
    for present in shape.plan.present if shape.rows else ():
        asked = shape.plan.over(present)
        known = {present.label, *(one.label for one in asked)}
        labels = [label for label in shape.rows[0] if label in known]
        resting = [index for index in shown if _rests_on_few(shape, index, present)]
        absent = _absent_rows(shape, present)
        if not resting and hidden <= absent and _total_tells(shape, present):
            resting = [index for index in shown if _count_present(shape, index, present) >= shape.profile.min_cell][:1]
        for block in shape.blocks():
            if not block & {*resting} and block & hidden <= absent and _block_tells(shape, block, present):
                enough = [
                    index for index in sorted(block - hidden) if _count_present(shape, index, present) >= shape.profile.min_cell
                ]
                resting += enough[:1]
        for index in resting:
            found.setdefault(index, []).extend(labels)
        counts = {one.label: one.counts(shape.plan.binary) for one in asked}
        for index in shown if any(counts.values()) or len(present.columns) > 1 else ():
            telling = [
                label for label in labels if any(_counts_few(shape, index, present, one) for one in counts.get(label, ()))
            ]
            if _nests_few(shape, index, present, [one for sums in counts.values() for one in sums]):
                telling = labels
            if index not in resting and telling:
                found.setdefault(index, []).extend(telling)
    return found


def _absent_rows(shape: Shape, present: Present) -> set[int]:
    """Give the rows whose people are not in a group of a count, so that nobody there has a value."""
    names = [name for name in shape.plan.presences if split(name)[0] in shape.plan.groups_of(present)]
    return {index for index, row in enumerate(shape.rows) if not all(row[name] for name in names)}


def _count_present(shape: Shape, index: int, present: Present) -> int:
    return cast("int", shape.rows[index][present.label])


def _rests_on_few(shape: Shape, index: int, present: Present) -> bool:
    """Tell whether few have a value, or a few have none; that nobody lacks one is no small number, also where zeros are disclosive."""
    there = _count_present(shape, index, present)
    return _few(shape, shape.counts[index], there) or (
        there < shape.counts[index] and _few(shape, shape.counts[index], shape.counts[index] - there)
    )


def _counts_few(shape: Shape, index: int, present: Present, count: Sum | Banded) -> bool:
    """Tell whether a sum of zeros and ones is a small count of those who have a value, or leaves one.

    Of two columns of 0 and 1, whose sums are known too, all four ways to have them are counts.
    """
    there, moments = _count_present(shape, index, present), shape.moments[index]
    return any(_few(shape, there, part) for part in divide_ones(count, there, moments))


def _nests_few(shape: Shape, index: int, present: Present, counts: Collection[Sum | Banded]) -> bool:
    """Tell whether a coarser count of the row, of people who have a value of fewer of the columns, leaves a small count beside a finer one.

    So do the ones among them, and whoever has a value of neither of two columns.
    """
    there, moments = _count_present(shape, index, present), shape.moments[index]
    coarser = [one for one in shape.plan.present if set(one.columns) < set(present.columns)]
    for other in coarser:
        more = _count_present(shape, index, other)
        if _few(shape, more, more - there):
            return True
        for one in counts:
            if isinstance(one, Banded):
                continue  # two bands of one column are refused
            known = moments.get(Sum(one.columns, other.columns), moments.get(Sum(one.columns)))
            if set(one.columns) <= set(other.columns) and known is not None:
                left = known - moments[one]
                if _few(shape, more, left) or _few(shape, more, more - there - left):
                    return True
    if len(present.columns) == 2 and len(coarser) == 2:
        either = sum(_count_present(shape, index, one) for one in coarser) - there
        return _few(shape, shape.counts[index], shape.counts[index] - either)
    return False


def _few(shape: Shape, of: int, part: int) -> bool:
    """Tell whether a part of a count is small; that a part is empty or everything says nothing where zeros may be shown."""
    return of > 0 and shape.profile.is_small(part)


def _total_tells(shape: Shape, present: Present) -> bool:
    """Tell whether all rows' present values, added up, leave a small count of a group or of those matched."""
    there = sum(_count_present(shape, index, present) for index in range(len(shape.rows)))
    names = [*(f"{what}({group})" for group in shape.plan.groups_of(present) for what in ("people", "usable")), "matched"]
    wholes = [shape.totals[name] for name in names if name in shape.totals]
    return there > 0 and any(whole > there and shape.profile.is_small(whole - there) for whole in wholes)


def _block_tells(shape: Shape, block: Collection[int], present: Present) -> bool:
    """Tell whether a block's present values leave few of the people there whom the columns' groups have, as totals say it."""
    if shape.inner or len(shape.plan.population.groups) != PAIR or "matched" not in shape.totals:
        return False
    people = {group: shape.totals[f"people({group})"] for group in shape.plan.population.groups}
    levels = block_of(shape.rows[next(iter(block))], shape.plan)
    whole = count_block(shape.plan, people, shape.totals["matched"], levels, inside=shape.plan.groups_of(present))
    there = sum(_count_present(shape, index, present) for index in block)
    return whole > there > 0 and shape.profile.is_small(whole - there)


def _write_row(row: Row, plan: Plan, reason: _Reason | None, measures: Sequence[str]) -> Row:
    if reason is not None:
        return hide_row(row, plan, reason)
    return without_measures(row, measures, "small-cell") if measures else dict(row)


def _report(profile: DisclosureProfile, reasons: Mapping[int, _Reason], totals: list[str], measures: list[str]) -> Report:
    why = list(reasons.values())
    return {
        "profile": profile.name,
        "min_cell": profile.min_cell,
        "zeros_disclosive": profile.zeros_disclosive,
        "rows_hidden": {
            reason: why.count(reason)
            for reason in ("small-cell", "complementary", FEW_EMPLOYERS, FEW_HOUSEHOLDS)
            if reason not in (FEW_EMPLOYERS, FEW_HOUSEHOLDS) or reason in why
        },
        "measures_hidden": len(measures),
        "linkage_hidden": totals,
    }
