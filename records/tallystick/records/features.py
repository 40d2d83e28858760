"""From a dataset's records to one row per person: what a job asks of one group.

- Rows with the same person key are one person, and so are those of keys that were merged (`records/merging.py`).
- `where` filters rows; a person is in the group if any of their rows passes.
- Derived columns sum up a person's passing rows.
- A condition of a measure is told of each person from what the columns above say of the person.
- Any other column must say one thing about a person: it may not differ among the passing rows; missing beside a value
  differs too.
- An identifier is the most frequent one over all the person's rows, passing or not, that says something (`records/identifiers.py`).
- Where the declaration allows other spellings, what rows or aliases say otherwise is kept beside it (`records/aliases.py`).
- People stand in the order of their keys (as bytes), so the same records give the same table.

Everything runs in DuckDB and numpy; nothing loops over people.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import duckdb
import numpy as np

from tallystick.core.agreement.model import Column
from tallystick.core.errors import Invalid, TallyError
from tallystick.core.job.bins import Range
from tallystick.core.job.derive import Derived
from tallystick.core.job.units import NUMBERS, EmployerNumber
from tallystick.core.linkage.matching.duplicates import Duplicates
from tallystick.core.linkage.passes.spellings import Spellings
from tallystick.core.statistics.columns import GroupMembers, PersonColumn
from tallystick.records.aliases import spellings
from tallystick.records.identifiers import PERSON, Strings, hold_known_people, identifiers_of, strings
from tallystick.records.locked import literal, quote_name
from tallystick.records.reading import Records


@dataclass(frozen=True)
class Windows:
    """Parts of the calendar in which a group's rows are taken (`core/job/since.py`).

    Attributes:
        column: the date, month or quarter of a row.
        ranges: of its numbers; they may overlap.
        used: the columns, derived or not, that are told of a person's rows in each.
    """

    column: str
    ranges: tuple[Range, ...]
    used: tuple[str, ...]


@dataclass(frozen=True)
class PeopleTable:
    """One row per person.

    Attributes:
        n: how many people.
        columns: what the job uses, by name.
        identifiers: (n,) text or None, by name.
        spellings: other spellings of their identifiers; None where nobody has any.
        duplicates: which keys of the whole dataset were one person; None where it merges none.
        keys: (n,) the people's keys, where they were asked for.
        at: by part of the calendar, what people's rows there say, where it was asked for (`Windows`).
    """

    n: int
    columns: Mapping[str, PersonColumn] = field(repr=False)
    identifiers: Mapping[str, Strings] = field(repr=False)
    spellings: Spellings | None = field(repr=False, default=None)
    duplicates: Duplicates | None = field(repr=False, default=None)
    keys: Strings | None = field(repr=False, default=None)
    at: Mapping[Range, GroupMembers] = field(repr=False, default_factory=dict)


def people_table(
    records: Records,
    group: str,
    *,
    where: str | None,
    used: Sequence[str],
    derived: Mapping[str, Derived | EmployerNumber],
    conditions: Mapping[str, str] | None = None,
    keyed: bool = False,
    windows: Windows | None = None,
) -> PeopleTable:
    """Make the table of one group.

    Args:
        records: loaded, locked, with every column that `where`, `used` and `derived` name.
        group: its name in the job, for errors.
        where: a condition that `core/job/where.py` has checked and rendered; None for everyone.
        used: the columns, derived or not, that the table shall have.
        derived: the job's derived columns; those that are not used are left out.
        conditions: by what their columns are called, conditions over columns of `used`, checked and rendered as `where` is.
        keyed: give the people's keys, too.
        windows: parts of the calendar whose rows are told apart.

    Raises:
        Invalid: `where-invalid`: the condition compares what cannot be compared; `source-varies`; `source-bounds`: a sum that
            does not fit 64 bits.
    """
    condition = f"WHERE ({where})" if where else ""
    _run(records, f"SELECT count(*) FROM records {condition}", _where_fault(group))  # noqa: S608 - checked and rendered
    plain = [name for name in used if name not in derived]
    made = {name: derived[name] for name in used if name in derived}
    _number_employers(records, condition, derived)
    expressions = [f"{quote_name(PERSON)} AS person", "count(*) AS rows", *_list_summaries(records, plain, made)]
    overflow = Invalid("source-bounds", f"dataset {records.dataset}: a derived column does not fit 64 bits")
    _run(
        records,
        f"CREATE TABLE people AS SELECT {', '.join(expressions)} FROM records {condition} GROUP BY {quote_name(PERSON)}",  # noqa: S608 - quoted names
        overflow,
    )
    _check_constant(records, plain)
    columns = _name_columns(records, plain, made, _fetch(records, _list_names(plain, made)))
    columns |= _tell_conditions(records, group, conditions or {}, plain, made)
    at = {} if windows is None else _read_windows(records, windows, condition, derived)
    n = int(records.connection.execute("SELECT count(*) FROM people").fetchone()[0])
    names = tuple(records.config.identifiers)
    with hold_known_people(records.connection, names, single=records.most <= 1, among="" if where is None else "people"):
        identifiers = identifiers_of(records.connection, names)
        others = spellings(records.connection, records.config, names)
    keys = strings(_fetch(records, ["person"])[0]) if keyed else None
    return PeopleTable(n, columns, identifiers, others, records.duplicates, keys, at)


def _number_employers(records: Records, condition: str, derived: Mapping[str, Derived | EmployerNumber]) -> None:
    """Define `employer_number` of an employer's text: the largest have one each, by people, and the others share them (`core/job/units.py`)."""
    column = next((one.column for one in derived.values() if isinstance(one, EmployerNumber)), None)
    if column is None:
        return
    text = f"CAST({quote_name(column)} AS VARCHAR)"
    largest = records.connection.execute(
        f"SELECT name FROM (SELECT {text} AS name, count(DISTINCT {quote_name(PERSON)}) AS people FROM records {condition} GROUP BY name) "  # noqa: S608 - quoted names
        f"WHERE name IS NOT NULL ORDER BY people DESC, name LIMIT {NUMBERS}"
    ).fetchall()
    known = f"CAST([{', '.join(literal(name) for (name,) in largest)}] AS VARCHAR[])"
    shared = f"CAST(hash(name) % {NUMBERS} AS BIGINT)"
    placed = f"CASE WHEN name IS NULL THEN NULL WHEN list_contains({known}, name) THEN list_position({known}, name) - 1 ELSE {shared} END"
    records.connection.execute(f"CREATE MACRO employer_number(name) AS {placed}")


