"""Columns of dates, read in place: whatever form they are written in, ISO text stands in the table afterwards.

All values of a column decide how it is read (`core/values/dates.py`), once, where records are loaded; so a job, `tally node check` and a
rehearsal read alike. What is not read stays as it is written, and is counted as unread or refused by whoever asks next.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from typing import Final

import numpy as np

from tallystick.core.agreement.declaration import DeclaredColumn, DeclaredDataset, DeclaredIdentifier
from tallystick.core.errors import Invalid
from tallystick.core.linkage.fields.dates import BIRTH, DEFAULT_DAYS, is_heaped
from tallystick.core.values.dates import DateRule, decide, parse_format, read_dates, says_order
from tallystick.records.identifiers import identifier_column, strings
from tallystick.records.locked import Connection, quote_name
from tallystick.records.places import Places

BIRTH_DATE: Final = "birth_date"
_ISO: Final = "[0-9]{4}-[0-9]{2}-[0-9]{2}"
_TIME: Final = "^([0-9]{4}-[0-9]{2}-[0-9]{2})[T ][0-9]{2}:[0-9]{2}(:[0-9]{2}([.][0-9]*)?)?(Z|[+-][0-9]{2}(:?[0-9]{2})?)?$"
_UTC: Final = "^[0-9]{4}-[0-9]{2}-[0-9]{2}[T ]([0-9]{2}:[0-9]{2})(:[0-9]{2}([.][0-9]*)?)?(Z|[+]00(:?00)?)$"
"""Moments that are told in UTC."""
_NOON: Final = "12:00"


@dataclass(frozen=True)
class DateReading:
    """How a column of dates was read.

    Attributes:
        column: its name.
        order: in words; "" where every value says itself what it is.
        remark: what is odd about the days; "" where nothing is.
    """

    column: str
    order: str
    remark: str = ""


def birth_rule(entry: DeclaredIdentifier) -> DateRule:
    """Give how birth dates are read, as far as is declared."""
    rule = replace(BIRTH, pivot=entry.pivot)
    return rule if entry.format is None else parse_format(entry.format, rule)


def column_rule(column: DeclaredColumn) -> DateRule:
    """Give how a column of dates is read, as far as is declared; two digits of a year are read within its bounds."""
    rule = DateRule(pivot=column.pivot)
    if column.min is not None:
        rule = replace(rule, low=date.fromisoformat(str(column.min)), high=date.fromisoformat(str(column.max)))
    return rule if column.format is None else parse_format(column.format, rule)


def read_date_columns(
    connection: Connection, dataset: str, config: DeclaredDataset, table: str, places: Places, columns: tuple[str, ...] = ()
) -> list[DateReading]:
    """Put ISO text in place of the dates of a table, of the identifier `birth_date` and of columns of type `date`.

    Args:
        connection: with the table, whose columns are text.
        dataset: what errors call the source.
        config: its declaration.
        table: `raw` or `aliases`.
        places: where a row stands in the source.
        columns: the loaded columns.

    Raises:
        Invalid: `source-types`: a column needs both orders of day and month.
    """
    present = {row[0] for row in connection.execute(f"DESCRIBE {table}").fetchall()}
    rules = {}
    if identifier_column(BIRTH_DATE) in present and BIRTH_DATE in config.identifiers:
        rules[identifier_column(BIRTH_DATE)] = birth_rule(config.identifiers[BIRTH_DATE])
    rules |= {name: column_rule(config.columns[name]) for name in columns if config.columns[name].type == "date"}
    read = [_read_column(connection, dataset, table, name, rule, places) for name, rule in rules.items()]
    return [replace(one, remark=_default_days(connection, table)) if one.column == BIRTH_DATE else one for one in read]


def _default_days(connection: Connection, table: str) -> str:
    """Say of birth dates whether far more of them than people are born then are on 1 January, or on the first of a month."""
    name = quote_name(identifier_column(BIRTH_DATE))
    rows, new_year, first = connection.execute(
        f"SELECT count(*), count(*) FILTER (WHERE {name} LIKE '%-01-01'), count(*) FILTER (WHERE {name} LIKE '%-01') "  # noqa: S608 - quoted names
        f"FROM {table} WHERE regexp_full_match({name}, '{_ISO}')"
    ).fetchone()
    for count, end, day in ((new_year, "0101", "1 January"), (first, "01", "the first of a month")):
        if is_heaped(count, rows, DEFAULT_DAYS[end]):
            return f"{count:,} of {rows:,} are on {day}, which often stands for a day that is not known: such dates are weak evidence"
    return ""


def _read_column(connection: Connection, dataset: str, table: str, column: str, rule: DateRule, places: Places) -> DateReading:
    name, shown = quote_name(column), column.lstrip("@")
    run = connection.execute
    local = (
        "true"
        if column == identifier_column(BIRTH_DATE) or _are_midnights(connection, table, name)
        else f"NOT regexp_matches({name}, '{_UTC}')"
    )
    if not rule.declared:
        # a moment's day is the one that is written; without its time, few values differ
        run(
            f"UPDATE {table} SET {name} = regexp_replace({name}, ?, '\\1') WHERE length({name}) > 10 AND regexp_matches({name}, ?) AND {local}",  # noqa: S608 - quoted names
            [_TIME, _TIME],
        )
    # one that is no day tells that the day may stand behind the year: then all are looked at
    no_days = f"SELECT count(*) FROM {table} WHERE regexp_full_match({name}, '{_ISO}') AND TRY_CAST({name} AS DATE) IS NULL"  # noqa: S608 - quoted names
    whole = rule.declared or run(no_days).fetchone()[0] > 0
    other = f"{name} IS NOT NULL" if whole else f"NOT regexp_full_match({name}, '{_ISO}')"
    found = run(
        f"SELECT {name} AS value, count(*) AS times, min(rowid) AS first FROM {table} WHERE {other} AND {local} GROUP BY 1 ORDER BY 1"  # noqa: S608 - quoted names
    ).fetchnumpy()
    values = [str(value) for value in strings(found["value"])]
    if not values:
        return DateReading(shown, "")
    times, first = (np.asarray(found[key], dtype=np.int64) for key in ("times", "first"))
    rule, evidence = decide(values, times, rule)
    if evidence.day_first and evidence.month_first:
        rows = [
            min(int(row) for value, row in zip(values, first.tolist(), strict=True) if says_order(value, order))
            for order in (True, False)
        ]
        raise Invalid(
            "source-types",
            f"dataset {dataset}: column {shown} contradicts itself: some of its dates have the day first, others the month",
            hint=f"correct the smaller part, or declare how it is read: {shown}: {{from: COLUMN, format: MM/DD/YYYY}} (or DD/MM/YYYY)",
            detail=f"{shown}: {evidence.day_first} rows have the day first, the first in {places.of(rows[0])}; "
            f"{evidence.month_first} the month, the first in {places.of(rows[1])}",
        )
    read = read_dates(values, rule)
    changed = [(value, iso) for value, iso in zip(values, read, strict=True) if iso is not None and iso != value]
    if changed:
        run(
            "CREATE TABLE days AS SELECT unnest(?) AS written, unnest(?) AS day",
            [[one for one, _ in changed], [one for _, one in changed]],
        )
        run(f"UPDATE {table} SET {name} = days.day FROM days WHERE {table}.{name} = days.written")  # noqa: S608 - quoted names
        run("DROP TABLE days")
    return DateReading(shown, _order(rule, evidence.day_first + evidence.month_first + evidence.either))


def _are_midnights(connection: Connection, table: str, name: str) -> bool:
    """Tell whether the moments in UTC of a column are midnights of one place west of Greenwich, in summer and in winter.

    Then the day in UTC is the day that was meant; elsewhere it could be another, and the moment is not read.
    """
    times = [
        row[0]
        for row in connection.execute(
            f"SELECT DISTINCT regexp_extract({name}, '{_UTC}', 1) AS at_time FROM {table} WHERE regexp_matches({name}, '{_UTC}') LIMIT 3"  # noqa: S608 - quoted names
        ).fetchall()
    ]
    hours = [int(one[:2]) for one in times]
    return all(one <= _NOON for one in times) and len(times) <= 2 and max(hours, default=0) - min(hours, default=0) <= 1


def _order(rule: DateRule, ordered: int) -> str:
    if rule.pattern is not None:
        return "as declared"
    if rule.serial is not None:
        return "days that a spreadsheet counted"
    if rule.year_day:
        return "year, day, month"
    if rule.year_first:
        return "year first"
    return "" if not ordered else "day first" if rule.day_first else "month first"
