"""Bins given in a job: `by: [{bin: wages.earnings, at: [0, 2500, 5000]}]` makes rows by ranges of a number.

In the document it is `by: [wages.earnings]` and `bins: {wages.earnings: [0, 2500, 5000]}`. Edges belong to the bin above them. The levels
read `under 0`, `0 to 2499`, `2500 to 4999`, `5000 or over`; of a decimal `0 to under 2500`. A bin beyond the declared bounds is left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import Final

from tallystick.core.agreement.model import Column
from tallystick.core.errors import Invalid

MAX_EDGES: Final = 50


@dataclass(frozen=True)
class Range:
    """Values from `low` to below `high`, as integers at the column's scale; None where it has no end."""

    low: int | None
    high: int | None


def expand_bins(value: object) -> object:
    """Give a job file's value with columns in place of the bins in `by`, and their edges under `bins`; any other value as it is.

    Raises:
        Invalid: `job-invalid`: an entry has other keys than `bin` and `at`.
    """
    if not isinstance(value, Mapping) or not isinstance(value.get("by"), list):
        return value
    if not any(isinstance(one, Mapping) for one in value["by"]):
        return value
    bins = dict(value.get("bins") or {})
    by = []
    for one in value["by"]:
        if not isinstance(one, Mapping):
            by.append(one)
            continue
        if set(one) != {"bin", "at"} or not isinstance(one["bin"], str):
            raise Invalid(
                "job-invalid",
                "by: an entry is a column, or {bin: GROUP.COLUMN, at: [NUMBER, …]}",
                hint="give bin and at, nothing else",
            )
        by.append(one["bin"])
        bins[one["bin"]] = one["at"]
    return {**value, "by": by, "bins": bins}


def find_misplaced(bins: Mapping[str, object], by: Sequence[str]) -> Iterator[Invalid]:
    """Give the refusal of each column that has edges and does not stand in `by`, or is a presence."""
    for reference in sorted(bins):
        if reference not in by or reference.endswith(".present"):
            yield Invalid("job-invalid", f"bins: {reference} is no number in by", hint="by: [{bin: GROUP.COLUMN, at: [0, 10]}]")


def ranges_of(edges: Sequence[int | str], column: Column, reference: str) -> dict[str, Range]:
    """Give the bins of a column, by what they are called, in their order.

    Raises:
        Invalid: `job-invalid`: no number, edges that do not rise or have more digits than the column, or one bin alone.
    """
    if column.type not in {"integer", "decimal"}:
        raise Invalid(
            "job-invalid", f"by: {reference} is a {column.type} column, which has no bins", hint="bin integers or decimals"
        )
    unit = Fraction(10 ** (column.scale or 0))
    at = [Fraction(edge) * unit for edge in edges]
    if any(one >= other for one, other in pairwise(at)):
        raise Invalid(
            "job-invalid", f"by: the edges of {reference} do not rise", hint="at: [0, 2500, 5000], each above the last"
        )
    if any(edge.denominator != 1 for edge in at):
        raise Invalid(
            "job-invalid",
            f"by: an edge of {reference} has more digits than the column",
            hint=f"the column has {column.scale or 0} digits after the point",
        )
    low = None if column.min is None else Fraction(column.min) * unit
    high = None if column.max is None else Fraction(column.max) * unit
    names = [f"under {edges[0]}"]
    for (one, other), (start, end) in zip(pairwise(at), pairwise(edges), strict=True):
        last = f"under {end}" if column.type == "decimal" else str(int(other) - 1)
        names.append(str(start) if column.type == "integer" and other - one == 1 else f"{start} to {last}")
    names.append(f"{edges[-1]} or over")
    ends = [None, *(int(edge) for edge in at), None]
    found = {
        name: Range(start, end)
        for name, (start, end) in zip(names, pairwise(ends), strict=True)
        if (end is None or low is None or low < end) and (start is None or high is None or start <= high)
    }
    if len(found) < 2:
        raise Invalid(
            "job-invalid", f"by: all declared values of {reference} are in one bin", hint="give edges between its min and max"
        )
    return found
