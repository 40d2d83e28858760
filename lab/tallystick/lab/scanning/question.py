"""A first question of two files: what share of the people of one the other has, so long after what the first one dates.

The question is a job file with comments, to be read and changed. It needs no more than what `scan.py` saw: where both files hold times, it asks
by the time since the first one's; where not, it asks how many people the other file has, now.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any, Final

from tallystick.core.errors import Invalid
from tallystick.core.values.periods import Unit, parse_period, unit_of_type
from tallystick.lab.scanning.scan import FileScan
from tallystick.lab.scanning.write import choose_column_names

_ENDS: Final = re.compile(r"exit|end|left|leave|clos|term|disch", re.IGNORECASE)
"""What a column of an event is often called; the first one that holds times is taken where none is."""
_PLACES: Final = re.compile(r"region|county|site|office|district|area", re.IGNORECASE)
_FEWEST, _MOST = 2, 12
"""Levels of a column that makes rows."""
_LATER: Final = ((2, 4), (1, 2), (1,), (0,))
"""Quarters after the event, the first choice first: as many as both files hold."""
_QUARTER: Final[Unit] = "quarter"
_MONTHS: Final = 3


@dataclass(frozen=True)
class _Time:
    """A column of times: its name in the dataset and in the file, and the first and last quarter of its declaration."""

    name: str
    column: str
    first: int
    last: int


def question_text(first: FileScan, second: FileScan) -> str:
    """Write a job file of two files.

    Args:
        first: whose people are asked about.
        second: where they are looked for.

    Raises:
        Invalid: `document-invalid`: a file has no person key, so nobody can be counted.
    """
    for found in (first, second):
        if found.key is None:
            raise Invalid(
                "document-invalid",
                f"no column of {found.name} seems to be a person key, so no question can be written",
                hint=f"tally data scan FILE --key COLUMN, and a job file from: {found.name}",
            )
    event, periods, of = _choose_times(first, second)
    by = _choose_level(first)
    people = [f"  {first.name}: {_flow(first, _derive(first, event))}", f"  {second.name}: {_flow(second, '')}"]
    later = "" if event is None else f" {_join([str(one) for one in periods])} quarters after {event.name}"
    lines = [
        f"# What share of the people of {first.name} has rows in {second.name}{later}. Read it, correct it, and ask for what you want to know.",
        "agreement: lab",
        f"title: {json.dumps(f'People of {first.name} found in {second.name}' + later + (f', by {by}' if by else ''))}",
        "purpose: rehearsal",
        "people:",
        *people,
        f"keep: {first.name}  # everybody of it is counted, found or not",
    ]
    if event is not None and of is not None:
        name = event.name if event.column in first.steady else f"last_{event.name}"
        lines += [
            f"# counted are people of whom every period is held, by the declared bounds of {of.name}: let them be what the file holds",
            f"since: {{event: {first.name}.{name}, of: {second.name}.{of.name}, periods: {json.dumps(periods)}, unit: quarter}}",
        ]
    rows = [f"{first.name}.{by}"] if by else []
    lines += [f"by: [{', '.join([*rows, f'{second.name}.present'])}]", "measures: [count]", ""]
    return "\n".join(lines)


def _flow(found: FileScan, derive: str) -> str:
    return f"{{agency: {found.name}, dataset: {found.name}{derive}}}"


def _derive(found: FileScan, event: _Time | None) -> str:
    return "" if event is None or event.column in found.steady else f", derive: {{last_{event.name}: max({event.name})}}"


def _join(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def _choose_times(first: FileScan, second: FileScan) -> tuple[_Time | None, list[int], _Time | None]:
    events = sorted(_list_times(first), key=lambda one: _ENDS.search(one.name) is None)
    for event in events:
        for of in _list_times(second):
            for periods in _LATER:
                if max(event.first, of.first - min(periods)) <= min(event.last, of.last - max(periods)):
                    return event, list(periods), of
    return None, [], None


def _list_times(found: FileScan) -> list[_Time]:
    names = choose_column_names(found)
    return [
        _Time(name, one.name, _quarter_of(one.declared, "min"), _quarter_of(one.declared, "max"))
        for name, one in names.items()
        if one.declared is not None and unit_of_type(one.declared["type"]) is not None and "min" in one.declared
    ]


def _quarter_of(declared: dict[str, Any], bound: str) -> int:
    unit = unit_of_type(declared["type"])
    assert unit is not None
    if unit == _QUARTER:
        return parse_period(declared[bound], unit)
    return parse_period(declared[bound][:7], "month") // _MONTHS


def _choose_level(found: FileScan) -> str | None:
    """Choose the column that makes rows: a place, or the first of few levels, of which nobody has two."""
    names = [
        name
        for name, one in choose_column_names(found).items()
        if one.name in found.steady
        and one.declared is not None
        and one.declared["type"] == "category"
        and _FEWEST <= len(one.declared["values"]) <= _MOST
    ]
    return next((name for name in names if _PLACES.search(name)), names[0] if names else None)
