"""What a question may assume about a column: its declared type, levels and bounds, also where `derive` makes it.

Everything here comes from the agreement and the question alone, so that every party computes the same plan.
"""

from __future__ import annotations

import re
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Final

from tallystick.core.agreement.model import Agreement, Column, Dataset
from tallystick.core.errors import Invalid, Refused
from tallystick.core.job.model import Question

MAX_INTEGER_LEVELS: Final = 100

_DERIVED: Final = re.compile(
    r"^\s*(sum|min|max|count)\s*\(\s*(distinct\s+)?(\*|[A-Za-z_][A-Za-z0-9_]*)\s*\)\s*$", re.IGNORECASE
)


def declared_column(question: Question, agreement: Agreement, reference: str) -> Column:
    """Give the declaration of `group.column`; a derived column's bounds follow from its source's and `rows_per_person`.

    Raises:
        Invalid: `job-invalid`: no such group, dataset or column, or a derivation that cannot be read.
    """
    group, name = reference.split(".", 1)
    people = question.people.get(group)
    if people is None:
        raise Invalid(
            "job-invalid", f"{reference} names no group of the job", hint=f"the job has: {', '.join(sorted(question.people))}"
        )
    dataset = agreement.dataset_of(people.dataset)
    if name in people.derive:
        return _derived(reference, people.derive[name], dataset)
    return _of_dataset(reference, name, dataset)


def levels_of(column: Column, reference: str) -> tuple[str | int | bool, ...]:
    """Give the levels that a `by` column declares, in declared order: what the table has rows for besides the missing.

    Raises:
        Invalid: `job-invalid`: the column declares no levels.
    """
    if column.type == "category" and column.values:
        return column.values
    if column.type == "boolean":
        return (False, True)
    if column.type == "integer" and column.min is not None:
        low, high = integer_bounds(column, reference)
        if high - low < MAX_INTEGER_LEVELS:
            return tuple(range(low, high + 1))
    fix = f"declare its values, or bounds at most {MAX_INTEGER_LEVELS} apart, in the dataset"
    raise Invalid("job-invalid", f"{reference} cannot be in `by`: it declares no list of levels", hint=fix)


def integer_bounds(column: Column, reference: str) -> tuple[int, int]:
    """Give the bounds of a column's values as integers at its scale, widened to whole units.

    Raises:
        Invalid: `job-invalid`: not a number.
        Refused: `sum-too-large`: no bounds are declared.
    """
    if column.type == "boolean":
        return (0, 1)
    if column.type not in {"integer", "decimal"}:
        raise Invalid("job-invalid", f"{reference} is a {column.type}; sums and means are of integers, decimals and booleans")
    if column.min is None or column.max is None:
        raise Refused("sum-too-large", f"{reference} declares no bounds", hint="declare min and max for it in the dataset")
    unit = Decimal(10) ** (column.scale or 0)
    low = (Decimal(column.min) * unit).to_integral_value(ROUND_FLOOR)
    high = (Decimal(column.max) * unit).to_integral_value(ROUND_CEILING)
    return int(low), int(high)


def _of_dataset(reference: str, name: str, dataset: Dataset) -> Column:
    column = dataset.columns.get(name)
    if column is None:
        raise Invalid(
            "job-invalid", f"the dataset has no column for {reference}", hint=f"it has: {', '.join(sorted(dataset.columns))}"
        )
    return column


def _derived(reference: str, expression: str, dataset: Dataset) -> Column:
    match = _DERIVED.match(expression)
    if (
        match is None
        or (match[2] and match[1].lower() != "count")
        or (match[3] == "*" and (match[1].lower() != "count" or match[2]))
    ):
        raise Invalid(
            "job-invalid", f"the derivation of {reference} is none of sum, min, max, count", hint="for example: sum(wage)"
        )
    operation, source = match[1].lower(), match[3]
    if operation == "count":
        if source != "*":
            _of_dataset(reference, source, dataset)
        return Column(type="integer", min=0, max=dataset.rows_per_person)
    column = _of_dataset(reference, source, dataset)
    if operation != "sum":
        return column
    if column.min is None and column.type in {"integer", "decimal"}:
        return column
    low, high = integer_bounds(column, reference)
    rows = dataset.rows_per_person
    low, high = min(low, low * rows), max(high, high * rows)
    if column.type == "decimal":
        scale = column.scale or 0
        return Column(type="decimal", scale=scale, min=_text(low, scale), max=_text(high, scale))
    return Column(type="integer", min=low, max=high)


def _text(value: int, scale: int) -> str:
    """Write an integer at a scale as a decimal, without an exponent."""
    digits = str(abs(value)).rjust(scale + 1, "0")
    sign = "-" if value < 0 else ""
    return sign + (f"{digits[:-scale]}.{digits[-scale:]}" if scale else digits)
