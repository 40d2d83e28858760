"""What measures tell beside their value, as tables: coefficients of a regression, the curve of survival, people by bands.

A table is made of a list or mapping of records that a measure gives under one name (`coefficients`, `curve`, `bands`); a record's keys are
its columns. Only rows that are shown have any.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from tallystick.client.answer import Answer

_HEADINGS: Final = {"low": "95% from", "high": "95% to"}
_ORDER: Final = (
    "of",
    "by",
    "from",
    "to",
    "count",
    "sum",
    "at_risk",
    "events",
    "survival",
    "estimate",
    "se",
    "low",
    "high",
    "t",
    "p",
)
"""Keys in the order of their columns; others follow."""
_PLACES: Final = 4
"""Digits of a number that is no count."""


@dataclass(frozen=True)
class DetailTable:
    """One table.

    Attributes:
        title: the measure, and what of it.
        columns: headings; the first ones are the columns of levels.
        rows: texts.
        levels: how many of the first columns name the row.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    levels: int


def list_detail_tables(answer: Answer) -> Iterator[DetailTable]:
    """Give a table for each list of records that a measure of a result tells."""
    for number in answer.asked:
        for name in dict.fromkeys(
            name for row in answer.rows for name, one in row.cells[number.key].detail.items() if _is_table(one)
        ):
            records = [
                (row.levels, record) for row in answer.rows for record in _list_records(row.cells[number.key].detail.get(name))
            ]
            keys = tuple(sorted(dict.fromkeys(key for _, record in records for key in record), key=_find_place))
            rows = tuple((*levels, *(_write(record.get(key)) for key in keys)) for levels, record in records)
            columns = (*answer.by, *(_HEADINGS.get(key, key.replace("_", " ")) for key in keys))
            yield DetailTable(f"{number.heading}: {name}", columns, rows, len(answer.by) + (1 if keys[:1] == (_NAME,) else 0))


_NAME: Final = "of"
"""The column that has the keys of a mapping of records."""


def _find_place(key: str) -> int:
    return _ORDER.index(key) if key in _ORDER else len(_ORDER)


def _is_table(value: Any) -> bool:
    records = list(value.values()) if isinstance(value, Mapping) else value
    return isinstance(records, list | tuple) and bool(records) and all(isinstance(one, Mapping) for one in records)


def _list_records(value: Any) -> list[dict[str, Any]]:
    if not _is_table(value):
        return []
    return [{_NAME: name, **one} for name, one in value.items()] if isinstance(value, Mapping) else [dict(one) for one in value]


def _write(value: Any) -> str:
    match value:
        case None:
            return ""
        case bool() | str():
            return str(value)
        case int():
            return f"{value:,}"
        case float():
            return f"{value:,.{_PLACES}g}" if abs(value) < 10**_PLACES else f"{value:,.0f}"
        case _:
            return str(value)
