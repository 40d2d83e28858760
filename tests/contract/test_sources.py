"""One suite for every type of source."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import traceback
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import pytest

from tallystick.core.agreement import declaration
from tallystick.core.agreement.declaration import DeclaredDataset
from tallystick.core.errors import Invalid, TallyError
from tallystick.node.fingerprint import fingerprint
from tallystick.records.features import people_table
from tallystick.records.locked import connect
from tallystick.records.port import Kind
from tallystick.records.reading import load_dataset
from tallystick.records.registry import adapter, open_source, source_types
from tallystick.records.textblocks import ROWS
from tests.postgres import PASSWORD, Server, postgres
from tests.sources import TYPES, Case, Csv, Parquet, Xlsx, as_text, case_of

CANARY: Final = "canary-4471-zebra"
moment = datetime.fromisoformat
COLUMNS: Final[dict[str, Kind]] = {
    "text": "text", "integer": "integer", "decimal": "decimal", "float": "float", "boolean": "boolean", "date": "date",
    "moment": "moment", "zoned": "zoned moment",
}  # fmt: skip
VALUES: Final[list[tuple[object, ...]]] = [
    ("007", 7, Decimal("12.50"), 0.1, True, date(2024, 2, 29), moment("2025-01-31"), moment("2025-01-31 12:00:00-05")),
    (" =cmd() ", -(2**62), Decimal("-99999999999.99"), 1.5e300, False, date(1900, 1, 1),
     moment("2025-01-31 23:59:59.250"), moment("2025-01-31 00:00+00")),
    ('two\nlines, "one" quote, a\ttab, \\N and \\', 0, Decimal("0.00"), -2.0, False, date(2099, 12, 31),
     moment("2025-03-09 02:30"), moment("2025-03-09 02:30:00.000001+00")),
    ("Ünïcode 漢字 🙂", 1, Decimal("0.01"), 3.141592653589793, True, date(2025, 6, 1),
     moment("2025-06-01 01:00"), moment("2025-06-01 00:00+14")),
    (None,) * 8,
]  # fmt: skip
"""What a source may hold; nothing here depends on where the machine stands."""
PEOPLE: Final[dict[str, Kind]] = {"id": "integer", "ssn": "text", "born": "date", "region": "text", "paid": "decimal"}


@pytest.fixture(name="server", scope="module")
def server_() -> Iterator[Server]:
    with postgres() as server:
        yield server


@pytest.fixture(name="case", params=TYPES)
def case_(request: pytest.FixtureRequest, tmp_path: Path) -> Case:
    return case_of(request.param, tmp_path, request)


def held(case: Case) -> dict[str, Kind]:
    """Give the columns that a type of source can hold."""
    return {name: kind for name, kind in COLUMNS.items() if kind in case.kinds}


def rows_for(case: Case) -> list[tuple[object, ...]]:
    places = [place for place, kind in enumerate(COLUMNS.values()) if kind in case.kinds]
    return [tuple(row[place] for place in places) for row in VALUES]


def plain(kind: Kind, value: str | None) -> object:
    """Give what text means where there are several ways to write one value."""
    if value is None:
        return None
    if kind == "decimal":
        return Decimal(value)
    if kind == "float":
        return float(value)
    return {"1": "true", "0": "false"}.get(value, value) if kind == "boolean" else value


def read_to_the_end(case: Case, source: dict[str, Any], names: Sequence[str]) -> None:
    with connect(256) as connection, open_source("data", declaration.DeclaredSource(source), case.folder, connection) as found:
        for block in found.blocks(names):
            connection.execute(f"SELECT count(*) FROM {block.clause}", list(block.parameters))


def load(case: Case) -> None:
    with load_dataset("data", dataset(case), case.folder, max_memory_mib=256):
        pass


def raised(case: Case, source: dict[str, Any], names: Sequence[str] = ("text",)) -> TallyError:
    """Open and read a source that fails; nothing that the error holds is data or a secret."""
    with pytest.raises(TallyError) as caught:
        read_to_the_end(case, source, names)
    said = "".join(traceback.format_exception(caught.value)) + caught.value.detail
    error: BaseException | None = caught.value
    while error is not None:
        said += repr(error) + str(error.args)
        error = error.__cause__ or error.__context__
    assert CANARY not in said
    assert PASSWORD not in said
    return caught.value


def test_every_type_is_in_this_suite() -> None:
    assert source_types() == ("csv", "parquet", "postgresql", "sqlite", "xlsx")
    for name in source_types():
        found = adapter(name)
        assert set(found.paths) <= found.settings.model_fields.keys()
        assert not found.short or found.short in found.paths


def test_columns_have_kinds(case: Case) -> None:
    case.write(held(case), rows_for(case))
    assert case.columns() == {name: case.kinds[kind] for name, kind in held(case).items()}


def test_values_arrive_as_text_of_their_kind(case: Case) -> None:
    case.write(held(case), rows_for(case))
    names = list(held(case))
    rows = rows_for(case)[:-1] if isinstance(case, Xlsx) else rows_for(case)  # a sheet ends behind its last filled row
    expected = [[plain(held(case)[n], as_text(v)) for n, v in zip(names, row, strict=True)] for row in rows]
    assert [[plain(held(case)[n], v) for n, v in zip(names, row, strict=True)] for row in case.read(names)] == expected


def test_columns_come_in_the_order_asked_for_and_no_others(case: Case) -> None:
    case.write({"one": "text", "two": "text", "three": "text"}, [("a", "b", CANARY)])
    assert case.read(["two", "one"]) == [("b", "a")]


def test_where_values_come_from_does_not_depend_on_this_machine(case: Case) -> None:
    """The same text in another zone, another locale, and an environment that means to lead libpq astray."""
    case.write(held(case), rows_for(case))
    script = (
        "import json, sys; from pathlib import Path; from tallystick.core.agreement import declaration\n"
        "from tallystick.records.locked import connect; from tallystick.records.registry import open_source\n"
        "source, folder, names = json.loads(sys.argv[1])\n"
        "with connect(256) as c, open_source('data', declaration.DeclaredSource(source), Path(folder), c) as found:\n"
        "    for block in found.blocks(names):\n"
        "        print(json.dumps(c.execute('SELECT ' + ', '.join(block.columns[n] for n in names) + ' FROM ' + block.clause, "
        "list(block.parameters)).fetchall()))\n"
    )
    astray = {
        "TZ": "Pacific/Kiritimati", "LC_ALL": "C", "PGTZ": "Asia/Tokyo", "PGDATESTYLE": "German", "PGHOST": "192.0.2.1",
        "PGHOSTADDR": "192.0.2.1", "PGPORT": "1", "PGUSER": "admin", "PGPASSWORD": "wrong", "PGDATABASE": "template1",
        "PGOPTIONS": "-c default_transaction_read_only=off -c extra_float_digits=-10", "PGSSLMODE": "require", "PGCLIENTENCODING": "LATIN1",
        "PGREQUIREAUTH": "none", "PGTARGETSESSIONATTRS": "standby", "HOME": str(case.folder),
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-c", script, json.dumps([case.declared(), str(case.folder), list(held(case))])],
        env={**os.environ, **astray}, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert [tuple(row) for row in json.loads(done.stdout)] == case.read(list(held(case)))


def test_empty_text_is_told_from_a_missing_value_where_the_source_can(case: Case) -> None:
    case.write({"text": "text", "other": "text"}, [("", "1"), (None, "2")])
    assert case.read(["text", "other"]) == [("" if case.tells_empty else None, "1"), (None, "2")]


def test_no_rows(case: Case) -> None:
    case.write(held(case), [])
    assert case.read(["text"]) == []


def test_names_may_hold_anything(case: Case) -> None:
    names = ["select", 'a "quoted" name', "Ünï, cödé; --", "100%", "%s {x}"]
    case.write(dict.fromkeys(names, "text"), [("a", "b", "c", "d", "e")])
    assert case.read(names) == [("a", "b", "c", "d", "e")]


def test_nothing_of_a_source_is_written(case: Case) -> None:
    def digests() -> dict[str, str]:
        return {
            p.name: hashlib.sha256(p.read_bytes()).hexdigest()
            for p in case.folder.iterdir()
            if p.suffix not in {"-shm", "-wal"}
        }

    case.write(held(case), rows_for(case))
    before = {name: digest for name, digest in digests().items() if not name.endswith(("-wal", "-shm"))}
    case.read(["text"])
    assert {name: digest for name, digest in digests().items() if not name.endswith(("-wal", "-shm"))} == before


def test_many_rows_come_once_each_in_blocks_of_bounded_size(case: Case) -> None:
    count = 2 * ROWS + 17
    case.write({"key": "integer", "text": "text"}, [(at, f"row {at}") for at in range(count)])
    with (
        connect(256) as connection,
        open_source("data", declaration.DeclaredSource(case.declared()), case.folder, connection) as found,
    ):
        sizes, keys = [], []
        for block in found.blocks(["key", "text"]):
            rows = connection.execute(
                f"SELECT {block.columns['key']}, {block.columns['text']} FROM {block.clause}", list(block.parameters)
            ).fetchall()
            assert all(text == f"row {key}" for key, text in rows)
            sizes.append(len(rows))
            keys += [int(key) for key, _ in rows]
    assert sorted(keys) == list(range(count))
    assert sizes == (
        [count] if isinstance(case, (Csv, Parquet)) else [ROWS, ROWS, 17]
    )  # DuckDB reads a file as a whole, piece by piece


def test_all_blocks_are_of_one_version_though_others_write(case: Case) -> None:
    if not case.shared:
        pytest.skip("a file is replaced, not written to")
    count = 2 * ROWS
    case.write({"key": "integer"}, [(at,) for at in range(count)])
    with (
        connect(256) as connection,
        open_source("data", declaration.DeclaredSource(case.declared()), case.folder, connection) as found,
    ):
        rows = 0
        for at, block in enumerate(found.blocks(["key"])):
            rows += connection.execute(f"SELECT count(*) FROM {block.clause}").fetchall()[0][0]
            if at == 0:
                case.add((count,))
    assert rows == count
    assert len(case.read(["key"])) == count + 1


def people(change: Mapping[int, tuple[object, ...]] | None = None, *, backwards: bool = False) -> list[tuple[object, ...]]:
    rows: list[tuple[object, ...]] = [
        (at // 2, f"{212 + at // 2:03d}-45-{6000 + at // 2:04d}", date(1950 + at // 2 % 50, 1 + at // 2 % 12, 1 + at // 2 % 28),
         ("north", "south", None)[at % 3], Decimal(at * 100 + at % 7) / 100)
        for at in range(60)
    ]  # fmt: skip
    for at, row in (change or {}).items():
        rows[at] = row
    return rows[::-1] if backwards else rows


def dataset(case: Case) -> DeclaredDataset:
    value = {
        "source": case.declared(), "person": "id", "identifiers": {"ssn": "ssn", "birth_date": "born"},
        "columns": {"region": {"type": "category", "values": ["north", "south"]}, "paid": {"type": "decimal", "scale": 2}},
    }  # fmt: skip
    return DeclaredDataset.read(value, what="dataset")


def version(case: Case, rows: Sequence[tuple[object, ...]]) -> str:
    case.write(PEOPLE, rows)
    with load_dataset("data", dataset(case), case.folder, max_memory_mib=256, versioned=True) as records:
        assert records.version is not None
        return records.version


def test_the_version_is_that_of_the_rows_and_of_nothing_else(case: Case) -> None:
    base = version(case, people())
    assert version(case, people()) == base
    assert version(case, people(backwards=True)) == base
    first = people()[0]
    changed = [
        people({0: (first[0], first[1], date(1951, 1, 1), *first[3:])}),  # a value
        people({0: (*first[:3], None, first[4])}),  # emptied
        people({0: (*first[:4], people()[2][4]), 2: (*people()[2][:4], first[4])}),  # exchanged between two rows
        people()[1:],
        [*people(), people()[5]],  # a row more, as another is
    ]
    assert len({base, *(version(case, rows) for rows in changed)}) == 1 + len(changed)


def test_the_same_records_give_the_same_people_whichever_the_source(
    case: Case, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """A job's attempts are compared by this fingerprint: it is the same again for the same rows, and another for changed ones."""

    def printed(at: Case, rows: Sequence[tuple[object, ...]]) -> bytes:
        at.write(PEOPLE, rows)
        with load_dataset("data", dataset(at), at.folder, max_memory_mib=256) as records:
            table = people_table(records, "g", where="paid > 3", used=[], derived={})
        return fingerprint(table, secret=bytes(32), job=bytes(32))

    other = Csv(tmp_path_factory.mktemp("csv"))
    assert printed(case, people()) == printed(case, people(backwards=True)) == printed(other, people())
    row = people()[40]
    assert printed(case, people({40: (row[0], "999-45-1234", *row[2:]), 41: (row[0], "999-45-1234", *row[2:])})) != printed(
        other, people()
    )


