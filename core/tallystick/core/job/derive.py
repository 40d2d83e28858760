"""Columns that sum up a person's rows: `sum(c)`, `min(c)`, `max(c)`, `count(*)`, `count(c)`, `count(distinct c)`.

Missing values are left out, as in SQL; a person whose values are all missing has no sum, minimum or maximum, and a count of 0.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, Literal

from tallystick.core.agreement.model import Column, Dataset
from tallystick.core.errors import Invalid

Function = Literal["sum", "min", "max", "count"]

_DERIVE: Final = re.compile(
    r"\s*(?P<function>sum|min|max|count)\s*\(\s*(?:(?P<all>\*)|(?P<distinct>distinct\s+)?(?P<column>[A-Za-z_][A-Za-z0-9_]{0,63}))\s*\)\s*"
)
_GRAMMAR: Final = "use sum(c), min(c), max(c), count(*), count(c) or count(distinct c)"
_MAX_DIGITS: Final = 18


@dataclass(frozen=True)
class Derived:
    """A parsed derivation.

    Attributes:
        function: sum, min, max or count.
        column: the source column; None for `count(*)`.
        distinct: count each value once.
    """

    function: Function
    column: str | None
    distinct: bool


def parse_derive(text: str) -> Derived:
    """Give a derivation.

    Raises:
        Invalid: `job-invalid`: another function, or an expression.
    """
    match = _DERIVE.fullmatch(text)
    if match is None:
        raise Invalid("job-invalid", "a derived column is not an allowed expression", hint=_GRAMMAR)
    function, column, distinct = match["function"], match["column"], match["distinct"] is not None
    if function != "count" and (match["all"] or distinct):
        raise Invalid("job-invalid", f"{function} takes one column and no distinct", hint=_GRAMMAR)
    return Derived(function, column, distinct)  # type: ignore[arg-type]  # the pattern allows these functions alone


def derive_column(derived: Derived, dataset: Dataset) -> Column:
    """Give the type, scale and bounds of a derived column, as if it had been declared.

    A sum lies between rows_per_person times the smaller of 0 and min, and rows_per_person times the larger of 0 and max; a
    count between 0 and rows_per_person; a minimum or maximum where its source does.

    Raises:
        Invalid: `job-invalid`: no such column, or a sum over one that is not numeric; `sum-too-large`: bounds of over 18
        digits.
    """
    source = None if derived.column is None else dataset.columns.get(derived.column)
    if derived.column is not None and source is None:
        raise Invalid(
            "job-invalid", f"the dataset has no column {derived.column}", hint=f"it has: {', '.join(sorted(dataset.columns))}"
        )
    if derived.function == "count":
        return Column(type="integer", min=0, max=dataset.rows_per_person)
    assert source is not None
    if derived.function in {"min", "max"}:
        return source
    if source.type not in {"integer", "decimal"}:
        raise Invalid(
            "job-invalid", f"sum({derived.column}) is over a {source.type} column", hint="sum an integer or decimal column"
        )
    if source.min is None or source.max is None:
        return source
    bounds = (
        min(Decimal(0), Decimal(str(source.min))) * dataset.rows_per_person,
        max(Decimal(0), Decimal(str(source.max))) * dataset.rows_per_person,
    )
    if any(abs(bound) >= Decimal(10) ** _MAX_DIGITS for bound in bounds):
        raise Invalid(
            "sum-too-large",
            f"sum({derived.column}) could have over {_MAX_DIGITS} digits",
            hint="declare closer bounds or fewer rows_per_person",
        )
    if source.type == "integer":
        return Column(type="integer", min=int(bounds[0]), max=int(bounds[1]))
    low, high = (f"{bound:f}" for bound in bounds)
    return Column(type="decimal", scale=source.scale, min=low, max=high)
