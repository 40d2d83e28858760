"""What derived columns are declared as: type, levels, scale and bounds, from the dataset's declaration alone."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Final

from tallystick.core.agreement.model import Column, Dataset
from tallystick.core.errors import Invalid
from tallystick.core.job.bins import ranges_of
from tallystick.core.job.derive import (
    WHOLE,
    AnyRow,
    Bin,
    Cap,
    Case,
    Derivation,
    Derived,
    EmployerNumber,
    HouseholdShare,
    Operand,
    list_operands,
    order_derived,
)
from tallystick.core.values.periods import find_unit, parse_period, unit_of_type

_MAX_DIGITS: Final = 18


def derive_columns(made: Mapping[str, Derivation], dataset: Dataset) -> dict[str, Column]:
    """Give the dataset's columns, and the derived ones as if they had been declared.

    Raises:
        Invalid: as `order_derived` and `derive_column`.
    """
    columns = dict(dataset.columns)
    for name in order_derived(made):
        columns[name] = derive_column(made[name], dataset, columns)
    return columns


def derive_column(derived: Derivation, dataset: Dataset, columns: Mapping[str, Column] | None = None) -> Column:
    """Give the type, levels, scale and bounds of a derived column, as if it had been declared.

    A sum lies between rows_per_person times the smaller of 0 and min, and rows_per_person times the larger of 0 and max; a
    count between 0 and rows_per_person; a minimum or maximum where its source does.

    Args:
        derived: how it is made.
        dataset: whose rows are summed up.
        columns: of a person, declared and derived; the dataset's, if they are left out.

    Raises:
        Invalid: `job-invalid`: no such column, or one of a type that the function does not take; `sum-too-large`: bounds of over 18
            digits; `where-invalid`: a condition over what is not there.
    """
    known = dataset.columns if columns is None else columns
    match derived:
        case Derived():
            return _derive_summary(derived, dataset)
        case AnyRow(condition=condition):
            _check_condition(condition, dataset.columns, "any")
            return Column(type="boolean")
        case EmployerNumber():
            return Column(type="boolean")
        case HouseholdShare():
            return Column(type="integer", min=0, max=WHOLE)
        case Case():
            usable = {name: column for name, column in known.items() if column.type != "category" or column.values is not None}
            for condition in derived.conditions:
                _check_condition(condition, usable, "case")
            return Column(type="category", values=derived.levels)
        case _:
            return _derive_person(derived, [_declare_operand(one, dataset, known) for one in list_operands(derived)])


def _declare_operand(one: Operand, dataset: Dataset, columns: Mapping[str, Column]) -> Column:
    if not isinstance(one, str):
        return derive_column(one, dataset, columns)
    if one not in columns:
        raise Invalid("job-invalid", f"the dataset has no column {one}", hint=f"it has: {', '.join(sorted(columns))}")
    return columns[one]


def _derive_person(derived: Derivation, of: list[Column]) -> Column:
    column = of[0]
    match derived:
        case Bin(edges=edges):
            try:
                return Column(type="category", values=tuple(ranges_of(edges, column, "bin")))
            except Invalid as error:
                raise Invalid(error.code, error.message.removeprefix("by: "), hint=error.hint) from error
        case Cap(at=at):
            if column.type not in {"integer", "decimal"}:
                raise Invalid("job-invalid", f"cap is over a {column.type} column", hint="cap an integer or decimal column")
            if (Fraction(at) * 10 ** (column.scale or 0)).denominator != 1:
                raise Invalid(
                    "job-invalid",
                    "cap has more digits than the column",
                    hint=f"the column has {column.scale or 0} digits after the point",
                )
            if column.min is None or column.max is None:
                return column
            if Fraction(column.min) >= Fraction(at):
                raise Invalid("job-invalid", "cap is not above the column's min", hint="give a number between its min and max")
            most = min(Fraction(at), Fraction(column.max))
            top = at if most == Fraction(at) else column.max
            return Column(
                type=column.type, scale=column.scale, min=column.min, max=int(top) if column.type == "integer" else str(top)
            )
        case _:
            units = [unit_of_type(one.type) for one in of]
            if any(unit not in {"day", "month"} for unit in units):
                raise Invalid("job-invalid", "months_between is of dates or months", hint="months_between(started, ended)")
            if any(one.min is None for one in of):
                return Column(type="integer")
            (first, last), (begin, end) = (
                tuple(find_unit(parse_period(str(bound), unit), unit, "month") for bound in (one.min, one.max))
                for one, unit in zip(of, units, strict=True)
                if unit is not None
            )
            return Column(type="integer", min=begin - last, max=end - first)


def _derive_summary(derived: Derived, dataset: Dataset) -> Column:
    source = None if derived.column is None else dataset.columns.get(derived.column)
    if derived.column is not None and source is None:
        raise Invalid(
            "job-invalid", f"the dataset has no column {derived.column}", hint=f"it has: {', '.join(sorted(dataset.columns))}"
        )
    if derived.function == "count":
        return Column(type="integer", min=0, max=dataset.rows_per_person)
    assert source is not None
    if derived.dated and unit_of_type(source.type) is None:
        raise Invalid(
            "job-invalid",
            f"first and last are of dates, months and quarters; {derived.column} is a {source.type} column",
            hint=f"{derived.function}({derived.column})",
        )
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


def _check_condition(text: str, columns: Mapping[str, Column], function: str) -> None:
    from tallystick.core.job.where import parse_where  # a parser, which few jobs need

    try:
        parse_where(text, columns)
    except Invalid as error:
        raise Invalid(error.code, f"{function}: {error.message}", hint=error.hint) from error
