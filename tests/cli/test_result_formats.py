"""What a reader gets of a result: a table, a sentence, a file for another program, a plot; and what is hidden is hidden in all of them."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as parquet
import pytest
from click.testing import CliRunner

from tallystick.client.answer import Answer, build_answer
from tallystick.client.cli import _tables, tally
from tallystick.client.export import FORMATS, export
from tallystick.client.results import Result as Held
from tallystick.client.results import build_display
from tallystick.client.sentences import leakage_sentence, linkage_sentence, methods_paragraph, question_sentence
from tallystick.core import terminal
from tallystick.core.decimals import exact
from tallystick.core.documents import sign_document
from tallystick.core.released import Released, document_json
from tests.governance import agreement, agreement_value, identity, job, question, signed_agreement

MEAN = "mean(wages.earnings)"
SHARE = "mean(tanf.employed)"
NUMBERS = ("count", MEAN, "count(wages.earnings)", SHARE, "count(tanf.employed)")
BY = ("tanf.region", "wages.industry")
LEVELS = [(region, trade) for region in ("north", "south", "east") for trade in ("retail", "care", None)]
SMALL = ("south", "retail")
COMPLEMENT = ("south", "care")
NOBODY = ("north", None)
LATE = "difference"
"""North, care: its mean alone is hidden."""


def pact() -> dict[str, Any]:
    value = agreement_value(approvers={}, stewards={})
    value["datasets"]["wages"]["columns"]["wage"] |= {"label": "Wages of a quarter", "unit": "USD"}
    value["datasets"]["wages"]["columns"]["industry"]["label"] = "Industry"
    return value


def row(region: str, trade: str | None) -> dict[str, Any]:
    key = (region, trade)
    made: dict[str, Any] = {"tanf.region": region, "wages.industry": trade}
    if key in (SMALL, COMPLEMENT):
        return made | dict.fromkeys(NUMBERS) | {"suppressed": "small-cell" if key == SMALL else "complementary"}
    numbers = (0, None, 0, None, 0) if key == NOBODY else (1234, 8123.456, 1200, 0.25, 1000)
    made |= dict(zip(NUMBERS, numbers, strict=True)) | {"suppressed": None}
    return made | ({MEAN: None, "hidden": [MEAN], "suppressed": LATE} if key == ("north", "care") else {})


def rates() -> dict[str, Any]:
    groups = [
        {"tanf.region": "north", "people": 4000, "matched": 1000, "rate": {"value": 0.25, "low": 0.23, "high": 0.27}},
        {"tanf.region": "south", "people": 15, "matched": None, "rate": None},
    ]
    overall = {"tanf": {"value": 0.448, "low": 0.42, "high": 0.47}, "wages": {"value": 0.1, "low": 0.09, "high": 0.11}}
    return {"by": ["tanf.region"], "groups": groups, "overall": overall}


def answer(by: tuple[str, ...] = BY, rows: list[dict[str, Any]] | None = None, **changes: Any) -> Answer:
    return build_answer(*held(by, rows, **changes))


def held(by: tuple[str, ...] = BY, rows: list[dict[str, Any]] | None = None, **changes: Any) -> tuple[Any, dict[str, Any]]:
    terms = agreement(**pact())
    measures = ["count", {"mean": "wages.earnings"}, {"mean": "tanf.employed"}]
    made = job(terms, question(by=list(by), measures=measures, title="Work after TANF"))
    value = {
        "job": made.digest(),
        "attempt": 1,
        "desk": "human-services",
        "status": "released",
        "released": "2026-06-02T10:00:00Z",
        "columns": [*by, *NUMBERS, "suppressed"],
        "rows": exact([row(*key) for key in LEVELS] if rows is None else rows),
        "linkage": exact({
            "people": {"tanf": 1930, "wages": 9000}, "usable": {"tanf": 1900, "wages": 9000}, "matched": 865, "rates": rates(),
            "passes": [{"pass": "ssn+birth_date", "tokens": {"tanf": 1900, "wages": 9000}, "matches": 865}],
            "blur": {"decoys": 0, "standard_deviation": 0}, "quality": {"precision": {"value": 0.99, "low": 0.98, "high": 1.0}, "recall": None},
        }),
        "disclosure": {"min_cell": 11, "profile": "cms", "rows_hidden": {"small-cell": 1}},
        "leakage": {
            "analyst": ["the released cells"], "coordinator": ["tags"], "labor": ["sizes"],
            "human-services": ["as the desk: every candidate cell, small ones too"], "coordinator + labor": ["more"],
        },
        "timing": {},
        "document": document_json(sign_document("job", made, "ana", identity("ana"))),
        "agreement": document_json(signed_agreement(terms)),
        "approvals": [],
        "shares": {},
    } | changes  # fmt: skip
    document = sign_document("result", Released.read(value, what="result"), "human-services", identity("human-services"))
    return document, build_display(document)


@pytest.fixture(name="file")
def result_file(tmp_path: Path) -> Path:
    path = tmp_path / "r.json"
    document, value = held()
    path.write_bytes(Held(document, value, ()).encode())
    return path


def run(*arguments: str | Path) -> str:
    done = CliRunner().invoke(tally, ["result", *map(str, arguments)])
    assert done.exit_code == 0, done.output
    return done.output


def lines_of(output: str, start: str) -> list[list[str]]:
    """Give the words of the lines from one that begins so to the next empty one."""
    lines = output.splitlines()
    at = next(place for place, line in enumerate(lines) if line.startswith(start))
    end = next((place for place in range(at, len(lines)) if not lines[place].strip()), len(lines))
    return [line.split() for line in lines[at:end]]


def test_two_columns_are_crossed_and_what_is_hidden_says_why(file: Path) -> None:
    output = run("show", file)
    count, care, none, total = lines_of(output, "Industry")[1:5]
    assert count == ["retail", "1,234", "hidden", "1,234"]  # no total over what is hidden
    assert care == ["care", "1,234", "hidden", "c", "1,234"]
    assert none == ["(value", "missing)", "0", "1,234", "1,234", "2,468"]
    assert total == ["(all)", "2,468", "3,702"]  # north and east; of south something is hidden
    tables = output.split("\nIndustry")
    assert "mean(Wages of a quarter), USD" in tables[1]
    assert [line.split() for line in tables[2].splitlines()[1:4]] == [
        ["retail", "8,123.46", "hidden", "8,123.46"],
        ["care", "hidden", "d", "hidden", "c", "8,123.46"],
        ["(value", "missing)", "-", "8,123.46", "8,123.46"],
    ]
    assert "25.0% (250 of 1,000)" in tables[3]
    for words in (
        "hidden: in 1 of 9 rows, of 1 to 10 people",
        "hidden c: in 1 of 9 rows, from which others could be worked out",
        "hidden d: in 1 of 9 rows, which would say too much beside earlier results",
        "wages.earnings: sum(wage) of each person's rows in wages, Wages of a quarter, in USD",
        "linkage: 865 of 1,930 people of tanf were found in wages: 44.8% (95% interval 42.0% to 47.0%)",
        "leakage: what coordinator, human-services and labor learned is listed by --leakage; human-services, the desk, saw small cells too",
    ):
        assert words in output.replace("\n  ", " "), words
    assert "linkage pass" not in output
    assert "linkage pass" in run("show", file, "--linkage")
    assert "coordinator + labor" in run("show", file, "--leakage")


def test_rates_stand_with_their_parts_and_hidden_ones_are_hidden(file: Path) -> None:
    table = lines_of(run("show", file), "tanf.region  found in wages")
    assert table[1] == ["north", "1,000", "4,000", "25.0%", "(23.0%", "to", "27.0%)"]
    assert table[2] == ["south", "(hidden)", "15", "(hidden)"]


def test_the_question_is_a_sentence() -> None:
    assert question_sentence(answer()) == (
        "How many people are in tanf, found in wages or not, and what is the mean of wages.earnings (USD) and the share with tanf.employed, "
        "by tanf.region and Industry? tanf is tanf of human-services with exit_quarter = '2025Q1' and age >= 18; "
        "wages is wages of labor with quarter = '2025Q2'."
    )


@pytest.mark.parametrize("columns", [60, 80, 120])
def test_every_width_is_kept(columns: int, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (terminal, _tables):
        monkeypatch.setattr(module, "table_width", lambda: columns)
    wide = [line for line in run("show", file).splitlines() if len(line.rstrip()) > columns]
    assert wide == []


def test_a_terminal_too_narrow_for_a_cross_gets_a_list(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (terminal, _tables):
        monkeypatch.setattr(module, "table_width", lambda: 30)
    assert "tanf.region" in run("show", file).split("Industry")[0].splitlines()[-1]


@pytest.mark.parametrize("keep", ["tanf and wages", "tanf or wages", "wages and not tanf"])
def test_a_formula_stands_in_the_sentence(keep: str) -> None:
    made = answer()
    asked = made.question.model_copy(update={"keep": keep})
    said = question_sentence(replace(made, job=made.job.model_copy(update={"question": asked})))
    assert said.startswith(f"How many people are in {keep}, and what is")


def test_a_table_of_hidden_shares_is_left_out(tmp_path: Path) -> None:
    hidden = {
        "by": ["tanf.region"],
        "groups": [{"tanf.region": "north", "people": None, "matched": None, "rate": None}],
        "overall": {},
    }
    linkage = {"people": {"tanf": None, "wages": 9}, "matched": None, "rates": hidden}
    document, value = held(linkage=linkage)
    path = tmp_path / "r.json"
    path.write_bytes(Held(document, value, ()).encode())
    output = run("show", path)
    assert "share (95% interval)" not in output
    assert "linkage: how many people tanf has, and how many of them are in wages, is hidden" in output


def test_three_columns_and_none_are_lists() -> None:
    printed = answer(by=(), rows=[row("north", "retail") | {}])
    assert [one.levels for one in printed.rows] == [()]
    assert printed.rows[0].cells["count"].text == "1,234"


def test_a_person_who_is_not_there_reads_otherwise_than_a_value_that_is_missing() -> None:
    columns = ["wages.industry", "wages.present", "count", "suppressed"]
    rows = [{"wages.industry": None, "wages.present": present, "count": 20, "suppressed": None} for present in (True, False)]
    made = answer(by=("wages.industry",), rows=rows, columns=columns)
    assert [one.levels for one in made.rows] == [("(value missing)",), ("(no such person)",)]
    assert made.by == ("Industry",)


def test_every_format_has_the_same_rows_and_no_hidden_number(tmp_path: Path) -> None:
    made = answer()
    for ending in FORMATS:
        export(made, tmp_path / f"r{ending}")
    text = (tmp_path / "r.csv").read_text(encoding="utf-8")
    read = list(csv.DictReader(io.StringIO(text)))
    assert [one["count"] for one in read] == ["1234", "1234", "0", "", "", "1234", "1234", "1234", "1234"]
    assert read[3]["hidden"].split("; ")[0] == "count"
    assert (read[3]["hidden_because"], read[4]["hidden_because"], read[1]["hidden_because"]) == (
        "small-cell",
        "complementary",
        "difference",
    )
    assert read[1]["hidden"] == MEAN
    assert float(read[0][MEAN]) == 8123.456
    objects = [json.loads(line) for line in (tmp_path / "r.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [one["count"] for one in objects] == [1234, 1234, 0, None, None, 1234, 1234, 1234, 1234]
    table = parquet.read_table(tmp_path / "r.parquet")
    assert table.column("count").to_pylist() == [one["count"] for one in objects]
    assert table.column(MEAN).null_count == 4
    assert str(table.schema.field("count").type) == "int64"
    assert table.schema.field(MEAN).metadata[b"unit"] == b"USD"
    assert table.schema.metadata[b"question"].decode() == question_sentence(made)
    marked = (tmp_path / "r.md").read_text(encoding="utf-8")
    assert "| south | retail | hidden | hidden | hidden | hidden | hidden |" in marked
    assert "| south | care | hidden c |" in marked


def test_a_workbook_says_hidden_and_what_was_asked(tmp_path: Path) -> None:
    calamine = pytest.importorskip("python_calamine")
    export(answer(), tmp_path / "r.xlsx")
    book = calamine.CalamineWorkbook.from_path(str(tmp_path / "r.xlsx"))
    rows = book.get_sheet_by_name("result").to_python()
    assert rows[0][:4] == ["tanf.region", "Industry", "count", "mean(Wages of a quarter), USD"]
    assert rows[4][:4] == ["south", "retail", "hidden", "hidden"]
    assert rows[1][2] == 1234
    assert "How many people" in str(book.get_sheet_by_name("about").to_python())


def test_a_level_that_looks_like_a_formula_is_text_in_a_workbook(tmp_path: Path) -> None:
    calamine = pytest.importorskip("python_calamine")
    rows = [row("north", "retail") | {"tanf.region": "=1+1"}]
    export(answer(rows=rows), tmp_path / "r.xlsx")
    assert calamine.CalamineWorkbook.from_path(str(tmp_path / "r.xlsx")).get_sheet_by_name("result").to_python()[1][0] == "=1+1"


@pytest.mark.parametrize("name", ["r", "r.doc", "r.json"])
def test_a_name_that_says_no_format_is_refused(name: str, tmp_path: Path, file: Path) -> None:
    for command in (["export", file], ["plot", file]):
        done = CliRunner().invoke(tally, ["result", *map(str, command), "--out", str(tmp_path / name)])
        assert (done.exit_code, "[file-format]" in done.output) == (1, True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["r.json"]
    assert file.read_bytes()[:1] == b"{"


def test_a_paragraph_on_method_says_what_a_report_must(file: Path) -> None:
    text = methods_paragraph(answer())
    for words in (
        "tanf (tanf of human-services with exit_quarter = '2025Q1' and age >= 18)",
        "released on 2026-06-02",
        "passes, strict to loose: ssn+birth_date",
        "865 of 1,930 people of tanf were found in wages: 44.8%",
        "precision 0.990 (0.980 to 1.000)",
        "counts of 1 to 10 are hidden",
        "hidden in 3 of 9 rows",
        "agreement county, version 2",
        "protocol TS1",
    ):
        assert words in text, words
    assert json.loads(run("methods", file, "--format", "json"))["methods"] == text
    assert "".join(run("methods", file).split()) == "".join(text.split())


def test_lines_say_so_where_numbers_are_hidden_or_many() -> None:
    linkage: dict[str, Any] = {"people": {"tanf": 100, "wages": 50}, "matched": None}
    assert linkage_sentence(answer(linkage=linkage)) == "linkage: 100 people of tanf; how many of them are in wages is hidden"
    pairs: dict[str, Any] = {
        "people": {"a": 1, "b": 2, "c": None},
        "matched": None,
        "pairs": {"a and b": 7},
        "in_groups": {"2": 5},
    }
    said = linkage_sentence(answer(linkage=pairs))
    assert said == "linkage: 1 people of a; 2 people of b; (hidden) people of c; 7 in a and b; 5 in 2 of 3"
    assert leakage_sentence(answer(leakage={})) == "leakage: the result does not say what each party learned"