def _list_summaries(records: Records, plain: Sequence[str], made: Mapping[str, Derived | EmployerNumber]) -> list[str]:
    """Give the SQL of what is told of a person's rows."""
    expressions = []
    for place, name in enumerate(plain):
        value = _number(records, name)
        expressions += [f"min({value}) AS low{place}", f"max({value}) AS high{place}", f"count({value}) AS known{place}"]
    return [*expressions, *(f"{_summary(records, summary)} AS made{place}" for place, summary in enumerate(made.values()))]


def _list_names(plain: Sequence[str], made: Mapping[str, Derived | EmployerNumber]) -> list[str]:
    return [*(f"low{place}" for place in range(len(plain))), *(f"made{place}" for place in range(len(made)))]


def _name_columns(
    records: Records, plain: Sequence[str], made: Mapping[str, Derived | EmployerNumber], fetched: Sequence[Any]
) -> dict[str, PersonColumn]:
    return {
        name: _person_column(values, _levels(records, made.get(name, name)))
        for name, values in zip([*plain, *made], fetched, strict=True)
    }


def _read_windows(
    records: Records, windows: Windows, condition: str, derived: Mapping[str, Derived | EmployerNumber]
) -> dict[Range, GroupMembers]:
    """Read what people's rows in each part of the calendar say; a row without a time is in none.

    Raises:
        Invalid: `source-varies`, `source-bounds`: as `people_table`, of a person's rows in one part.
    """
    plain = [name for name in windows.used if name not in derived]
    made = {name: derived[name] for name in windows.used if name in derived}
    parts = ", ".join(f"({number}, {one.low}, {one.high})" for number, one in enumerate(windows.ranges))
    time = _number(records, windows.column)
    expressions = ['"@part" AS part', f"{quote_name(PERSON)} AS person", "count(*) AS rows"]
    expressions += _list_summaries(records, plain, made)
    # no declared name holds `@`, so the condition can mean no column of the parts
    source = f'records JOIN (VALUES {parts}) AS parts("@part", "@low", "@high") ON {time} >= "@low" AND {time} < "@high"'
    _run(
        records,
        f'CREATE TABLE within AS SELECT {", ".join(expressions)} FROM {source} {condition} GROUP BY "@part", {quote_name(PERSON)}',  # noqa: S608 - quoted names and numbers
        Invalid("source-bounds", f"dataset {records.dataset}: a derived column does not fit 64 bits"),
    )
    _check_constant(records, plain, table="within", rows=f"rows of one period of {windows.column}")
    names = ", ".join(["part", "place", *_list_names(plain, made)])
    numbered = "(SELECT person, row_number() OVER (ORDER BY person) - 1 AS place FROM people)"
    fetched = records.connection.execute(
        f"SELECT {names} FROM within JOIN {numbered} USING (person) ORDER BY part, place"  # noqa: S608 - numbered names
    ).fetchnumpy()
    ends = np.searchsorted(np.asarray(fetched["part"], dtype=np.int64), np.arange(len(windows.ranges) + 1))
    found = {}
    for one, start, stop in zip(windows.ranges, ends[:-1], ends[1:], strict=True):
        columns = _name_columns(records, plain, made, [fetched[name][start:stop] for name in _list_names(plain, made)])
        found[one] = GroupMembers(columns, np.asarray(fetched["place"][start:stop], dtype=np.int64))
    return found