def test_rows_without_a_key_are_numbered_over_all_blocks(case: Case) -> None:
    case.write({"ssn": "text"}, [(f"{at}",) for at in range(ROWS + 5)])
    value = {"source": case.declared(), "person": "row", "identifiers": {"ssn": "ssn"}, "columns": {}, "people": 1_000_000}
    with load_dataset("data", DeclaredDataset.read(value, what="d"), case.folder, max_memory_mib=256, numbered=True) as records:
        number, said = 'CAST("@person" AS INT)', 'CAST("@ssn" AS INT)'
        told = f"count(*), count(DISTINCT {number}), max({number}), count(*) FILTER ({number} = {said} + 1)"
        assert records.connection.execute(f"SELECT {told} FROM records").fetchone() == (ROWS + 5,) * 4


def test_a_source_that_is_not_there(case: Case) -> None:
    case.write({"text": "text"}, [(CANARY,)])
    assert raised(case, case.gone()).code == "source-missing"


def test_a_column_that_is_not_there(case: Case) -> None:
    case.write({"text": "text"}, [(CANARY,)])
    with pytest.raises(Invalid, match="lacks the column of the person key, birth_date, ssn") as caught:
        load(case)
    assert caught.value.code == "source-columns"


def test_binary_values_cannot_be_read(case: Case) -> None:
    if "other" not in case.kinds:
        pytest.skip("it has no binary columns")
    case.write(
        {"id": "other", "ssn": "text", "born": "text", "region": "text", "paid": "text"}, [(b"\0", "1", None, None, None)]
    )
    assert case.columns()["id"] == "other"
    with pytest.raises(Invalid, match="nested or binary values in") as caught:
        load(case)
    assert caught.value.code == "source-types"


@pytest.mark.parametrize("settings", [5, ["a"], {"file": 5, "tables": "x"}, {}, None])
def test_settings_that_are_wrong(case: Case, settings: Any) -> None:
    error = raised(case, {case.type: settings})
    assert error.code == "document-invalid"
    assert f"source.{case.type}" in error.message
