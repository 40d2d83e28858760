"""From opened numbers with noise to the table that goes out, each number with its error.

Every row that was planned is there, also one of nobody: whether somebody is in it is not known. A row whose noisy count is below the
profile's least count shows nothing, 0 and less included, and neither does a measure whose own noisy count is. That, like all else here,
works on noisy numbers alone, so it costs no privacy. Nothing is held against earlier results, and nothing hidden protects a neighbor: an
exact small number is nowhere.

Beside a number stand `noise`, w: the true number is within w of it with 95 %; and `low` and `high`. w is that of the noise of all agencies
together (`crypto/noise.py`). A mean or share has `low` and `high` alone: its sum and its count are each within their w with 97.5 %, so both
are with 95 %, and these are the least and largest quotients then; nothing where the count could be none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any, Final

from tallystick.core.disclosure.rule import DisclosureProfile, Draft, hide_row, without_measures
from tallystick.core.measure import Asked, Exact, Undefined
from tallystick.core.moments import Count, Moment, Present, Sum
from tallystick.core.statistics.keys import InRow
from tallystick.core.statistics.plan import Plan
from tallystick.core.statistics.table import Moments, Row, row_moments
from tallystick.crypto.noise import find_width

CHANCE: Final = 0.05
REASON: Final = "small-cell"
_FEW: Final = "with this noise nobody can be told to be there"
Widths = Mapping[Moment, int]
"""By moment of a row: the least width that its noise exceeds with a chance of CHANCE, and of half of it."""


def release_noisy(plan: Plan, opened: Sequence[int], profile: DisclosureProfile, loss: Mapping[str, Any]) -> Draft:
    """Give the candidate of a job with noise.

    Args:
        plan: the job's.
        opened: the signed integer of each cell, with noise.
        profile: the agreement's.
        loss: what a result tells of the noise beside its error: the job's epsilon, what all jobs may cost, and how many passes linked.
    """
    widths, wider = find_widths(plan, CHANCE), find_widths(plan, CHANCE / 2)
    least = profile.min_cell if profile.hides else None
    rows, hidden, further = [], 0, 0
    for levels, moments in zip(plan.rows, row_moments(plan, opened), strict=True):
        row = _build_row(plan, dict(zip(plan.by, levels, strict=True)), moments, widths, wider)
        if least is not None and moments[Count()] < least:
            row, hidden = hide_row(row, plan, REASON), hidden + 1
        elif few := [one.label for one in plan.asked if least is not None and moments[one.rests_on] < least]:
            row, further = without_measures(row, few, REASON), further + len(few)
        rows.append(row)
    told = {
        "profile": profile.name,
        "min_cell": profile.min_cell,
        "zeros_disclosive": profile.hides,
        "rows_hidden": {REASON: hidden},
        "measures_hidden": further,
        "linkage_hidden": [],
        "noise": {**loss, "agencies": len(plan.agencies), "error": _list_errors(plan, widths)},
    }
    return Draft(tuple(rows), {"people": {}, "usable": {}, "matched": None}, told)


def find_widths(plan: Plan, chance: float) -> Widths:
    """Give how far each number of a row is from the truth, but for a chance, as an integer at its scale."""
    scales = {
        cell.key.number: scale for cell, scale in zip(plan.cells, plan.noise, strict=True) if isinstance(cell.key.place, InRow)
    }
    return {moment: find_width(scales[moment], len(plan.agencies), chance) for moment in plan.moments if moment in scales}


def _build_row(plan: Plan, row: Row, moments: Moments, widths: Widths, wider: Widths) -> Row:
    details: dict[str, dict[str, int | float]] = {}
    undefined: dict[str, str] = {}
    counts: tuple[Count | Present, ...] = (Count(), *plan.present)
    for count in counts:
        row[count.label] = moments[count]
        details[count.label] = _describe(moments[count], widths.get(count, 0), 1)
    for one in plan.asked:
        if one.name == "count":
            continue
        unit, total = _unit_of(plan, one), Sum(one.columns)
        if one.name == "sum":
            value = Fraction(moments[total], unit)
            row[one.label] = _read(value)
            details[one.label] = _describe(moments[total], widths.get(total, 0), unit)
            continue
        people = moments[one.rests_on]
        made: Exact | float | Undefined = (
            one.value({total: Fraction(moments[total], unit), one.rests_on: people}) if people > 0 else Undefined(_FEW)
        )
        if isinstance(made, Undefined):
            row[one.label], undefined[one.label] = None, made.why or _FEW
            continue
        row[one.label] = float(made)
        reach, off = wider.get(one.rests_on, 0), wider.get(total, 0)
        if people > reach:
            ends = [
                Fraction(moments[total] + sign * off, unit * (people + other * reach)) for sign in (-1, 1) for other in (-1, 1)
            ]
            details[one.label] = {"low": float(min(ends)), "high": float(max(ends))}
    ordered = [*plan.by, "count"]
    for one in plan.asked:
        ordered += [one.label, one.rests_on.label]
    made_row: Row = {name: row[name] for name in dict.fromkeys(ordered)}
    return made_row | {"suppressed": None} | ({"undefined": undefined} if undefined else {}) | {"details": details}


def _list_errors(plan: Plan, widths: Widths) -> dict[str, int | float]:
    """Give how far each number of a row is from the truth, with 95 %, by its label."""
    scales = {reference: quantity.scale for reference, quantity in plan.quantities}
    units = {moment: 10 ** moment.scale(scales) if isinstance(moment, Sum) else 1 for moment in widths}
    return {moment.label: _read(Fraction(width, units[moment])) for moment, width in widths.items()}


def _unit_of(plan: Plan, one: Asked) -> int:
    """Give by what the integers of a measure's sum are divided."""
    return int(10 ** Sum(one.columns).scale({reference: quantity.scale for reference, quantity in plan.quantities}))


def _describe(value: int, width: int, unit: int) -> dict[str, int | float]:
    return {
        name: _read(Fraction(number, unit))
        for name, number in (("noise", width), ("low", value - width), ("high", value + width))
    }


def _read(value: Fraction) -> int | float:
    return int(value) if value.denominator == 1 else float(value)
