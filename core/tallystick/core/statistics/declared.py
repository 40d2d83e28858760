"""What a plan may assume about a column: its declared levels and bounds, from the agreement and the question alone."""

from __future__ import annotations

from fractions import Fraction
from math import ceil, floor

from tallystick.core.agreement.model import Agreement, Column
from tallystick.core.errors import Invalid, Refused
from tallystick.core.job.bins import Range, ranges_of
from tallystick.core.job.columns import columns_of, levels_of, no_column, split
from tallystick.core.job.conditions import declare_condition, is_condition
from tallystick.core.job.model import Question
from tallystick.core.values.periods import parse_period


def find_column(question: Question, agreement: Agreement, reference: str) -> Column:
    """Give the declaration of `group.column`, also where `derive` or a condition makes it.

    Raises:
        Invalid: `job-invalid`: no such group, dataset or column; `where-invalid`: a condition that makes no sense.
    """
    group, name = split(reference)
    columns = columns_of(question, group, agreement)
    if is_condition(name):
        return declare_condition(name, columns)
    if name not in columns:
        raise no_column(reference, columns, {part: columns_of(question, part, agreement) for part in question.parts_of(group)})
    return columns[name]


def by_levels(column: Column, reference: str) -> tuple[str | int | bool, ...]:
    """Give the levels that a `by` column declares, in declared order: what the table has rows for besides the missing.

    Raises:
        Invalid: `job-invalid`: the column declares no levels, or too many.
    """
    levels = levels_of(column)
    if not levels:
        fix = "declare its values (category) or close bounds (integer, month, quarter) in the dataset"
        raise Invalid("job-invalid", f"{reference} cannot be in `by`: it declares no list of levels", hint=fix)
    return levels


def ranges_by(question: Question, agreement: Agreement, reference: str) -> dict[str, Range]:
    """Give the ranges of numbers that the levels of a `by` column are, of bins, months and quarters; none of any other column.

    Raises:
        Invalid: `job-invalid`: as `find_column` and `ranges_of`.
    """
    edges, column = (question.bins or {}).get(reference), find_column(question, agreement, reference)
    if edges is not None:
        return ranges_of(edges, column, reference)
    if column.type not in {"month", "quarter"}:
        return {}
    numbers = {str(level): parse_period(str(level), column.type) for level in levels_of(column) or ()}
    return {level: Range(number, number + 1) for level, number in numbers.items()}


def levels_by(question: Question, agreement: Agreement, reference: str) -> tuple[str | int | bool, ...]:
    """Give the levels of a `by` column, binned or not, in their order, without the missing one.

    Raises:
        Invalid: `job-invalid`: as `by_levels` and `ranges_by`.
    """
    ranges = ranges_by(question, agreement, reference)
    return tuple(ranges) or by_levels(find_column(question, agreement, reference), reference)


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
    unit: int = 10 ** (column.scale or 0)
    return floor(Fraction(column.min) * unit), ceil(Fraction(column.max) * unit)
