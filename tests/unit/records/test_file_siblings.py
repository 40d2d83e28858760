"""Files as agencies have them: of each kind that cases are of (tests/cases), more of the same kind."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import pytest

from tallystick.core.agreement.declaration import DeclaredDataset
from tallystick.core.errors import TallyError
from tallystick.records.reading import Records, load_dataset
from tallystick.records.usable import count_fields, sentence
from tests.sources import Xlsx

HEAD = "id,ssn,name\n"
ROWS = "a1,223456781,Falkner\na2,223456782,Muñoz\n"
SAME = [("a1", "Falkner", "223456781"), ("a2", "Muñoz", "223456782")]


def read(
    folder: Path, data: bytes | str, *, settings: dict[str, Any] | None = None, **change: Any
) -> tuple[Any, tuple[str, ...], list[str]]:
    """Give the rows, what is told of the file, and what of its identifiers."""
    (folder / "a.csv").write_bytes(data.encode() if isinstance(data, str) else data)
    value = {"source": {"csv": {"file": "a.csv", **(settings or {})}}, "person": "id", "identifiers": {"ssn": "ssn", "last_name": "name"},
             "columns": {}, **change}  # fmt: skip
    with load_dataset("a", DeclaredDataset.read(value, what="a"), folder, max_memory_mib=256) as records:
        names = tuple(records.config.identifiers)
        told = [sentence(name, one) for name, one in count_fields(records.connection, names, records.places).items()]
        return _rows(records), records.told, [one for one in told if one]


def _rows(records: Records) -> Any:
    columns = ", ".join(['"@person"', *(f'"@{name}"' for name in sorted(records.config.identifiers)), *records.columns])
    return records.connection.execute(f"SELECT {columns} FROM records ORDER BY 1").fetchall()


def fault(folder: Path, data: bytes | str, **change: Any) -> TallyError:
    with pytest.raises(TallyError) as caught:
        read(folder, data, **change)
    assert "223456781" not in str(caught.value) + caught.value.detail
    return caught.value


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ("\n" + HEAD + ROWS, "a line before the header"),
        ("Clients of May\nrun 2024-01-01\n\n" + HEAD + ROWS, "3 lines before the header"),
        ("Clients of May\n\n" + (HEAD + ROWS).replace(",", ";"), "separated by semicolons"),
        ("Clients of May,,\n,,\n" + HEAD + ROWS, "2 lines before the header"),
        ('id , ssn ,"name"\n' + ROWS, ""),
        (b"\xef\xbb\xbf\xef\xbb\xbf" + (HEAD + ROWS).encode(), ""),
        ((HEAD + ROWS).encode("utf-16-be"), "UTF-16"),
        ((HEAD + ROWS).replace(",", "~"), "tildes"),
        ((HEAD + ROWS).replace(",", "^"), "carets"),
        (HEAD + ROWS.replace("\n", "\r\n", 1), ""),
        (HEAD.replace("\n", "\r") + ROWS, ""),
        ((HEAD + ROWS).replace("\n", ",\n"), ""),
        (HEAD + ROWS.replace("\n", ",,\n"), ""),
        ((HEAD + ROWS) + "\x1a", "footer"),
        ((HEAD + ROWS) + "\n\nConfidential - do not distribute\n", "footer"),
        ((HEAD + ROWS) + "EOF\n", "footer"),
        (HEAD + "--,---,----\n" + ROWS + "(2 rows affected)\n", "a line of dashes under the header"),
        (("id,ssn,name\n--,---,----\n" + ROWS).replace(",", "|") + "(2 rows)\n", "vertical bars"),
        ((HEAD + ROWS).encode() + bytes(3), "footer"),
        ((HEAD + ROWS) + "\ufeff", "footer"),
        (HEAD + "   \n" + ROWS.replace("\n", "\n \n", 1) + "\f", ""),
        ((HEAD + ROWS).encode("utf-32"), "UTF-32"),
        ((HEAD + ROWS) + '\u00a0,,\n"","",""\n , ,\n', ""),
    ],
)  # fmt: skip
def test_what_is_round_the_rows_is_left_out_and_said(tmp_path: Path, data: bytes | str, said: str) -> None:
    rows, notes, _ = read(tmp_path, data)
    assert rows == SAME
    assert said in " ".join(notes)
    assert bool(said) == bool(notes)


def test_a_first_row_with_one_value_is_no_title_where_nothing_like_a_header_follows(tmp_path: Path) -> None:
    assert fault(tmp_path, "Clients\n1,2,3\n4,5,6\n").code == "source-columns"
    assert fault(tmp_path, "Clients\n" + HEAD + "a1,223456781\na2,1,2\n").code in {"source-columns", "file-format"}


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ("<html><table><tr><td>id</td></tr></table></html>", "HTML"), ("<!DOCTYPE html><p>", "HTML"), ("\n <?xml version='1.0'?><a/>", "XML"),
        ('[{"id": 1}]', "JSON"), ('{"id": 1}\n{"id": 2}\n', "JSON"), ("$FL2@(#) SPSS DATA FILE", "SPSS"), ("<stata_dta><header>", "Stata"),
        (b"Obj\x01avro", "Avro"), (b"ARROW1\0\0", "Arrow"), (b"7z\xbc\xaf\x27\x1c", "7-Zip"), ("-----BEGIN PGP MESSAGE-----", "encrypted"),
        (b"PK\x05\x06" + bytes(18), "empty zip"),
    ],
)  # fmt: skip
def test_what_is_no_csv_is_called_by_its_name(tmp_path: Path, data: bytes | str, words: str) -> None:
    error = fault(tmp_path, data)
    assert (error.code, words in error.message) == ("file-format", True), error.message


def test_what_a_compressed_file_holds_is_called_by_its_name(tmp_path: Path) -> None:
    for inner, words in (
        (gzip.compress((HEAD + ROWS).encode()), "compressed with gzip again"),
        (b'[{"id": 1}]', "JSON"),
        (b"PAR1", "Parquet"),
    ):
        error = fault(tmp_path, gzip.compress(inner))
        assert (error.code, words in error.message, "behind its compression" in error.message) == ("file-format", True, True)


def test_names_that_differ_in_little_are_told(tmp_path: Path) -> None:
    error = fault(
        tmp_path,
        HEAD.replace("ssn", "SSN").replace("name", "Last Name") + ROWS,
        identifiers={"ssn": "ssn", "last_name": "last_name"},
    )
    assert "SSN (ssn?)" in error.detail
    assert "Last Name (last_name?)" in error.detail
    assert "no separator was found" in fault(tmp_path, "id   ssn       name\na1   2  Falkner\n").hint


KEYS = ("N/A", "-", "none", "#N/A", "nan", "-1", "xxx", "?", "TBD", "00000", "(blank)", "[NULL]", "<NA>", "0.0", "999999999", "1.23457E+11",
        "1E+10", "test", "na", "Total", "\\N", "id", "ID")  # fmt: skip


@pytest.mark.parametrize("key", KEYS)
def test_s10_keys_that_say_nothing_never_merge_people(tmp_path: Path, key: str) -> None:
    rows = "".join(f"{key},22345678{at},F\n" for at in range(1, 4)) + "a3,223456786,G\na4,223456787,H\n"
    error = fault(tmp_path, HEAD + rows)
    assert (error.code, "3 of 5 rows" in error.detail, "line 2" in error.detail) == ("source-types", True, True)


def test_a_header_that_comes_again_is_told_by_its_line(tmp_path: Path) -> None:
    assert "the first in line 4" in fault(tmp_path, HEAD + ROWS + HEAD + ROWS.replace("a", "b")).detail


@pytest.mark.parametrize(
    ("entry", "bad", "fix"),
    [
        ({"type": "integer"}, "1.25", "type: decimal, scale: 2"), ({"type": "decimal", "scale": 2}, "1.255", "type: decimal, scale: 3"),
        ({"type": "decimal", "scale": 2}, "1,25", "decimal: ','"), ({"type": "integer"}, "1.5E+03", "rounded"),
        ({"type": "integer"}, "SEVEN", "missing: [WORD]"), ({"type": "date"}, "123190", "format: MMDDYY"),
        ({"type": "date"}, "1/2/05", "pivot: 30"), ({"type": "date"}, "02/30/1990", "no days of the calendar"),
        ({"type": "date"}, "1990", "a year alone"), ({"type": "date"}, "soon", "missing: [WORD]"),
    ],
)  # fmt: skip
def test_s10_the_smallest_change_that_would_pass_is_said_to_the_agency_alone(
    tmp_path: Path, entry: dict[str, Any], bad: str, fix: str
) -> None:
    error = fault(tmp_path, f'id,ssn,name,x\na1,,,"{bad}"\n', columns={"x": entry})
    assert fix in error.detail
    assert bad not in error.detail + error.hint + error.message
    assert fix not in error.hint + error.message  # which go to the other parties
    shown: dict[str, str] = {}
    value = {"source": {"csv": "a.csv"}, "person": "id", "identifiers": {}, "columns": {"x": entry}}
    config = DeclaredDataset.read(value, what="a")
    with pytest.raises(TallyError), load_dataset("a", config, tmp_path, max_memory_mib=256, shown=shown):
        pass
    assert shown == {"x": bad}


def births(folder: Path, *written: str, **entry: Any) -> tuple[list[str], str]:
    """Give birth dates as they were read, and all that is told of them."""
    data = "id,dob\n" + "".join(f'{at:03d},"{one}"\n' for at, one in enumerate(written))
    rows, notes, told = read(folder, data, identifiers={"birth_date": {"from": "dob", **entry}})
    return [row[1] for row in rows], " ".join((*notes, *told))


@pytest.mark.parametrize(
    ("written", "days", "said"),
    [
        (("25/12/1990", "03/04/1990"), ["1990-12-25", "1990-04-03"], "day first"),
        (("25.12.1990", "3.4.1990"), ["1990-12-25", "1990-04-03"], "day first"),
        (("25121990", "03041990"), ["1990-12-25", "1990-04-03"], "day first"),
        (("12251990", "3041990"), ["1990-12-25", "1990-03-04"], "month first"),
        (("90-03-04", "88-12-31"), ["1990-03-04", "1988-12-31"], "year first"),
        (("1990-25-12", "1990-03-04"), ["1990-12-25", "1990-04-03"], "year, day, month"),
        (("1990/25/12", "1990/03/04"), ["1990-12-25", "1990-04-03"], "year, day, month"),
        (("32936", "40000"), ["1990-03-04", "2009-07-06"], "spreadsheet counted"),
        (("4 de marzo de 1990", "04-ENE-1990", "15 SETIEMBRE 1990"), ["1990-03-04", "1990-01-04", "1990-09-15"], ""),
        (("Sun Mar 04 00:00:00 CST 1990", "March 4th, 1990", "DOB: 03/04/1990", "1.9900304E+07"), ["1990-03-04"] * 4, "month first"),
        (("19900304 000000", "1990年3月4日", "１９９０-０３-０４", "1990-03-04T23:00:00-06:00"), ["1990-03-04"] * 4, ""),  # noqa: RUF001
    ],
)  # fmt: skip
def test_dates_by_what_their_column_says(tmp_path: Path, written: tuple[str, ...], days: list[str], said: str) -> None:
    found, told = births(tmp_path, *written)
    assert found == days
    assert said in told


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("1990", "a year alone is no birth date"), ("030490", "format: MMDDYY"), ("3/4/05", "pivot: 30"), ("1990063", "of the form 9{7}"),
        ("02/30/1990", "no days of the calendar"), ("March 1990", "of the form Aa{4}_9{4}"), ("636508800", "of the form 9{9}"),
    ],
)  # fmt: skip
def test_dates_that_nobody_can_tell_are_counted_with_their_form(tmp_path: Path, written: str, said: str) -> None:
    found, told = births(tmp_path, written, "1990-03-04")
    assert found == [written, "1990-03-04"]
    assert "1 of 2 unread, the first in line 2" in told
    assert said in told
    assert written not in told or written == "1990"


def test_days_that_stand_for_unknown_ones_are_told(tmp_path: Path) -> None:
    plain = [f"19{50 + at % 50}-{2 + at % 11:02d}-{2 + at % 26:02d}" for at in range(60)]
    assert births(tmp_path, *plain)[1] == ""
    assert "8 of 68 are on 1 January" in births(tmp_path, *plain, *(f"19{60 + at}-01-01" for at in range(8)))[1]
    assert "9 of 69 are on the first of a month" in births(tmp_path, *plain, *(f"19{60 + at}-07-01" for at in range(9)))[1]


def test_a_title_over_a_sheet_is_left_out_and_said(tmp_path: Path) -> None:
    case = Xlsx(tmp_path)
    case.write(
        {"Clients of May": "text", "": "text"}, [(None, None), ("id", " dob "), ("a1", "1990-03-04"), ("a2", "1990-03-05")]
    )
    value = {"source": case.declared(), "person": "id", "identifiers": {"birth_date": "dob"}, "columns": {}}
    with load_dataset("a", DeclaredDataset.read(value, what="a"), tmp_path, max_memory_mib=256) as records:
        assert _rows(records) == [("a1", "1990-03-04"), ("a2", "1990-03-05")]
        assert records.told == ("data.xlsx: 2 rows before the header left out, which seem to be a title",)
        assert records.places.of(0) == "row 4"
