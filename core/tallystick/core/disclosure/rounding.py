"""Rounding: what the desk releases of the numbers that the rules let pass, where the agreement's profile rounds.

The desk works with exact numbers, keeps the exact table, and holds later tables against that; what leaves is rounded. So a released number
tells less than the rules allow, and no rule rests on the rounding.

- Counts, sums of columns of 0 and 1, and the counts of the linkage report: to the nearest multiple of a base; halves go up. A count that
  may be shown is no smaller than the base, so it never becomes 0.
- Sums of other columns: to the nearest multiple of their own base, in the column's unit.
- What is worked out from them (means, shares, rates): from exact numbers, to some digits after the point. What stands beside it in a row
  (`details`: counts, intervals, coefficients) is left out, but for quantiles, which are rounded like means.

Security: the desk's agency sees the passing cells before they are rounded. Two tables of the same people give the same rounded numbers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Final

from tallystick.core.linkage.quality.intervals import wilson
from tallystick.core.measure import Asked
from tallystick.core.statistics.plan import Plan
from tallystick.core.statistics.table import Row

_TOTALS: Final = ("people", "usable", "matched", "pairs", "in_groups")
"""The totals of the linkage report: counts, or counts by name."""


@dataclass(frozen=True)
class Rounding:
    """How a profile rounds.

    Attributes:
        counts: (least count, base), from the smallest on: the base of counts from that one on.
        sums: the base of sums, in the column's unit; 0 leaves them.
        decimals: digits after the point of what is worked out.
    """

    counts: tuple[tuple[int, int], ...]
    sums: int
    decimals: int

    def round_count(self, count: int) -> int:
        """Round a count."""
        return _nearest(count, self.find_base(count))

    def find_base(self, count: int) -> int:
        """Find the base of a count."""
        return max((base for least, base in self.counts if count >= least), default=1)

    def round_sum(self, value: float) -> int | float:
        """Round a sum."""
        return _nearest(value, self.sums) if self.sums else value

    @property
    def text(self) -> str:
        """What a result says of it."""
        first, *more = self.counts
        counts = "".join([f"counts to {first[1]:,}", *(f", from {least:,} on to {base:,}" for least, base in more)])
        sums = f"; sums to {self.sums:,}" if self.sums else ""
        return f"{counts}{sums}; means, shares and rates to {self.decimals} digits after the point"


def combine_roundings(one: Rounding | None, other: Rounding | None) -> Rounding | None:
    """Give the rounding that is as coarse as each of two, for every number."""
    if one is None or other is None:
        return one or other
    steps = sorted({least for least, _ in (*one.counts, *other.counts)})
    counts = tuple((least, max(one.find_base(least), other.find_base(least))) for least in steps)
    return Rounding(counts, max(one.sums, other.sums), min(one.decimals, other.decimals))


def round_table(
    rows: Sequence[Row], linkage: Mapping[str, Any], plan: Plan, rounding: Rounding
) -> tuple[list[Row], dict[str, Any]]:
    """Round a table and its linkage report; null stays null.

    Args:
        rows: after every rule.
        linkage: the same.
        plan: the job's.
        rounding: the profile's.
    """
    return [_round_row(row, plan, rounding) for row in rows], _round_linkage(linkage, rounding)


def round_total(total: Mapping[str, Any], rounding: Rounding) -> dict[str, Any]:
    """Round a total of a table; null stays null."""
    return {**total, "count": _round_shown(total["count"], rounding)}


def _round_row(row: Row, plan: Plan, rounding: Rounding) -> Row:
    out: Row = {name: value for name, value in row.items() if name != "details"}
    out["count"] = _round_shown(row["count"], rounding)
    for one in plan.asked:
        out[one.rests_on.label] = _round_shown(row[one.rests_on.label], rounding)
        if one.label != "count":
            out[one.label] = _round_value(one, row[one.label], plan, rounding)
    told = {label: detail for label, detail in _round_details(row, plan, rounding) if detail}
    return out | ({"details": told} if told else {})


def _round_details(row: Row, plan: Plan, rounding: Rounding) -> Iterator[tuple[str, Mapping[str, Any]]]:
    details: Mapping[str, Any] = row.get("details") or {}
    for one in plan.asked:
        if one.label in details:
            yield one.label, one.measure.round_detail(details[one.label], rounding.decimals)


def _round_value(one: Asked, value: Any, plan: Plan, rounding: Rounding) -> Any:
    if value is None or isinstance(value, bool):
        return value
    if one.name == "sum":
        return rounding.round_count(int(value)) if plan.binary.issuperset(one.columns) else rounding.round_sum(value)
    return rounding.round_count(value) if isinstance(value, int) else round(float(value), rounding.decimals)


def _round_linkage(linkage: Mapping[str, Any], rounding: Rounding) -> dict[str, Any]:
    """Round a linkage report: every number of it that counts people, and the rates anew from these."""
    out = dict(linkage)
    for name in _TOTALS:
        value = out.get(name)
        out |= (
            {name: _round_all(value, rounding) if isinstance(value, Mapping) else _round_shown(value, rounding)}
            if name in out
            else {}
        )
    if "passes" in out:
        out["passes"] = [
            {**one, "tokens": _round_all(one["tokens"], rounding), "matches": _round_shown(one["matches"], rounding)}
            for one in out["passes"]
        ]
    if "rates" in out:
        rates = out["rates"]
        matched, people = out.get("matched"), out.get("people") or {}
        overall = {
            name: _rate(matched, people.get(name), rounding) if rate else None for name, rate in rates["overall"].items()
        }
        out["rates"] = {**rates, "overall": overall, "groups": [_round_group(one, rounding) for one in rates["groups"]]}
    return out


def _round_group(group: Mapping[str, Any], rounding: Rounding) -> dict[str, Any]:
    people, matched = _round_shown(group["people"], rounding), _round_shown(group["matched"], rounding)
    return {**group, "people": people, "matched": matched, "rate": _rate(matched, people, rounding) if group["rate"] else None}


def _rate(matched: int | None, people: int | None, rounding: Rounding) -> dict[str, float] | None:
    if matched is None or not people:
        return None
    matched = min(matched, people)  # each may have been rounded to another side
    low, high = wilson(matched, people)
    return {
        name: round(value, rounding.decimals) for name, value in (("value", matched / people), ("low", low), ("high", high))
    }


def _round_all(counts: Mapping[str, Any], rounding: Rounding) -> dict[str, Any]:
    return {name: _round_shown(count, rounding) for name, count in counts.items()}


def _round_shown(count: Any, rounding: Rounding) -> int | None:
    return None if count is None else rounding.round_count(int(count))


def _nearest(value: float | Fraction, base: int) -> int:
    """Round to a multiple of a base; halves go up."""
    return int((Fraction(value) + Fraction(base, 2)) // base) * base