def _tell_conditions(
    records: Records,
    group: str,
    conditions: Mapping[str, str],
    plain: Sequence[str],
    made: Mapping[str, Derived | EmployerNumber],
) -> dict[str, PersonColumn]:
    """Give the columns of conditions: 1 where one holds, 0 where it does not, missing where that cannot be said.

    Raises:
        Invalid: `where-invalid`.
    """
    if not conditions:
        return {}
    typed = [_write_typed(records.config.columns[name], f"low{place}", name) for place, name in enumerate(plain)]
    for place, (name, summary) in enumerate(made.items()):
        typed.append(_write_typed(_find_made_column(records, summary), f"made{place}", name))
    values = [f"CAST(({condition}) AS BIGINT) AS held{place}" for place, condition in enumerate(conditions.values())]
    _run(
        records,
        f'CREATE TABLE held AS SELECT "#person", {", ".join(values)} FROM (SELECT person AS "#person", {", ".join(typed)} FROM people)',  # noqa: S608 - checked, rendered and quoted
        _where_fault(group),
    )
    names = ", ".join(f"held{place}" for place in range(len(conditions)))
    fetched = records.connection.execute(f'SELECT {names} FROM held ORDER BY "#person"').fetchnumpy()  # noqa: S608 - numbered names
    records.connection.execute("DROP TABLE held")
    return {name: _person_column(fetched[f"held{place}"], None) for place, name in enumerate(conditions)}


def _find_made_column(records: Records, summary: Derived | EmployerNumber) -> Column:
    """Give the type of a derived column."""
    if isinstance(summary, EmployerNumber) or summary.function == "count" or summary.column is None:
        return Column(type="integer")
    return records.config.columns[summary.column]


def _write_typed(column: Column, source: str, name: str) -> str:
    """Give the SQL of a person's number (`_number`) as a value of the column's type, under the column's name."""
    match column.type:
        case "decimal":
            scale = column.scale or 0
            value = f"CAST({source} AS DECIMAL(19, 0)) * CAST('{Decimal(1).scaleb(-scale):f}' AS DECIMAL({scale + 1}, {scale}))"
        case "boolean":
            value = f"CAST({source} AS BOOLEAN)"
        case "date":
            value = f"DATE '1970-01-01' + CAST({source} AS INTEGER)"
        case "category":
            value = f"([{', '.join(map(literal, column.values or ()))}])[{source} + 1]"
        case _:
            value = source
    return f"{value} AS {quote_name(name)}"


