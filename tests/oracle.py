"""The cleartext oracle: what a question's answer is when everyone's records lie in one room.

Written from the meaning of a job file alone: it joins rows, groups them, and adds fractions. It shares no code with the planner.
"""

from __future__ import annotations

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
    """Give the rows that the job must release before any disclosure rule.

    Args:
        question: the job file.
        agreement: declares the levels of `by` columns that `derive` does not make.
        frames: per group, one row per person; columns under their own names; text, int, bool, Decimal (or its text), None or NaN.
            `where` and `derive` are applied already.
        links: (position in the left frame, position in the right frame) of everyone who matched; one-to-one.
    """
    assert question.join is not None
    left, kind, right = question.join.split()
    assert len({i for i, _ in links}) == len({j for _, j in links}) == len(links)
    sides = {group: [_person(group, record) for record in frames[group].to_dict("records")] for group in (left, right)}
    joined = [sides[left][i] | sides[right][j] for i, j in links]
    if kind == "left":
        alone = set(range(len(sides[left]))) - {i for i, _ in links}
        nothing = {f"{right}.{name}": None for name in frames[right].columns}
        joined += [sides[left][i] | nothing for i in sorted(alone)]

    members: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    for person in joined:
        members.setdefault(tuple(person[name] for name in question.by), []).append(person)
    keys = list(product(*(_levels(question, agreement, name) for name in question.by)))
    strangers = [key for key in members if key not in keys]
    assert strangers == [], f"people in undeclared levels {strangers}"
    rows = []
    for key in keys:
        inside = members.get(key, [])
        if inside or None not in key:
            rows.append(dict(zip(question.by, key, strict=True)) | _numbers(question, agreement, inside))
    return rows


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


def _levels(question: Question, agreement: Agreement, name: str) -> list[Any]:
    column = _column(question, agreement, name)
    if column.type == "category":
        return [*(column.values or ()), None]
    if column.type == "boolean":
        return [False, True, None]
    assert isinstance(column.min, int)
    assert isinstance(column.max, int)
    return [*range(column.min, column.max + 1), None]


def _column(question: Question, agreement: Agreement, name: str) -> Column:
    """Give a column's declaration; of a derived one, its type and the levels that a count may have."""
    group, column_name = name.split(".")
    people = question.people[group]
    dataset = agreement.datasets[people.dataset]
    if column_name not in people.derive:
        return dataset.columns[column_name]
    function, source = people.derive[column_name].rstrip(") ").split("(")
    if function.strip() == "count":
        return Column(type="integer", min=0, max=dataset.rows_per_person)
    return dataset.columns[source.strip()]


def _person(group: str, record: Mapping[Any, Any]) -> dict[str, Any]:
    return {f"{group}.{name}": _plain(value) for name, value in record.items()}


def _plain(value: Any) -> Any:
    """Give a cell as Python has it: pandas turns whole columns into floats, and missing values into NaN."""
    if value is None or value is pd.NaT or value is pd.NA or (isinstance(value, float) and value != value):
        return None
    if hasattr(value, "item"):
        value = value.item()
    return int(value) if isinstance(value, float) and value.is_integer() else value
