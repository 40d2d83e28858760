"""Days, months and quarters as whole numbers, so that the time from one to another is a difference.

| unit | number | written |
|---|---|---|
| `day` | days since 1970-01-01 | `2024-02-29` |
| `month` | 12 · year + month - 1 | `2024-02` |
| `quarter` | 4 · year + quarter - 1 | `2024-Q1` |

A column of type `date`, `month` or `quarter` holds numbers of one of these units.
"""

from __future__ import annotations

import re
from datetime import date
from typing import Final, Literal

Unit = Literal["day", "month", "quarter"]
UNITS: Final[tuple[Unit, ...]] = ("day", "month", "quarter")
"""Short to long; each lies whole in one of the next."""
_EPOCH: Final = date(1970, 1, 1).toordinal()
_FORMS: Final = {
    "month": re.compile(r"(?P<year>[0-9]{4})-(?P<part>0[1-9]|1[0-2])"),
    "quarter": re.compile(r"(?P<year>[0-9]{4})-Q(?P<part>[1-4])"),
}
_PER_YEAR: Final = {"month": 12, "quarter": 4}
_EXAMPLES: Final[dict[Unit, str]] = {"day": "2024-02-29", "month": "2024-02", "quarter": "2024-Q1"}
_MONTHS: Final = 3
"""Of a quarter."""


def unit_of_type(kind: str) -> Unit | None:
    """Give the unit of a column type's numbers; None of a type that is no time."""
    units: dict[str, Unit] = {"date": "day", "month": "month", "quarter": "quarter"}
    return units.get(kind)


def show_form(unit: Unit) -> str:
    """Give an example of how a unit is written."""
    return _EXAMPLES[unit]


def parse_period(text: str, unit: Unit) -> int:
    """Give the number of a day, month or quarter as it is written.

    Raises:
        ValueError: it is none.
    """
    if unit == "day":
        return date.fromisoformat(text).toordinal() - _EPOCH
    match = _FORMS[unit].fullmatch(text)
    if match is None or match["year"] == "0000":
        raise ValueError(f"a {unit} is written as {_EXAMPLES[unit]}")
    return int(match["year"]) * _PER_YEAR[unit] + int(match["part"]) - 1


def write_period(number: int, unit: Unit) -> str:
    """Write a number of a unit."""
    if unit == "day":
        return date.fromordinal(number + _EPOCH).isoformat()
    year, part = divmod(number, _PER_YEAR[unit])
    return f"{year:04}-{part + 1:02}" if unit == "month" else f"{year:04}-Q{part + 1}"


def find_unit(number: int, of: Unit, unit: Unit) -> int:
    """Give the number of the longer unit in which a number of a shorter one lies; of the same unit, itself."""
    if of == unit:
        return number
    if of == "day":
        day = date.fromordinal(number + _EPOCH)
        number = day.year * _PER_YEAR["month"] + day.month - 1
    return number if unit == "month" else number // _MONTHS


def find_start(number: int, unit: Unit, of: Unit) -> int:
    """Give the first number of the shorter unit `of` that lies in a number of a unit; of the same unit, itself."""
    if of == unit:
        return number
    month = number * _MONTHS if unit == "quarter" else number
    if of == "month":
        return month
    year, part = divmod(month, _PER_YEAR["month"])
    return date(year, part + 1, 1).toordinal() - _EPOCH
