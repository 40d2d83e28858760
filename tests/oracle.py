"""The cleartext oracle: what a question's answer is when everyone's records lie in one room.

Written from the meaning of a job file alone: it joins rows, groups them, and adds fractions. It shares no code with the planner.
"""

from __future__ import annotations

import re
import statistics
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from itertools import product
from typing import Any, Final

import pandas as pd

from tallystick.core.agreement.model import Agreement, Column
from tallystick.core.job.model import Question

OF_SAMPLES: Final[dict[str, Callable[[Sequence[Fraction]], float]]] = {
    "variance": lambda values: float(statistics.variance(values)),
    "sd": lambda values: float(statistics.stdev(values)),
}
"""Of exact fractions; both round once."""


def expected_rows(
    question: Question,
    agreement: Agreement,
    frames: Mapping[str, pd.DataFrame],
    links: Sequence[tuple[int, int]],
) -> list[dict[str, Any]]:
    """Give the rows that a job over two groups must release before any disclosure rule.

    Args:
        question: the job file.
        agreement: declares the levels of `by` columns that `derive` does not make.
        frames: per group, the one that the formula names first at the front: one row per person; columns under their own names; text,
            int, bool, Decimal (or its text), None or NaN. `where` and `derive` are applied already.
        links: (position in the first frame, position in the second) of everyone who matched; one-to-one.
    """
    first, second = in_order(question)
    assert len({i for i, _ in links}) == len({j for _, j in links}) == len(links)
    people = [{first: i, second: j} for i, j in links]
    people += [{first: i} for i in sorted(set(range(len(frames[first]))) - {i for i, _ in links})]
    people += [{second: j} for j in sorted(set(range(len(frames[second]))) - {j for _, j in links})]
    return expected_rows_of(question, agreement, frames, people)


def in_order(question: Question) -> list[str]:
    """Give the groups of a question, those that its formula names first, in its order."""
    assert question.keep is not None
    words = question.keep.replace("(", " ").replace(")", " ").split()
    return list(dict.fromkeys([*(word for word in words if word in question.people), *sorted(question.people)]))


def expected_rows_of(
    question: Question,
    agreement: Agreement,
    frames: Mapping[str, pd.DataFrame],
    people: Sequence[Mapping[str, int]],
) -> list[dict[str, Any]]:
    """Give the rows that a job over any groups must release before any disclosure rule.

    Args:
        question, agreement, frames: as `expected_rows` has them.
        people: of everybody whom a group has, the position in the frame of each group that has them.
    """
    groups = groups_named(question)
    worlds = [dict(zip(groups, bits, strict=True)) for bits in product([True, False], repeat=len(groups))]
    counted = [world for world in worlds if any(world.values()) and keeps(question, world)]
    by: dict[str, None] = {}
    for name in question.by:
        group = name.split(".")[0]
        if name != "systems" and not all(world[group] for world in counted):
            by[f"{group}.present"] = None
        by[name] = None
    records = {
        part: [_person(group, record) | {f"{group}.present": True} for record in frames[part].to_dict("records")]
        for group, parts in groups.items()
        for part in parts
    }
    nobody = {
        group: {f"{group}.{name}": None for name in frames[parts[0]].columns} | {f"{group}.present": False}
        for group, parts in groups.items()
    }
    members: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    for places in people:
        if not keeps(question, {group: any(part in places for part in parts) for group, parts in groups.items()}):
            continue
        person: dict[str, Any] = {"systems": 0}
        for group, parts in groups.items():
            held = [part for part in parts if part in places]
            person |= records[held[0]][places[held[0]]] if held else nobody[group]
            person["systems"] += bool(held)
        members.setdefault(tuple(_level(question, agreement, name, person[name]) for name in by), []).append(person)
    keys = [
        key
        for key in product(*(_levels(question, agreement, name, counted) for name in by))
        if _possible(dict(zip(by, key, strict=True)), counted)
    ]
    strangers = [key for key in members if key not in keys]
    assert strangers == [], f"people in undeclared levels {strangers}"
    rows = []
    for key in keys:
        inside = members.get(key, [])
        if inside or None not in key:
            rows.append(dict(zip(by, key, strict=True)) | _numbers(question, agreement, inside))
    return rows


def groups_named(question: Question) -> dict[str, tuple[str, ...]]:
    """Give the groups that a question's formula and columns name, each with those of `people` that it is made of."""
    stacked = dict(question.stacked or {})
    inside = {part for parts in stacked.values() for part in parts}
    return {name: (name,) for name in question.people if name not in inside} | stacked


def keeps(question: Question, present: Mapping[str, bool]) -> bool:
    """Tell whether a person is counted, by Python's own logic."""
    assert question.keep is not None
    return bool(eval(question.keep.replace("-", "_"), {}, {name.replace("-", "_"): there for name, there in present.items()}))


def _possible(row: Mapping[str, Any], counted: Sequence[Mapping[str, bool]]) -> bool:
    """Tell whether anybody who is counted could be in a row."""
    there = {name.split(".")[0]: row.get(f"{name.split('.')[0]}.present", True) for name in row if name != "systems"}
    levels = {name: level for name, level in row.items() if not name.endswith(".present") and name != "systems"}
    counted = [world for world in counted if sum(world.values()) == row.get("systems", sum(world.values()))]
    if any(level is not None and not there[name.split(".")[0]] for name, level in levels.items()):
        return False
    return any(all(world[group] is is_there for group, is_there in there.items()) for world in counted)


