"""The numbers of a result by what its job asked: how each is written, and what it is in a row without people.

A label only finds its measure among those that the job asked for; nothing is read out of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from tallystick.core.job.model import JobMeasure
from tallystick.core.measure import Asked, Undefined

Measures = Mapping[str, Asked]
"""By label."""


def measures_of(question: Mapping[str, Any]) -> dict[str, Asked]:
    """Give the measures of a question, as JSON, by their labels in its results.

    Raises:
        Invalid: `document-invalid`.
    """
    asked = [JobMeasure.read(one, what="measure").asked for one in question["measures"]]
    return {one.label: one for one in asked}


def by_columns(columns: Sequence[str]) -> list[str]:
    """Give which of a result's columns part its rows: those before the count."""
    return list(columns[: columns.index("count")]) if "count" in columns else []


def is_hidden(row: Mapping[str, Any], column: str) -> bool:
    """Tell whether a number of a row is hidden, as all are in a row whose count is."""
    return row["count"] is None or column in row.get("hidden", ())


def number(value: float, column: str, measures: Measures) -> str:
    """Write a number that is there; one of no measure that was asked for as most measures are written."""
    if column in measures:
        return measures[column].measure.format_value(value)
    return f"{value:,.2f}" if isinstance(value, float) else f"{value:,}"


def of_nobody(column: str, measures: Measures) -> int | float | None:
    """Give what a number is in a row without people; None where it cannot be worked out."""
    if column not in measures:
        return 0
    value = measures[column].value(dict.fromkeys(measures[column].moments, 0))
    return None if isinstance(value, Undefined) else float(value) if isinstance(value, Fraction) else value
