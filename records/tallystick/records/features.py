"""From a dataset's records to one row per person: what a job asks of one group.

- Rows with the same person key are one person, and so are those of keys that were merged (`records/merging.py`).
- `where` filters rows; a person is in the group if any of their rows passes.
- Derived columns sum up a person's passing rows, or are worked out from what the columns say of the person (`records/derived.py`).
- Tests of derived columns, in `where`, then filter people.
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
from typing import Any, Final

import duckdb
import numpy as np

from tallystick.core.errors import Invalid, TallyError
from tallystick.core.job.bins import Range
from tallystick.core.job.derive import WHOLE, Derivation, EmployerNumber, HouseholdShare
from tallystick.core.job.units import NUMBERS
from tallystick.core.job.where import Condition
from tallystick.core.linkage.matching.duplicates import Duplicates
from tallystick.core.linkage.passes.spellings import Spellings
from tallystick.core.statistics.columns import GroupMembers, PersonColumn
from tallystick.records.aliases import spellings
from tallystick.records.derived import PART, Summaries
from tallystick.records.identifiers import PERSON, Strings, hold_known_people, identifiers_of, strings
from tallystick.records.locked import literal, quote_name
from tallystick.records.reading import Records

_MINE: Final = "mine"
"""Whose a dataset is, where that does not matter."""


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
    derived: Mapping[str, Derivation],
    passing: Condition | None = None,
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
        derived: the job's derived columns; those that nothing here names are left out.
        passing: which people are in the group, over derived columns, checked and rendered; None for all who have a row.
        conditions: by what their columns are called, conditions over columns of `used`, checked and rendered as `where` is.
        keyed: give the people's keys, too.
        windows: parts of the calendar whose rows are told apart.

    Raises:
        Invalid: `where-invalid`: the condition compares what cannot be compared; `source-varies`; `source-bounds`: a sum that
            does not fit 64 bits.
    """
    condition = f"WHERE ({where})" if where else ""
    _run(records, f"SELECT count(*) FROM records {condition}", _where_fault(group))  # noqa: S608 - checked and rendered
    dataset = records.config.to_dataset(_MINE)
    filtered = sorted(passing.columns) if passing is not None else []
    told = Summaries.of(records.dataset, dataset, (*used, *filtered), derived)
    for test in told.list_conditions():
        _run(records, f"SELECT count(*) FROM records WHERE ({test})", _where_fault(group))  # noqa: S608 - checked and rendered
    _number_employers(records, condition, derived)
    _part_households(records, condition, derived)
    expressions = [f"{quote_name(PERSON)} AS person", "count(*) AS rows", *told.write_rows()]
    overflow = Invalid("source-bounds", f"dataset {records.dataset}: a derived column does not fit 64 bits")
    _run(
        records,
        f"CREATE TABLE people AS SELECT {', '.join(expressions)} FROM records {condition} GROUP BY {quote_name(PERSON)}",  # noqa: S608 - quoted names
        overflow,
    )
    if passing is not None:
        typed = ", ".join(f"{told.write_typed(name)} AS {quote_name(name)}" for name in filtered)
        _run(
            records,
            f'DELETE FROM people WHERE person NOT IN (SELECT "#person" FROM (SELECT person AS "#person", {typed} '  # noqa: S608 - as above
            f"FROM {told.write_table('people')}) WHERE ({passing.sql}))",
            _where_fault(group),
        )
    _check_constant(records, told.plain)
    values = _fetch(records, [told.write_person(name) for name in used], told.write_table("people"))
    columns = _name_columns(told, used, values)
    columns |= _tell_conditions(records, group, conditions or {}, told, used)
    at = {} if windows is None else _read_windows(records, windows, condition, derived)
    n = int(records.connection.execute("SELECT count(*) FROM people").fetchone()[0])
    names = tuple(records.config.identifiers)
    with hold_known_people(
        records.connection, names, single=records.most <= 1, among="" if where is None and passing is None else "people"
    ):
        identifiers = identifiers_of(records.connection, names)
        others = spellings(records.connection, records.config, names)
    keys = strings(_fetch(records, ["person"], "people")[0]) if keyed else None
    return PeopleTable(n, columns, identifiers, others, records.duplicates, keys, at)


def _number_employers(records: Records, condition: str, derived: Mapping[str, Derivation]) -> None:
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


