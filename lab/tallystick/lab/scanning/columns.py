"""What a column of a file seems to hold: its type, its range, its levels, how much is missing. Looked at, never guessed beyond that."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Final, Literal

import numpy as np

from tallystick.core.agreement.declaration import DeclaredColumn
from tallystick.core.values.dates import DateRule, decide, read_dates
from tallystick.records.identifiers import strings
from tallystick.records.locked import Connection, quote_name
from tallystick.records.types import SPACES, build_expressions, plain_number

LEVELS: Final = 60
"""A column of more different texts is no category."""
FEW: Final = 11
"""A level of fewer rows is told of: nobody should be found by it."""
MAX_SCALE: Final = 6
CENTS: Final = 2
"""So many digits behind the point are kept though all of them may be zeros."""
_PERIODS: Final[tuple[tuple[Literal["quarter", "month"], re.Pattern[str]], ...]] = (
    ("quarter", re.compile(r"(?P<y1>[0-9]{4})[-/ ]?[Qq](?P<p1>[1-4])|[Qq](?P<p2>[1-4])[-/ ]?(?P<y2>[0-9]{4})")),
    ("month", re.compile(r"(?P<y1>[0-9]{4})[-/](?P<p1>0[1-9]|1[0-2])|(?P<p2>0?[1-9]|1[0-2])/(?P<y2>[0-9]{4})")),
)
"""How quarters and months are written; digits alone may be any number."""
_DATES: Final = 50_000
"""Different values that are looked at to tell dates."""


@dataclass(frozen=True)
class ColumnScan:
    """One column.

    Attributes:
        name: in the source.
        declared: how it could be declared; None where it seems to be free text, or holds nothing.
        missing: rows without a value.
        remarks: what else there is to say, in sentences.
    """

    name: str
    declared: dict[str, Any] | None
    missing: int
    remarks: tuple[str, ...] = ()


def scan_column(connection: Connection, table: str, name: str, rows: int, decimal: str) -> ColumnScan:
    """Look at one column of a table of text.

    Args:
        connection: with the table.
        table: its name.
        name: the column's.
        rows: how many there are.
        decimal: what stands before the digits of a fraction.
    """
    text = quote_name(name)
    written, different = connection.execute(f"SELECT count({text}), count(DISTINCT {text}) FROM {table}").fetchone()  # noqa: S608 - quoted names
    missing = rows - int(written)
    if not written:
        return ColumnScan(name, None, missing, ("nothing is written in it",))
    for found in (_boolean, _number, _period, _date):
        declared, remarks = found(connection, table, name, int(written), int(different), decimal)
        if declared is not None:
            return ColumnScan(name, declared, missing, remarks)
    return _category(connection, table, name, int(different), missing)


def has_decimal_commas(connection: Connection, table: str, names: Sequence[str]) -> bool:
    """Tell whether a comma stands before the digits of fractions: some column has numbers with it, and none has them with a point.

    Args:
        connection: with the table.
        table: its name.
        names: the columns that may hold numbers.
    """
    with_comma = False
    for name in names:
        text = f"trim({quote_name(name)}, {SPACES})"
        written, commas, points = connection.execute(
            "SELECT count(*), "  # noqa: S608 - quoted names
            f"count(*) FILTER (WHERE regexp_full_match({text}, '[(+-]?[0-9]{{1,3}}([.]?[0-9]{{3}})*,[0-9]+[)-]?|[0-9]+')), "
            f"count(*) FILTER (WHERE regexp_full_match({text}, '[(+-]?[0-9,]*[.][0-9]{{1,2}}[)-]?')) "
            f"FROM {table} WHERE {quote_name(name)} IS NOT NULL"
        ).fetchone()
        if points:
            return False
        found = connection.execute(f"SELECT count(*) FROM {table} WHERE contains({quote_name(name)}, ',')").fetchone()[0]  # noqa: S608 - as above
        with_comma |= found > 0 and commas == written
    return with_comma


def _fits(connection: Connection, table: str, name: str, entry: DeclaredColumn, decimal: str) -> int:
    """Count the values that a declaration reads."""
    good = build_expressions(entry, quote_name(name), name=name, decimal=decimal).good
    query = f"SELECT count(*) FROM {table} WHERE {quote_name(name)} IS NOT NULL AND {good}"  # noqa: S608 - quoted names
    return int(connection.execute(query).fetchone()[0])


def _boolean(
    connection: Connection, table: str, name: str, written: int, different: int, decimal: str
) -> tuple[dict[str, Any] | None, tuple[str, ...]]:
    entry = DeclaredColumn(type="boolean")
    both = 2 <= different <= 8
    fits = both and _fits(connection, table, name, entry, decimal) == written
    return ({"type": "boolean"}, ()) if fits else (None, ())


def _number(
    connection: Connection, table: str, name: str, written: int, different: int, decimal: str
) -> tuple[dict[str, Any] | None, tuple[str, ...]]:
    del different
    number = plain_number(f"trim({quote_name(name)}, {SPACES})", decimal)
    if (fits := _fits(connection, table, name, DeclaredColumn(type="integer"), decimal)) == written:
        value, scale = f"TRY_CAST(split_part({number}, '.', 1) AS BIGINT)", None
    else:
        behind = (
            f"max(length(regexp_extract({number}, '^[+-]?[0-9]*[.]({digits})$', 1)))" for digits in ("[0-9]*", "[0-9]*?)0*(")
        )
        said, needed = connection.execute(f"SELECT {', '.join(behind)} FROM {table}").fetchone()  # noqa: S608 - quoted names
        scale = int((said if said is not None and said <= CENTS else needed) or 0)
        if scale > MAX_SCALE:
            return None, ()
        fits = _fits(connection, table, name, DeclaredColumn(type="decimal", scale=scale), decimal)
        if fits * 100 < written * 95:
            return None, ()
        value = f"TRY_CAST({number} AS DECIMAL(18, {scale}))"
    low, high = connection.execute(f"SELECT min({value}), max({value}) FROM {table}").fetchone()  # noqa: S608 - quoted names
    bounds = [round_outward(Decimal(low), -1), round_outward(Decimal(high), 1)]
    remarks = ["bounds are rounded outward: agree on those that can be true"]
    if fits < written:
        remarks.append(f"{written - fits:,} values are no numbers: declare words for none, missing: [WORD]")
    if scale is None:
        return {"type": "integer", "min": int(bounds[0]), "max": int(bounds[1])}, tuple(remarks)
    return {"type": "decimal", "scale": scale, "min": int(bounds[0]), "max": int(bounds[1])}, tuple(remarks)


def round_outward(value: Decimal, direction: int) -> Decimal:
    """Round to one digit and zeros, away from the other values: a bound shall be nobody's value."""
    if value == 0:
        return Decimal(0)
    unit = Decimal(10) ** max(0, math.floor(abs(value).log10()))
    rounding = "ROUND_CEILING" if direction > 0 else "ROUND_FLOOR"
    return (value / unit).to_integral_value(rounding=rounding) * unit


