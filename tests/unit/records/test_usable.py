"""What cannot be read is counted, placed and told by its form; a dataset that asks for more is refused; keys that say nothing too."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import pytest

from tallystick.core.agreement.declaration import DeclaredDataset
from tallystick.core.errors import TallyError
from tallystick.records.reading import load_dataset
from tallystick.records.survey import DatasetSummary, survey
from tallystick.records.usable import check_usable, count_fields

CANARY = "Canarsie"


def declared(**change: Any) -> DeclaredDataset:
    value = {
        "source": {"csv": "a.csv"}, "person": "id", "identifiers": {"ssn": "ssn", "birth_date": "dob", "last_name": "name"}, "columns": {},
    }  # fmt: skip
    return DeclaredDataset.read(value | change, what="dataset")


def rows_of(folder: Path, text: str, query: str = "SELECT * FROM records", **change: Any) -> list[tuple[Any, ...]]:
    (folder / "a.csv").write_text(text, "utf-8")
    with load_dataset("a", declared(**change), folder, max_memory_mib=256) as records:
        found: list[tuple[Any, ...]] = records.connection.execute(query).fetchall()
        return found


def fault(folder: Path, text: str, **change: Any) -> TallyError:
    with pytest.raises(TallyError) as caught:
        rows_of(folder, text, **change)
    assert CANARY not in str(caught.value) + caught.value.detail
    return caught.value


def test_s51_each_identifier_is_counted_by_what_became_of_it(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(
        "id,ssn,dob,name\n1,223-45-6781,1990-01-02,Mu\u00c3\u00b1oz\n2,223-45-678,sometime,Unknown\n3,999-99-9999,,Lee\n\n4,,about 90,Ray\n",
        "utf-8",
    )
    shown: dict[str, str] = {}
    with load_dataset("a", declared(), tmp_path, max_memory_mib=256) as records:
        found = count_fields(records.connection, ("ssn", "birth_date", "last_name"), records.places, shown)
    counts = {name: (one.missing, one.usable, one.denied, one.unread, one.mended) for name, one in found.items()}
    assert counts == {"ssn": (1, 1, 1, 1, 0), "birth_date": (1, 1, 0, 2, 0), "last_name": (0, 3, 1, 0, 1)}
    assert (found["ssn"].first, found["ssn"].form) == ("line 3", "9{3}-9{2}-9{3}")
    assert found["birth_date"].first == "line 3"
    assert shown == {"ssn": "223-45-678", "birth_date": "sometime"}


def test_s51_a_dataset_that_asks_for_more_usable_values_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("id,ssn,dob,name\n1,223456781,1990-01-02,Lee\n2,1,1990-01-02,Ray\n", "utf-8")
    summary = survey("a", declared(), tmp_path, max_memory_mib=256).outcome
    assert isinstance(summary, DatasetSummary)
    check_usable("a", declared(), summary.fields)
    check_usable("a", declared(usable="0.5"), summary.fields)
    with pytest.raises(TallyError) as caught:
        check_usable("a", declared(usable="0.51"), summary.fields)
    assert caught.value.code == "source-unusable"
    assert "ssn" in caught.value.message


@pytest.mark.parametrize("key", ["NULL", "null", "N/A", "#N/A", "\\N", "unknown", "-", ".", "None", "nan", "Not Available"])
def test_s10_a_key_that_says_nothing_is_nobodys(tmp_path: Path, key: str) -> None:
    error = fault(tmp_path, f"id,ssn,dob,name\n{key},,,\nx1,,,Lee\n{key},,,{CANARY}\n")
    assert (error.code, error.detail) == ("source-types", "2 of 3 rows have one that says nothing; the first in line 2")


def test_s10_zero_is_a_key_among_numbers_and_not_of_many(tmp_path: Path) -> None:
    head = "id,ssn,dob,name\n"
    assert len(rows_of(tmp_path, head + "".join(f"{at},,,Lee\n" for at in (0, 0, 1, 1, 2)))) == 5
    assert "3 of 4 rows" in fault(tmp_path, head + "0,,,Lee\n0,,,Ray\n0,,,Day\n1,,,Lee\n").detail
    assert len(rows_of(tmp_path, head + "SOME,,,Lee\nNA1,,,Ray\n")) == 2


def test_a_column_that_contradicts_itself_is_refused_unless_its_format_is_declared(tmp_path: Path) -> None:
    text = "id,ssn,dob,name\n1,,25/12/1990,Lee\n2,,12/25/1990,Ray\n3,,13/01/1991,Day\n"
    error = fault(tmp_path, text)
    assert "2 rows have the day first, the first in line 2; 1 the month, the first in line 3" in error.detail
    identifiers = {"birth_date": {"from": "dob", "format": "DD/MM/YYYY"}}
    found = rows_of(tmp_path, text, 'SELECT "@birth_date" FROM records ORDER BY "@person"', identifiers=identifiers)
    assert found == [("1990-12-25",), ("12/25/1990",), ("1991-01-13",)]


def test_words_for_none_categories_and_numbers_as_declared(tmp_path: Path) -> None:
    columns = {
        "county": {"type": "category", "values": ["North", "South", "Else"], "case": "ignore", "other": "Else"},
        "paid": {"type": "decimal", "scale": 2, "missing": [-99, "none"]},
        "whole": {"type": "integer"},
        "seen": {"type": "date", "format": "DDMMYY", "pivot": 40},
    }
    text = (
        'id,county,paid,whole,seen\n1, NORTH ,"$1,234.50","1,000",310190\n2,Elsewhere,(12.5),12-,010225\n3,south,.5,+7,\n'
        "4,, None ,(3),\n5,,-99,\u22124,\n"
    )
    found = rows_of(tmp_path, text, 'SELECT county, CAST(paid AS VARCHAR), whole, CAST(seen AS VARCHAR) FROM records ORDER BY "@person"',
                    identifiers={}, columns=columns)  # fmt: skip
    assert found == [
        ("North", "1234.50", 1000, "1990-01-31"), ("Else", "-12.50", -12, "2025-02-01"), ("South", "0.50", 7, None), (None, None, -3, None),
        (None, None, -4, None),
    ]  # fmt: skip


@pytest.mark.parametrize("bad", ["1,23", "1,2345", "$", "1.2.3", "(1", "1)", "--1", "-1-", "1,234,56"])
def test_what_is_no_number_is_refused_with_its_form(tmp_path: Path, bad: str) -> None:
    error = fault(tmp_path, f'id,paid\n1,"{bad}"\n', identifiers={}, columns={"paid": {"type": "decimal", "scale": 2}})
    assert error.code == "source-types"
    assert error.detail.startswith("paid: 1 rows, the first in line 2, of the form ")


def test_files_of_every_make_are_one_list(tmp_path: Path) -> None:
    same = [("1", "223456781", "1990-01-02", "Nu\u00f1ez")]
    query = 'SELECT "@person", "@ssn", "@birth_date", "@last_name" FROM records'
    plain = "id,ssn,dob,name\n1,223456781,1990-01-02,Nu\u00f1ez\n"
    makes: dict[str, tuple[bytes, dict[str, Any]]] = {
        "plain": (plain.encode(), {}),
        "gzip": (gzip.compress(plain.encode()), {}),
        "windows": (plain.encode("cp1252"), {}),
        "declared": (plain.encode("cp437"), {"encoding": "cp437"}),
        "utf-16": (plain.encode("utf-16"), {}),
        "mac": (plain.replace("\n", "\r").encode(), {}),
        "tabs": (plain.replace(",", "\t").encode(), {}),
        "sep": (b"sep=;\r\n" + plain.replace(",", ";").replace("\n", "\r\n").encode(), {}),
        "title": (b"Report of May\n\n" + plain.encode(), {"skip": 2}),
        "commas": (plain.encode() + b",,,\n , ,,\n", {}),
        "footer": (plain.encode() + b",,,\nTotal rows: 1\n", {}),
        "footers": (plain.encode() + b"(1 row affected),,,\nEnd of report\n", {}),
        "bars": (plain.replace(",", "|").encode(), {"delimiter": "|"}),
    }
    for name, (data, settings) in makes.items():
        (tmp_path / "b.csv").write_bytes(data)
        with load_dataset(
            "a", declared(source={"csv": {"file": "b.csv", **settings}}), tmp_path, max_memory_mib=256
        ) as records:
            assert records.connection.execute(query).fetchall() == same, name
            assert bool(records.notes) == (name in {"gzip", "windows", "utf-16", "tabs", "sep", "footer", "footers"}), (
                name,
                records.notes,
            )


def test_several_files_are_one_list_and_each_line_is_told_of_its_file(tmp_path: Path) -> None:
    (tmp_path / "w-1.csv").write_text("id,ssn,dob,name\n1,,1990-01-02,Lee\n", "utf-8")
    (tmp_path / "w-2.csv").write_text("id,ssn,dob,name\n2,,1990-01-03,Ray\nNULL,,,\n", "utf-8")
    config = declared(source={"csv": "w-*.csv"})
    with pytest.raises(TallyError) as caught, load_dataset("a", config, tmp_path, max_memory_mib=256):
        pass
    assert "line 3 of w-2.csv" in caught.value.detail
    (tmp_path / "w-2.csv").write_text("id,ssn,dob,name\n2,,1990-01-03,Ray\n", "utf-8")
    with load_dataset("a", config, tmp_path, max_memory_mib=256) as records:
        assert records.rows == 2
    (tmp_path / "w-2.csv").write_text("id,dob,ssn,name\n2,1990-01-03,,Ray\n", "utf-8")
    with pytest.raises(TallyError) as caught, load_dataset("a", config, tmp_path, max_memory_mib=256):
        pass
    assert "w-2.csv has not the header of w-1.csv" in caught.value.message


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"PK\x03\x04 and more", "spreadsheet"), (b"PAR1 and more", "Parquet"), (b"SQLite format 3\x00 and more", "SQLite"),
        (b"%PDF-1.7", "PDF"), (b"\x1f\x8b\x08\x00 broken", "damaged"), (b"id,a\n1,\x81\n", "not UTF-8"), (b"id,a\n1\n", "line 2 has 1 field"),
        (b'id,a\n1,"x\n', "not well-formed"), (b"a," * 4200 + b"id\n", "4,201 columns"),
    ],
)  # fmt: skip
def test_the_cause_of_an_unreadable_file_is_told(tmp_path: Path, data: bytes, words: str) -> None:
    (tmp_path / "a.csv").write_bytes(data)
    with pytest.raises(TallyError) as caught, load_dataset("a", declared(identifiers={}), tmp_path, max_memory_mib=256):
        pass
    assert (caught.value.code, words in caught.value.message) == ("file-format", True), caught.value.message


def test_whole_names_are_taken_apart_or_told(tmp_path: Path) -> None:
    names = {"first_name": "first", "middle_name": "mid", "last_name": "last"}
    query = 'SELECT "@first_name", "@middle_name", "@last_name" FROM records ORDER BY "@person"'
    text = 'id,first,mid,last\n1,,,"Falkner, Ilse M"\n2,,,"Diallo, Omar"\n3,,,"Smith, Jr"\n4,,,"de la Cruz, Ana"\n5,,,"O\'Neil, Pat"\n'
    assert rows_of(tmp_path, text, query, identifiers=names) == [
        ("Ilse", "M", "Falkner"), ("Omar", None, "Diallo"), (None, None, "Smith, Jr"), ("Ana", None, "de la Cruz"), ("Pat", None, "O'Neil"),
    ]  # fmt: skip
    both = {"first_name": "name", "last_name": "name"}
    query = 'SELECT "@first_name", "@last_name" FROM records ORDER BY "@person"'
    assert rows_of(tmp_path, "id,name\n1,Ilse Falkner\n2,Omar B. Diallo\n", query, identifiers=both) == [
        ("Ilse", "Falkner"), ("Omar B.", "Diallo"),
    ]  # fmt: skip
    (tmp_path / "a.csv").write_text("id,last\n1,Ilse Falkner\n2,Omar Diallo\n", "utf-8")
    with load_dataset("a", declared(identifiers={"last_name": "last"}), tmp_path, max_memory_mib=256) as records:
        assert ["seems to hold whole names" in note for note in records.notes] == [True]
