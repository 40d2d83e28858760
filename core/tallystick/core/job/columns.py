"""The columns of a job's groups of people: declared and derived, their levels, and which of them a job reads."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from tallystick.core.agreement.model import Agreement, Column, Dataset
from tallystick.core.errors import Invalid
from tallystick.core.job.conditions import list_columns_read
from tallystick.core.job.derive import (
    Bin,
    Cap,
    Derivation,
    Derived,
    Operand,
    list_named,
    list_operands,
    list_read_rows,
    order_derived,
    parse_derive,
)
from tallystick.core.job.derived import derive_columns
from tallystick.core.job.filters import filter_of
from tallystick.core.job.model import People, Question
from tallystick.core.overall import find_operation
from tallystick.core.values.periods import parse_period, write_period

PRESENT = "present"
"""The column that every group has: whether a person is in it."""
MAX_LEVELS = 256
"""Levels of an integer column that `by` may still list one by one."""

Level = str | int | bool


def split(reference: str) -> tuple[str, str]:
    """Give the group and the column of a reference such as `wages.earnings`."""
    group, _, column = reference.partition(".")
    return group, column


def columns_of(question: Question, group: str, agreement: Agreement) -> dict[str, Column]:
    """Give the columns that measures and `by` may name for a group: those of its dataset, and its derived ones.

    Raises:
        Invalid: `job-invalid`: no such group, dataset or source column, a derived name that is taken; `sum-too-large`.
    """
    if group in (question.stacked or {}):
        return intersect_columns([columns_of(question, part, agreement) for part in question.parts_of(group)])
    if group not in question.people:
        raise Invalid("job-invalid", f"people has no group {group}", hint=f"it has: {', '.join(question.groups)}")
    people = question.people[group]
    dataset = agreement.dataset_of(people.dataset)
    columns = dataset.columns
    if PRESENT in columns or PRESENT in people.derive:
        raise Invalid(
            "job-invalid",
            f"{group}: a column cannot be called {PRESENT}, which says of every group whether it has a person",
            hint="give the column another name in the dataset"
            if PRESENT in columns
            else "give the derived column another name",
        )
    for name in people.derive:
        if name in dataset.columns:
            raise Invalid(
                "job-invalid",
                f"{group}: {name} is derived, but the dataset has a column of that name",
                hint="give the derived column another name",
            )
    return derive_columns(derivations_of(people), dataset)


def derivations_of(people: People) -> dict[str, Derivation]:
    """Give how a group's derived columns are made, none of itself.

    Raises:
        Invalid: `job-invalid`, `where-invalid`: as `parse_derive` and `order_derived`.
    """
    made = {name: parse_derive(text) for name, text in people.derive.items()}
    order_derived(made)
    return made


def list_sources(name: Operand, made: Mapping[str, Derivation]) -> frozenset[str]:
    """Give the declared columns that a column of a person is worked out from; `*` where rows are counted.

    Args:
        name: a column, declared or derived, or what is derived in its place.
        made: how derived columns are made, none of itself.
    """
    if isinstance(name, str):
        return list_sources(made[name], made) if name in made else frozenset({name})
    inner = (list_sources(one, made) for one in list_operands(name))
    return frozenset(list_read_rows(name)).union(*inner)


def find_valued(name: Operand, made: Mapping[str, Derivation]) -> str | None:
    """Give the declared column whose values a column of a person has, as they are, summed up, binned or capped; None where it has others.

    Args:
        name: a column, declared or derived, or what is derived in its place.
        made: how derived columns are made, none of itself.
    """
    match name:
        case str():
            return find_valued(made[name], made) if name in made else name
        case Derived(function=function, column=column):
            return None if function == "count" else column
        case Bin(of=of) | Cap(of=of):
            return find_valued(of, made)
        case _:
            return None


def intersect_columns(parts: Sequence[Mapping[str, Column]]) -> dict[str, Column]:
    """Give the columns of a stacked group: those that all of its groups declare alike."""
    return {name: column for name, column in parts[0].items() if all(alike(column, other.get(name)) for other in parts[1:])}


def alike(one: Column, other: Column | None) -> bool:
    """Tell whether two agencies' columns have the same type, levels and bounds, so that their values can stand in one column."""
    facts = ("type", "values", "min", "max", "scale")
    return other is not None and all(getattr(one, fact) == getattr(other, fact) for fact in facts)