def _number(records: Records, name: str) -> str:
    """Give the SQL of a column as a 64-bit integer; of a category, its place among the declared values."""
    column: Column = records.config.columns[name]
    text = quote_name(name)
    match column.type:
        case "integer" | "month" | "quarter":
            return text
        case "decimal":
            return f"CAST(CAST({text} AS DECIMAL(38, {column.scale})) * {10 ** (column.scale or 0)} AS BIGINT)"
        case "boolean":
            return f"CAST({text} AS BIGINT)"
        case "date":
            return f"date_diff('day', DATE '1970-01-01', {text})"
        case "category":
            if column.values is None:
                raise Invalid(
                    "job-invalid",
                    f"column {name} of dataset {records.dataset} declares no values",
                    hint="agree on its values, or use it in where alone",
                )
            return f"CAST(list_position([{', '.join(map(literal, column.values))}], {text}) - 1 AS BIGINT)"


def _summary(records: Records, summary: Derived | EmployerNumber) -> str:
    if isinstance(summary, EmployerNumber):
        return f"max(CAST(employer_number(CAST({quote_name(summary.column)} AS VARCHAR)) = {summary.number} AS BIGINT))"
    if summary.column is None:
        return "count(*)"
    if summary.function == "count":
        return f"count({'DISTINCT ' if summary.distinct else ''}{quote_name(summary.column)})"
    return f"CAST({summary.function}({_number(records, summary.column)}) AS BIGINT)"


def _check_constant(records: Records, plain: Sequence[str], *, table: str = "people", rows: str = "rows") -> None:
    if not plain:
        return
    counts = ", ".join(f"count(*) FILTER (WHERE low{p} <> high{p} OR known{p} NOT IN (0, rows))" for p in range(len(plain)))
    found = records.connection.execute(f"SELECT {counts} FROM {table}").fetchone()  # noqa: S608 - numbered names
    varying = {name: count for name, count in zip(plain, found, strict=True) if count}
    if varying:
        first = next(iter(varying))
        raise Invalid(
            "source-varies",
            f"dataset {records.dataset}: {', '.join(varying)} differs among a person's {rows} (so does missing)",
            hint=f"narrow where to one row per person, or say in derive what of a person's rows {first} is: min, max, count or sum",
            detail="; ".join(f"{name}: {count} people" for name, count in varying.items()),
        )


def _fetch(records: Records, columns: Sequence[str]) -> list[Any]:
    """Give columns of `people` in the order of the person keys."""
    if not columns:
        return []
    fetched = records.connection.execute(f"SELECT {', '.join(columns)} FROM people ORDER BY person").fetchnumpy()  # noqa: S608 - quoted names
    return [fetched[name] for name in columns]


def _levels(records: Records, made_of: str | Derived | EmployerNumber) -> tuple[str, ...] | None:
    """Give a category's declared values, also where it is the least or greatest of a person's rows, in the declared order."""
    if isinstance(made_of, EmployerNumber):
        return None
    if isinstance(made_of, str):
        return records.config.columns[made_of].values
    if made_of.function == "count" or made_of.column is None:
        return None
    return records.config.columns[made_of.column].values


def _person_column(values: Any, levels: tuple[str, ...] | None) -> PersonColumn:
    masked = np.ma.masked_array(values)
    return PersonColumn(masked.filled(0).astype(np.int64), np.ma.getmaskarray(masked).copy(), levels)


def _run(records: Records, statement: str, fault: TallyError) -> None:
    """Run a statement; DuckDB's own message may hold values, so `fault` takes its place, with nothing hanging on it."""
    try:
        records.connection.execute(statement)
    except duckdb.OutOfMemoryException:
        raise
    except duckdb.Error:
        failed = True
    else:
        failed = False
    if failed:
        raise fault


def _where_fault(group: str) -> TallyError:
    return Invalid(
        "where-invalid",
        f"where of {group} cannot be evaluated over the records",
        hint="compare each column with values of its own type: numbers bare, text and dates in quotes",
    )
