"""Months and quarters as files write them, and people's rows by part of the calendar."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tallystick.core.agreement.declaration import DeclaredDataset
from tallystick.core.errors import Invalid
from tallystick.core.job.bins import Range
from tallystick.core.job.derive import parse_derive
from tallystick.core.job.where import parse_where
from tallystick.core.statistics.columns import GroupMembers
from tallystick.core.values.periods import parse_period, write_period
from tallystick.node.fingerprint import fingerprint
from tallystick.records.features import PeopleTable, Windows, people_table
from tallystick.records.reading import load_dataset

COLUMNS: dict[str, Any] = {
    "quarter": {"type": "quarter", "min": "2023-Q1", "max": "2024-Q4"},
    "month": {"type": "month", "min": "2023-01", "max": "2024-12"},
    "wage": {"type": "integer", "min": 0, "max": 99999},
    "industry": {"type": "category", "values": ["retail", "health"]},
}


def quarter(text: str) -> int:
    return parse_period(text, "quarter")


def people(
    folder: Path, rows: str, windows: Windows | None, *, where: str | None = None, used: tuple[str, ...] = (), **derive: str
) -> PeopleTable:
    (folder / "wages.csv").write_text("id,ssn,quarter,month,wage,industry\n" + rows)
    value = {"source": {"csv": "wages.csv"}, "person": "id", "identifiers": {"ssn": "ssn"}, "columns": COLUMNS}
    config = DeclaredDataset.read(value, what="dataset")
    declared = {name: column.to_column() for name, column in config.columns.items()}
    with load_dataset("wages", config, folder, max_memory_mib=512) as records:
        return people_table(
            records,
            "wages",
            where=None if where is None else parse_where(where, declared).sql,
            used=used,
            derived={name: parse_derive(text) for name, text in derive.items()},
            windows=windows,
        )


ROWS = (
    "b,2,2023-Q1,2023-02,100,retail\n"
    "a,1,2023Q1,202301,10,health\n"
    "a,1,2023-Q1,01/2023,20,health\n"
    "a,1,Q3 2023,2023-07-04,,retail\n"
    "c,3,,,5,retail\n"
    "d,4,20234,2023-12,7,\n"
)
FIRST, LATER = Range(quarter("2023-Q1"), quarter("2023-Q2")), Range(quarter("2023-Q2"), quarter("2024-Q1"))


def shown(rows: GroupMembers, name: str) -> list[tuple[int, int | None]]:
    """Give (place of a person, value)."""
    assert rows.places is not None
    column = rows.columns[name]
    values = [None if gone else int(value) for value, gone in zip(column.values, column.missing, strict=True)]
    return list(zip(rows.places.tolist(), values, strict=True))


def test_rows_of_a_part_of_the_calendar_are_told_for_themselves(tmp_path: Path) -> None:
    windows = Windows("quarter", (FIRST, LATER), ("earned", "industry"))
    table = people(tmp_path, ROWS, windows, earned="sum(wage)")
    assert table.n == 4
    assert list(table.at) == [FIRST, LATER]
    assert shown(table.at[FIRST], "earned") == [(0, 30), (1, 100)]
    assert shown(table.at[FIRST], "industry") == [(0, 1), (1, 0)]
    assert shown(table.at[LATER], "earned") == [(0, None), (3, 7)]
    assert shown(table.at[LATER], "industry") == [(0, 0), (3, None)]


def test_a_condition_filters_the_rows_of_every_part(tmp_path: Path) -> None:
    table = people(tmp_path, ROWS, Windows("quarter", (FIRST,), ("earned",)), where="wage > 15", earned="sum(wage)")
    assert shown(table.at[FIRST], "earned") == [(0, 20), (1, 100)]
    assert table.n == 2


def test_a_part_in_which_nobody_has_a_row_is_empty(tmp_path: Path) -> None:
    nobody = Range(quarter("2024-Q2"), quarter("2024-Q3"))
    table = people(tmp_path, ROWS, Windows("quarter", (nobody, FIRST), ("earned",)), earned="sum(wage)")
    assert shown(table.at[nobody], "earned") == []
    assert shown(table.at[FIRST], "earned") == [(0, 30), (1, 100)]


def test_a_column_that_varies_within_a_part_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="rows of one period of quarter") as refusal:
        people(tmp_path, ROWS, Windows("quarter", (FIRST,), ("wage",)))
    assert refusal.value.code == "source-varies"


def test_the_rows_of_the_calendar_are_part_of_the_fingerprint(tmp_path: Path) -> None:
    windows = Windows("quarter", (FIRST, LATER), ("earned",))
    prints = {
        fingerprint(people(tmp_path, rows, windows, earned="sum(wage)"), secret=bytes(32), job=bytes(32))
        for rows in (ROWS, ROWS.replace("2023-02,100", "2023-02,101"), ROWS.replace("20234", "20233"), ROWS.replace("d,4,20234", "d,4,20241"))
    }  # fmt: skip
    assert len(prints) == 3, "another quarter of the same part is the same table"


@pytest.mark.parametrize(
    ("kind", "text", "meant"),
    [
        ("quarter", "2024-Q2", "2024-Q2"),
        ("quarter", "2024q2", "2024-Q2"),
        ("quarter", "2024 2", "2024-Q2"),
        ("quarter", "20242", "2024-Q2"),
        ("quarter", "Q2/2024", "2024-Q2"),
        ("quarter", "2024-06-30", "2024-Q2"),
        ("quarter", " 2024-Q2 ", "2024-Q2"),
        ("quarter", "2024-Q5", None),
        ("quarter", "2024", None),
        ("quarter", "2024-02-30", None),
        ("quarter", "Q2 24", None),
        ("month", "2024-06", "2024-06"),
        ("month", "202406", "2024-06"),
        ("month", "6/2024", "2024-06"),
        ("month", "2024-06-30", "2024-06"),
        ("month", "2024-13", None),
        ("month", "2024-6", None),
        ("month", "June 2024", None),
    ],
)
def test_months_and_quarters_as_files_write_them(tmp_path: Path, kind: str, text: str, meant: str | None) -> None:
    row = f"a,1,{text if kind == 'quarter' else ''},{text if kind == 'month' else ''},,\n"
    if meant is None:
        with pytest.raises(Invalid, match=f"column {kind} holds what are not {kind}s"):
            people(tmp_path, row, None, used=(kind,))
        return
    values = people(tmp_path, row, None, used=(kind,)).columns[kind].values.tolist()
    assert [write_period(number, "quarter" if kind == "quarter" else "month") for number in values] == [meant]


def test_a_time_outside_the_declared_calendar_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="values outside what is declared, in column quarter") as refusal:
        people(tmp_path, "a,1,2025-Q1,,,\n", None, used=("quarter",))
    assert refusal.value.code == "source-bounds"


@pytest.mark.parametrize(
    ("where", "n"),
    [
        ("quarter = '2023-Q1'", 2),
        ("quarter > '2023-Q1'", 2),
        ("month BETWEEN '2023-07' AND '2023-12'", 2),
        ("quarter IN ('2023-Q4')", 1),
    ],
)
def test_conditions_compare_months_and_quarters(tmp_path: Path, where: str, n: int) -> None:
    assert people(tmp_path, ROWS, None, where=where).n == n


@pytest.mark.parametrize(
    "where", ["quarter = '2023-05'", "quarter = 2023", "month = '2023-Q1'", "quarter = 'Q1'", "quarter = month"]
)
def test_conditions_over_months_and_quarters_take_their_own_values_alone(tmp_path: Path, where: str) -> None:
    with pytest.raises(Invalid) as refusal:
        people(tmp_path, ROWS, None, where=where)
    assert refusal.value.code == "where-invalid"


def test_the_owner_is_told_where_rows_end_before_the_declared_calendar_does(tmp_path: Path) -> None:
    (tmp_path / "wages.csv").write_text("id,ssn,quarter,month,wage,industry\n" + ROWS + "e,5,,2024-12,,\n")
    value = {"source": {"csv": "wages.csv"}, "person": "id", "identifiers": {"ssn": "ssn"}, "columns": COLUMNS}
    with load_dataset("wages", DeclaredDataset.read(value, what="dataset"), tmp_path, max_memory_mib=512) as records:
        (note,) = [one for one in records.told if "count them as without a row" in one]
    assert note.startswith("quarter: the last rows are of 2023-Q4, and it is declared up to 2024-Q4;")