def no_column(reference: str, columns: Mapping[str, Column], parts: Mapping[str, Mapping[str, Column]]) -> Invalid:
    """Give the refusal of a column that a group does not have.

    Args:
        reference: the column.
        columns: that the group has.
        parts: of a stacked group, the columns of each of its groups.
    """
    group, name = split(reference)
    holders = [part for part, its in parts.items() if name in its]
    if len(parts) > 1 and len(holders) == len(parts):
        return Invalid(
            "job-invalid",
            f"{reference}: {' and '.join(holders)} declare other types, levels or bounds of {name}",
            hint=f"declare {name} alike in their datasets, or use one of: {', '.join(sorted(columns)) or 'none is alike'}",
        )
    if holders and len(parts) > 1:
        lacks = next(part for part in parts if part not in holders)
        return Invalid(
            "job-invalid",
            f"{reference}: {lacks} has no column {name}",
            hint=f"all have alike: {', '.join(sorted(columns)) or 'none'}",
        )
    return Invalid("job-invalid", f"there is no column {reference}", hint=f"{group} has: {', '.join(sorted(columns))}")


def levels_of(column: Column) -> tuple[Level, ...] | None:
    """Give a column's levels in their order, without the missing one; None where they are not known or too many for `by`."""
    if column.type == "category":
        return column.values
    if column.type == "boolean":
        return (False, True)
    bounds = column.min, column.max
    if column.type in {"month", "quarter"} and column.min is not None:
        first, last = (parse_period(str(bound), column.type) for bound in bounds)
        numbers = range(first, last + 1)
        return tuple(write_period(number, column.type) for number in numbers) if len(numbers) <= MAX_LEVELS else None
    if (
        column.type == "integer"
        and isinstance(bounds[0], int)
        and isinstance(bounds[1], int)
        and bounds[1] - bounds[0] < MAX_LEVELS
    ):
        return tuple(range(bounds[0], bounds[1] + 1))
    return None


def list_asked_operations(question: Question) -> frozenset[str]:
    """Give the operations that a job asks for: of its measures, and of statistics of its whole table."""
    overall = (find_operation(one.asked.name) for one in question.overall or ())
    return frozenset((*(measure.operation for measure in question.measures), *overall))


def operations_by_column(
    question: Question, group: str, dataset: Dataset, *, employers: bool = False, households: bool = False
) -> Mapping[str, frozenset[str]]:
    """Give every declared column that a job reads of a group, with the operations that it serves.

    A column of `where`, `by` or `since` serves all of the job's operations; one of a measure serves its own, also in a condition; a
    derived one hands what it serves on to its source, and one that is derived but not used serves all; so does the one that names employers.

    Args:
        question: the job's.
        group: of its people.
        dataset: the group's.
        employers: whether the agreement's profile protects employers, so that their column is read.
        households: the same of households.

    Raises:
        Invalid: `where-invalid`, `job-invalid`.
    """
    people = question.people[group]
    made, where = derivations_of(people), filter_of(people, dataset)
    everything = list_asked_operations(question)
    served: dict[str, set[str]] = defaultdict(set)
    for measure in question.measures:
        for owner, column in map(split, measure.columns):
            if owner == question.find_part_name(group):
                for name in list_columns_read(column):
                    served[name].add(measure.operation)
    for one in question.overall or ():
        for owner, column in map(split, one.asked.of):
            if owner == question.find_part_name(group):
                for name in list_columns_read(column):
                    served[name].add(find_operation(one.asked.name))
    times = () if question.since is None else (question.since.event, question.since.of)
    for reference in (*question.by, *times):
        if split(reference)[0] == question.find_part_name(group) and split(reference)[1] not in {PRESENT, ""}:
            served[split(reference)[1]].update(everything)
    if employers and dataset.employers is not None:
        served[dataset.employers].update(everything)
    if households and dataset.households is not None:
        served[dataset.households].update(everything)
    for part in (where.rows, where.people):
        for name in part.columns if part is not None else ():
            served[name].update(everything)
    inner = {part for one in made.values() for part in list_named(one)}
    for name in made.keys() - served.keys() - inner:
        served[name].update(everything)
    found: dict[str, set[str]] = defaultdict(set)
    for name, operations in served.items():
        for source in list_sources(name, made) - {"*"}:
            found[source].update(operations)
    return {name: frozenset(operations) for name, operations in sorted(found.items())}