def _numbers(question: Question, agreement: Agreement, inside: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    numbers: dict[str, Any] = {"count": len(inside)}
    for measure in question.measures:
        if measure.operation == "count":
            continue
        (name,) = measure.columns
        decimal = _column(question, agreement, name).type == "decimal"
        present = [person[name] for person in inside if person[name] is not None]
        values = [Fraction(int(value)) if isinstance(value, bool) else Fraction(str(value)) for value in present]
        total = sum(values, Fraction(0))
        match measure.operation:
            case "sum":
                numbers[f"sum({name})"] = float(total) if decimal else int(total)
            case "mean":
                numbers[f"mean({name})"] = float(total / len(values)) if values else None
            case "variance" | "sd":
                number = None if len(values) < 2 else OF_SAMPLES[measure.operation](values)
                numbers[f"{measure.operation}({name})"] = number
            case _:
                raise AssertionError(measure.operation)
        numbers[f"count({name})"] = len(values)
    unknown = [
        measure.label for measure in question.measures if measure.operation in OF_SAMPLES and numbers[measure.label] is None
    ]
    why = {"undefined": dict.fromkeys(unknown, "fewer than two values")} if unknown else {}
    return numbers | {"suppressed": None} | why


def _levels(question: Question, agreement: Agreement, name: str, counted: Sequence[Mapping[str, bool]]) -> list[Any]:
    if name == "systems":
        return sorted({sum(world.values()) for world in counted})
    group, called = name.split(".")
    if called == "present":
        return [True, False] if not all(world[group] for world in counted) else [True]
    column = _column(question, agreement, name)
    if name in (question.bins or {}):
        return [*bins_of(column, (question.bins or {})[name]), None]
    if column.type == "category":
        return [*(column.values or ()), None]
    if column.type == "boolean":
        return [False, True, None]
    assert isinstance(column.min, int)
    assert isinstance(column.max, int)
    return [*range(column.min, column.max + 1), None]


def _level(question: Question, agreement: Agreement, name: str, value: Any) -> Any:
    """Give what a row says of a value: the bin that it is in, or the value."""
    edges = (question.bins or {}).get(name)
    if edges is None or value is None:
        return value
    return bin_of(value, edges, decimal=_column(question, agreement, name).type == "decimal")


def bins_of(column: Column, edges: Sequence[Any]) -> list[str]:
    """Give what the bins of a column are called that it has values in."""
    low, high = Fraction(column.min or 0), Fraction(column.max or 0)
    firsts = sorted({low, *(edge for edge in map(Fraction, edges) if low <= edge <= high)})
    return [bin_of(first, edges, decimal=column.type == "decimal") for first in firsts]


def bin_of(value: Any, edges: Sequence[Any], *, decimal: bool = False) -> str:
    """Give what the bin of a number is called."""
    below = [edge for edge in edges if Fraction(edge) <= Fraction(str(value))]
    above = [edge for edge in edges if Fraction(edge) > Fraction(str(value))]
    if not below:
        return f"under {above[0]}"
    if not above:
        return f"{below[-1]} or over"
    if decimal:
        return f"{below[-1]} to under {above[0]}"
    last = int(above[0]) - 1
    return str(last) if last == int(below[-1]) else f"{below[-1]} to {last}"


def _column(question: Question, agreement: Agreement, name: str) -> Column:
    """Give a column's declaration; of a derived one, its type and the levels that a count may have."""
    group, column_name = name.split(".")
    people = question.people[groups_named(question)[group][0]]
    dataset = agreement.datasets[people.dataset]
    if column_name not in people.derive:
        return dataset.columns[column_name]
    function, _, inside = people.derive[column_name].strip().removesuffix(")").partition("(")
    source, *numbers = (part.strip() for part in inside.split(","))
    match function.strip():
        case "count":
            return Column(type="integer", min=0, max=dataset.rows_per_person)
        case "bin":
            return Column(type="category", values=tuple(bins_of(dataset.columns[source], numbers)))
        case "cap":
            low, high = dataset.columns[source].min, dataset.columns[source].max
            assert isinstance(high, int)
            return Column(type="integer", min=low, max=min(high, int(numbers[0])))
        case "case":  # without quotes in its conditions
            return Column(type="category", values=tuple(dict.fromkeys(re.findall(r"'([^']*)'", inside))))
    return dataset.columns[source]


def _person(group: str, record: Mapping[Any, Any]) -> dict[str, Any]:
    return {f"{group}.{name}": _plain(value) for name, value in record.items()}


def _plain(value: Any) -> Any:
    """Give a cell as Python has it: pandas turns whole columns into floats, and missing values into NaN."""
    if value is None or value is pd.NaT or value is pd.NA or (isinstance(value, float) and value != value):
        return None
    if hasattr(value, "item"):
        value = value.item()
    return int(value) if isinstance(value, float) and value.is_integer() else value