def _part_households(records: Records, condition: str, derived: Mapping[str, Derivation]) -> None:
    """Add to each row its person's part of the row's household, of the people whose rows pass the condition (`core/job/units.py`)."""
    column = next((one.column for one in derived.values() if isinstance(one, HouseholdShare)), None)
    if column is None:
        return
    text, part = f"CAST({quote_name(column)} AS VARCHAR)", quote_name(PART)
    sizes = f"SELECT {text} AS name, count(DISTINCT {quote_name(PERSON)}) AS people FROM records {condition} GROUP BY name"  # noqa: S608 - quoted names
    records.connection.execute(f"ALTER TABLE records ADD COLUMN {part} BIGINT")
    write = f"UPDATE records SET {part} = {WHOLE} // sizes.people FROM ({sizes}) AS sizes WHERE {text} = sizes.name"  # noqa: S608 - quoted names
    records.connection.execute(write)


def _name_columns(told: Summaries, used: Sequence[str], fetched: Sequence[Any]) -> dict[str, PersonColumn]:
    return {name: _person_column(values, told.levels_of(name)) for name, values in zip(used, fetched, strict=True)}


def _read_windows(
    records: Records, windows: Windows, condition: str, derived: Mapping[str, Derivation]
) -> dict[Range, GroupMembers]:
    """Read what people's rows in each part of the calendar say; a row without a time is in none.

    Raises:
        Invalid: `source-varies`, `source-bounds`: as `people_table`, of a person's rows in one part.
    """
    told = Summaries.of(records.dataset, records.config.to_dataset(_MINE), windows.used, derived)
    parts = ", ".join(f"({number}, {one.low}, {one.high})" for number, one in enumerate(windows.ranges))
    time = told.write_number(windows.column)
    expressions = ['"@part" AS part', f"{quote_name(PERSON)} AS person", "count(*) AS rows"]
    expressions += told.write_rows()
    # no declared name holds `@`, so the condition can mean no column of the parts
    source = f'records JOIN (VALUES {parts}) AS parts("@part", "@low", "@high") ON {time} >= "@low" AND {time} < "@high"'
    _run(
        records,
        f'CREATE TABLE within AS SELECT {", ".join(expressions)} FROM {source} {condition} GROUP BY "@part", {quote_name(PERSON)}',  # noqa: S608 - quoted names and numbers
        Invalid("source-bounds", f"dataset {records.dataset}: a derived column does not fit 64 bits"),
    )
    _check_constant(records, told.plain, table="within", rows=f"rows of one period of {windows.column}")
    names = ", ".join(["part", "place", *(f"{told.write_person(name)} AS v{at}" for at, name in enumerate(windows.used))])
    numbered = "(SELECT person, row_number() OVER (ORDER BY person) - 1 AS place FROM people)"
    fetched = records.connection.execute(
        f"SELECT {names} FROM {told.write_table('within')} JOIN {numbered} USING (person) ORDER BY part, place"  # noqa: S608 - numbered names
    ).fetchnumpy()
    ends = np.searchsorted(np.asarray(fetched["part"], dtype=np.int64), np.arange(len(windows.ranges) + 1))
    found = {}
    for one, start, stop in zip(windows.ranges, ends[:-1], ends[1:], strict=True):
        columns = _name_columns(told, windows.used, [fetched[f"v{place}"][start:stop] for place in range(len(windows.used))])
        found[one] = GroupMembers(columns, np.asarray(fetched["place"][start:stop], dtype=np.int64))
    return found


def _tell_conditions(
    records: Records, group: str, conditions: Mapping[str, str], told: Summaries, used: Sequence[str]
) -> dict[str, PersonColumn]:
    """Give the columns of conditions: 1 where one holds, 0 where it does not, missing where that cannot be said.

    Raises:
        Invalid: `where-invalid`.
    """
    if not conditions:
        return {}
    typed = ", ".join(f"{told.write_typed(name)} AS {quote_name(name)}" for name in used)
    values = [f"CAST(({condition}) AS BIGINT) AS held{place}" for place, condition in enumerate(conditions.values())]
    _run(
        records,
        f'CREATE TABLE held AS SELECT "#person", {", ".join(values)} FROM (SELECT person AS "#person", {typed} '  # noqa: S608 - checked, rendered and quoted
        f"FROM {told.write_table('people')})",
        _where_fault(group),
    )
    names = ", ".join(f"held{place}" for place in range(len(conditions)))
    fetched = records.connection.execute(f'SELECT {names} FROM held ORDER BY "#person"').fetchnumpy()  # noqa: S608 - numbered names
    records.connection.execute("DROP TABLE held")
    return {name: _person_column(fetched[f"held{place}"], None) for place, name in enumerate(conditions)}


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


def _fetch(records: Records, columns: Sequence[str], table: str) -> list[Any]:
    """Give columns of a table of people in the order of the person keys."""
    if not columns:
        return []
    named = ", ".join(f"{column} AS v{place}" for place, column in enumerate(columns))
    fetched = records.connection.execute(f"SELECT {named} FROM {table} ORDER BY person").fetchnumpy()  # noqa: S608 - quoted names
    return [fetched[f"v{place}"] for place in range(len(columns))]


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
