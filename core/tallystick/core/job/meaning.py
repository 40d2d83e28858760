"""What derived columns, conditions and a group's `where` say, whatever an analyst calls them; and what they are worked out from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations

from tallystick.core.agreement.model import Dataset
from tallystick.core.errors import Invalid
from tallystick.core.job.columns import derivations_of, list_sources, split
from tallystick.core.job.conditions import is_condition, list_columns_read, rewrite_condition
from tallystick.core.job.derive import (
    AnyRow,
    Bin,
    Cap,
    Case,
    Derivation,
    Derived,
    EmployerNumber,
    HouseholdShare,
    MonthsBetween,
    Operand,
    list_named,
    list_operands,
)
from tallystick.core.job.filters import filter_of
from tallystick.core.job.model import People, Question


@dataclass(frozen=True)
class Read:
    """What a reference of a job says, and what it is worked out from.

    Attributes:
        text: the same for all that say the same.
        sources: the declared columns of its group, `*` where rows are counted.
        parts: whether it parts people or changes values at a threshold, or is of several columns, which somebody may lack.
        caps: whether it changes values at a threshold.
    """

    text: str
    sources: frozenset[str]
    parts: bool
    caps: bool


def describe_derived(one: Operand, made: Mapping[str, Derivation]) -> str:
    """Write what a column of a person is, with declared columns alone; bins as `by` has them.

    Args:
        one: a column, declared or derived, or what is derived in its place.
        made: how derived columns are made, none of itself.
    """
    match one:
        case str():
            return describe_derived(made[one], made) if one in made else one
        case Derived():
            return f"{one.function}({'distinct ' if one.distinct else ''}{one.column or '*'})"
        case AnyRow():
            return f"any({one.condition})"
        case EmployerNumber():
            return f"employers of number {one.number} in {one.column}"
        case HouseholdShare():
            return f"part of a household in {one.column}"
        case Bin():
            return f"{describe_derived(one.of, made)} at {', '.join(str(Fraction(edge)) for edge in one.edges)}"
        case Cap():
            return f"cap({describe_derived(one.of, made)}, {Fraction(one.at)})"
        case MonthsBetween():
            return f"months_between({describe_derived(one.start, made)}, {describe_derived(one.end, made)})"
        case Case():
            inner = {name: describe_derived(name, made) for name in list_named(one)}
            said = [
                f"{rewrite_condition(text, inner)}, '{level}'" for text, level in zip(one.conditions, one.texts, strict=True)
            ]
            return f"case({', '.join(said)}{'' if one.otherwise is None else f', {one.otherwise!r}'})"


def describe_filter(people: People, dataset: Dataset) -> str:
    """Write a group's `where` in one way, tests of rows as `sameness.py` has them, and derived columns as what they are; empty for none.

    Raises:
        Invalid: `where-invalid`, `job-invalid`, `sum-too-large`: as `filter_of`.
    """
    from tallystick.core.job.sameness import describe_condition  # a parser, which few jobs need

    where = filter_of(people, dataset)
    rows = "" if where.rows is None else describe_condition(where.rows.sql, dataset.columns)
    if where.people is None:
        return rows
    made = derivations_of(people)
    told = filter_of(people, dataset, {name: f"<{describe_derived(name, made)}>" for name in made}).people
    return f"{rows} AND of people {'' if told is None else told.sql}"


def read_reference(reference: str, question: Question) -> Read:
    """Give what a reference of a question says.

    Raises:
        Invalid: `job-invalid`, `where-invalid`: no such group, a derivation that cannot be read.
    """
    group, name = split(reference)
    lacking = [one for one in question.parts_of(group) if one not in question.people]
    if lacking:
        raise Invalid("job-invalid", f"people has no group {lacking[0]}", hint=f"it has: {', '.join(question.groups)}")
    named, condition = list_columns_read(name), is_condition(name)
    texts: list[str] = []
    sources: set[str] = set()
    kinds: set[type] = set()
    for part in question.parts_of(group):
        made = derivations_of(question.people[part])
        said = {one: describe_derived(one, made) for one in named}
        texts.append(rewrite_condition(name, said) if condition else said[name])
        sources.update(f"{group}.{one}" for column in named for one in list_sources(column, made))
        kinds.update(kind for column in named for kind in _list_kinds(column, made))
    parts = condition or bool(kinds & {AnyRow, Bin, Cap, Case, MonthsBetween})
    return Read(f"{group}.{' + '.join(texts)}", frozenset(sources), parts, Cap in kinds)


def find_nested(references: Sequence[str], banded: Sequence[str], question: Question) -> tuple[str, str] | None:
    """Give two references of a job's measures of which one tells what the other does not of a few people; None if there are none.

    Of two thresholds of one number the shares differ by the people between them, who may be few; so a job asks for bins in their place. A
    condition over several columns can be told of people who lack one of them. A condition over one column and that column by itself are of
    the same people, unless the column is banded: bands and a threshold are two thresholds again. A capped column and the column by itself
    differ by what the few above the cap have. What a column is called, and how it is derived, makes no difference: what counts is which
    declared columns of which people it is worked out from.

    Not seen: that one group's people are another's, where their conditions are not the same.

    Args:
        references: of all measures.
        banded: those whose values a measure parts in bands.
        question: theirs.

    Raises:
        Invalid: as `read_reference`.
    """
    read = {reference: read_reference(reference, question) for reference in dict.fromkeys(references)}
    for (one, mine), (other, theirs) in combinations(read.items(), 2):
        parting = [which for which in (mine, theirs) if which.parts]
        if mine.text == theirs.text or not parting or not mine.sources & theirs.sources:
            continue
        several = any(len(which.sources) > 1 for which in parting)
        if len(parting) == 2 or {one, other} & set(banded) or several or mine.caps or theirs.caps:
            return one, other
    return None


def list_summaries(one: Operand, made: Mapping[str, Derivation]) -> frozenset[str]:
    """Give the numbers that a column is made of at its root, as `describe_derived` writes them: of a person, or what sums up rows."""
    if isinstance(one, str):
        return list_summaries(made[one], made) if one in made else frozenset({one})
    inner = list_operands(one)
    if not inner:
        return frozenset() if isinstance(one, AnyRow) else frozenset({describe_derived(one, made)})
    return frozenset().union(*(list_summaries(part, made) for part in inner))


def _list_kinds(one: Operand, made: Mapping[str, Derivation]) -> set[type]:
    if isinstance(one, str):
        return _list_kinds(made[one], made) if one in made else set()
    return {type(one)}.union(*(_list_kinds(part, made) for part in list_operands(one)))