def _period(
    connection: Connection, table: str, name: str, written: int, different: int, decimal: str
) -> tuple[dict[str, Any] | None, tuple[str, ...]]:
    """Look whether every value is a quarter with its letter, or every one a month; the bounds are the first and the last."""
    del decimal
    if different > LEVELS * 4:
        return None, ()
    found = connection.execute(
        f"SELECT DISTINCT trim({quote_name(name)}, {SPACES}) FROM {table} WHERE {quote_name(name)} IS NOT NULL"  # noqa: S608 - quoted names
    ).fetchall()
    for unit, form in _PERIODS:
        matches = [form.fullmatch(str(value)) for (value,) in found]
        periods = sorted(
            f"{one['y1'] or one['y2']}-{unit[:1].upper() if unit == 'quarter' else ''}{_part(one, unit)}"
            for one in matches
            if one
        )
        if len(periods) == len(found) and _fits(connection, table, name, DeclaredColumn(type=unit), "") == written:
            return {"type": unit, "min": periods[0], "max": periods[-1]}, (
                f"bounds are the first and the last {unit} that the file holds",
            )
    return None, ()


def _part(found: re.Match[str], unit: str) -> str:
    part = found["p1"] or found["p2"]
    return part if unit == "quarter" else f"{int(part):02}"


def _date(
    connection: Connection, table: str, name: str, written: int, different: int, decimal: str
) -> tuple[dict[str, Any] | None, tuple[str, ...]]:
    del decimal
    if different > _DATES:
        return None, ()
    found = connection.execute(
        f"SELECT {quote_name(name)} AS value, count(*) AS times FROM {table} WHERE {quote_name(name)} IS NOT NULL GROUP BY 1"  # noqa: S608 - quoted names
    ).fetchnumpy()
    values, times = [str(one) for one in strings(found["value"])], np.asarray(found["times"], dtype=np.int64)
    rule, evidence = decide(values, times, DateRule())
    days = read_dates(values, rule)
    read = int(times[np.array([day is not None for day in days])].sum())
    if read * 100 < written * 95:
        return None, ()
    years = sorted(day[:4] for day in days if day is not None)
    declared = {"type": "date", "min": date(int(years[0]), 1, 1).isoformat(), "max": date(int(years[-1]), 12, 31).isoformat()}
    remarks = []
    if evidence.day_first and evidence.month_first:
        remarks.append(
            f"{evidence.day_first:,} rows have the day first and {evidence.month_first:,} the month: declare format: MM/DD/YYYY or DD/MM/YYYY"
        )
    elif evidence.day_first or evidence.month_first or evidence.either:
        remarks.append("read with the day first" if rule.day_first else "read with the month first")
    if read < written:
        remarks.append(f"{written - read:,} values are no dates: declare words for none, missing: [WORD]")
    return declared, tuple(remarks)


def _category(connection: Connection, table: str, name: str, different: int, missing: int) -> ColumnScan:
    if different > LEVELS:
        return ColumnScan(name, None, missing, (f"{different:,} different texts: free text, or numbers of things",))
    trimmed = f"nfc_normalize(trim({quote_name(name)}, {SPACES}))"
    found = connection.execute(
        f"SELECT {trimmed} AS value, count(*) AS times FROM {table} WHERE {quote_name(name)} IS NOT NULL GROUP BY 1 ORDER BY 2 DESC, 1"  # noqa: S608 - quoted names
    ).fetchall()
    values, remarks = _one_case([(str(value), int(times)) for value, times in found])
    declared: dict[str, Any] = {"type": "category", "values": [value for value, _ in values]}
    if len(values) < len(found):
        declared["case"] = "ignore"
    few = sum(times < FEW for _, times in values)
    if few:
        remarks.append(
            f"{few} of {len(values)} levels are of fewer than {FEW} rows: other: VALUE puts what is not listed together"
        )
    return ColumnScan(name, declared, missing, tuple(remarks))


def _one_case(found: Sequence[tuple[str, int]]) -> tuple[list[tuple[str, int]], list[str]]:
    """Put spellings that differ by case together, under the one that stands most often."""
    together: dict[str, tuple[str, int]] = {}
    for value, times in found:
        first, before = together.get(value.lower(), (value, 0))
        together[value.lower()] = (first, before + times)
    return list(together.values()), []
