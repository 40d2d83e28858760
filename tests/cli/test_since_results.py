"""What a reader gets of rows by the time since an event: tables that add up nothing over periods, files, a frame and a plot."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as parquet
import pytest
from click.testing import CliRunner

from tallystick.client.annex.charting import list_charts
from tallystick.client.answer import Answer, build_answer
from tallystick.client.cli import _tables, tally
from tallystick.client.export import export
from tallystick.client.plots import draw
from tallystick.client.results import Result as Held
from tallystick.client.results import build_display
from tallystick.client.sentences import notes, question_sentence
from tallystick.client.shares import find_shares
from tallystick.core import terminal
from tallystick.core.decimals import exact
from tallystick.core.documents import SignedDocument, sign_document
from tallystick.core.linkage.quality.intervals import wilson
from tallystick.core.released import Released, document_json
from tests.governance import agreement, agreement_value, identity, job, question, signed_agreement

SINCE = "quarters since tanf.exit_quarter"
MEAN = "mean(wages.wage)"
COUNTED = "count(wages.wage)"


def held(periods: list[Any], by: tuple[str, ...] = ("wages.present",)) -> tuple[SignedDocument, dict[str, Any]]:
    """Give a released result: 30 people, of whom 20 or 18 have a row in a period; of the last period the latter are hidden."""
    value = agreement_value()
    value["datasets"]["tanf"]["columns"]["exit_quarter"] = {"type": "quarter", "min": "2024-Q1", "max": "2025-Q1"}
    value["datasets"]["wages"]["columns"]["quarter"] = {"type": "quarter", "min": "2023-Q4", "max": "2025-Q4"}
    terms = agreement(datasets=value["datasets"])
    people = {"tanf": {"agency": "human-services", "dataset": "tanf"}, "wages": {"agency": "labor", "dataset": "wages"}}
    since = {"event": "tanf.exit_quarter", "of": "wages.quarter", "periods": periods}
    made = job(terms, question(people=people, by=list(by), measures=["count", {"mean": "wages.wage"}], since=since))
    labels = [one if isinstance(one, int) else f"{one[0]} to {one[1]}" for one in periods]
    labels = [str(one) for one in labels] if any(isinstance(one, str) for one in labels) else labels
    rows: list[dict[str, Any]] = []
    for label in labels:
        for there, count in ((True, 20), (False, 10)) if by else ((None, 30),):
            row = {"period": label} | ({"wages.present": there} if by else {})
            numbers = {"count": count, MEAN: 812.5 if there is not False else None, COUNTED: 20 if there is not False else 0}
            rows.append(row | numbers | {"suppressed": None})
    if by:
        rows[-1] |= {"count": None, MEAN: None, COUNTED: None, "suppressed": "complementary"}
    value = {
        "job": made.digest(), "attempt": 1, "desk": "human-services", "status": "released", "released": "2026-06-02T10:00:00Z",
        "columns": ["period", *by, "count", MEAN, COUNTED, "suppressed"], "rows": exact(rows),
        "linkage": exact({"people": {"tanf": None, "wages": None}, "usable": {"tanf": None, "wages": None}, "matched": None, "passes": []}),
        "disclosure": {"min_cell": 11, "profile": "cms", "rows_hidden": {"complementary": 1}},
        "leakage": {"analyst": ["the released cells"], "coordinator": ["tags"]}, "timing": {},
        "document": document_json(sign_document("job", made, "ana", identity("ana"))),
        "agreement": document_json(signed_agreement(terms)), "approvals": [], "shares": {},
    }  # fmt: skip
    document = sign_document("result", Released.read(value, what="result"), "human-services", identity("human-services"))
    return document, build_display(document)


def answer(periods: list[Any], by: tuple[str, ...] = ("wages.present",)) -> Answer:
    return build_answer(*held(periods, by))


def show(tmp_path: Path, periods: list[Any], by: tuple[str, ...] = ("wages.present",)) -> str:
    document, value = held(periods, by)
    path = tmp_path / "r.json"
    path.write_bytes(Held(document, value, ()).encode())
    done = CliRunner().invoke(tally, ["result", "show", str(path)])
    assert done.exit_code == 0, done.output
    return done.output


def words_of(output: str, start: str, lines: int) -> list[list[str]]:
    found = output.splitlines()
    at = next(place for place, line in enumerate(found) if line.startswith(start))
    return [line.split() for line in found[at : at + lines]]


def test_a_table_adds_up_the_people_of_a_period_and_nothing_over_periods(tmp_path: Path) -> None:
    output = show(tmp_path, [1, 2])
    assert words_of(output, "wages.present", 4) == [
        ["wages.present", "1", "2"],
        ["true", "20", "20"],
        ["false", "10", "hidden", "c"],
        ["(all)", "30"],  # of the second period one row is hidden
    ]
    told = output.replace("\n  ", " ")
    assert (
        "quarters since tanf.exit_quarter: counted in every period are the same people whose tanf.exit_quarter is from 2024-Q1"
        in told
    )
    assert "to 2025-Q1: of these wages.quarter is held in every period" in told
    assert "linkage: how many people tanf has, and how many of them are in wages, is hidden" in told


def test_a_list_of_periods_has_no_sum(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    output = show(tmp_path, [1, 2], by=())
    assert words_of(output, "quarters since", 3) == [
        ["quarters", "since", "tanf.exit_quarter", "count", "mean(wages.wage)", COUNTED],
        ["1", "30", "812.50", "20"],
        ["2", "30", "812.50", "20"],
    ]
    assert "(all)" not in output
    for module in (terminal, _tables):
        monkeypatch.setattr(module, "table_width", lambda: 30)
    assert "(all)" not in show(tmp_path, [1, 2])


def test_the_question_names_the_time_since_the_event() -> None:
    made = answer([-1, 2])
    assert made.by == ("quarters since tanf.exit_quarter", "wages.present")
    assert "by quarters since tanf.exit_quarter and wages.present?" in question_sentence(made)
    assert notes(made)[0].startswith("quarters since tanf.exit_quarter: counted in every period are the same people")


@pytest.mark.parametrize(("periods", "levels"), [([-1, 2], [-1, -1, 2, 2]), ([0, [1, 4]], ["0", "0", "1 to 4", "1 to 4"])])
def test_files_and_frames_have_one_column_of_periods_of_one_type(tmp_path: Path, periods: list[Any], levels: list[Any]) -> None:
    document, value = held(periods)
    made = build_answer(document, value)
    export(made, tmp_path / "r.parquet")
    assert parquet.read_table(tmp_path / "r.parquet").column("period").to_pylist() == levels
    export(made, tmp_path / "r.jsonl")
    assert [json.loads(line)["period"] for line in (tmp_path / "r.jsonl").read_text().splitlines()] == levels
    assert Held(document, value, ()).to_pandas()["period"].tolist() == levels


def test_a_plot_has_periods_on_one_axis() -> None:
    picture = draw(answer([1, 2]), "svg").decode()
    assert "quarters since tanf.exit_quarter" in picture
    assert "quarters since tanf.exit_quarter" in draw(answer([1, 2], by=()), "svg", measure=MEAN).decode()


def test_shares_of_each_period_are_worked_out_and_hidden_where_a_part_is(tmp_path: Path) -> None:
    document, value = held([2, 4])
    shares = find_shares(build_answer(document, value))
    assert shares is not None
    assert (shares.of, shares.found, shares.by, shares.reported) == (
        "tanf",
        "wages",
        ("quarters since tanf.exit_quarter",),
        False,
    )
    shown, hidden = shares.rows
    assert (shown.levels, shown.cell.text, shown.part, shown.whole) == (("2",), "66.7% (20 of 30)", "20", "30")
    assert shown.cell.interval == wilson(20, 30)
    assert (hidden.levels, hidden.cell.value, hidden.cell.hidden) == (("4",), None, "complementary")
    assert shares.overall == ()
    output = show(tmp_path, [2, 4])
    assert words_of(output, "quarters since tanf.exit_quarter  found", 3) == [
        ["quarters", "since", "tanf.exit_quarter", "found", "in", "wages", "of", "tanf", "share", "(95%", "interval)"],
        ["2", "20", "30", "66.7%", "(48.8%", "to", "80.8%)"],
        ["4", "20", "(hidden)", "(hidden)"],
    ]
    picture = draw(build_answer(document, value), "svg", measure="share").decode()
    assert "66.7% (20 of 30)" in picture
    assert "hidden c" in picture


def test_a_period_without_hidden_parts_has_a_share_of_everybody_and_bars_in_groups() -> None:
    by = ("tanf.region", "wages.present")
    document, value = held([2, 4], by=("wages.present",))
    rows = [row | {"tanf.region": region} for row in value["rows"] for region in ("north", "south")]
    made = build_answer(document, {**value, "columns": ["period", *by, *value["columns"][2:]], "rows": rows})
    shares = find_shares(made)
    assert shares is not None
    assert [(one.levels, one.cell.text) for one in shares.overall] == [(("2", "(all)"), "66.7% (40 of 60)")]
    picture = draw(made, "svg", measure="share").decode()
    for words in (
        "north",
        "south",
        "(all)",
        "66.7% (40 of 60)",
        "hidden c",
        "share of tanf found in wages, with 95% intervals",
    ):
        assert words in picture, words
    (page,) = [one for one in list_charts(made) if one.name == "shares"]
    assert [(bar.group, bar.label, bar.hidden) for bar in page.bars][:3] == [
        (f"2 {SINCE}", "north", False),
        (f"2 {SINCE}", "south", False),
        (f"4 {SINCE}", "north", True),
    ]
    means = next(one for one in list_charts(made) if "wages.wage" in one.title)
    assert [bar.text for bar in means.bars][:2] == ["812.50", "812.50"]  # of those who have a row; nobody else has a mean
    assert "People" not in {one.title.partition(",")[0] for one in list_charts(made)}
    assert page.bars[0].low < (page.bars[0].value or 0) < page.bars[0].high


def test_shares_of_nobody_and_of_all_are_drawn_with_their_intervals() -> None:
    """Wilson's ends of 0 and 1 are these, but for a rounding, which no plot may stumble over."""
    document, value = held([2, 4])
    rows = [
        row | {"count": (13 if row["wages.present"] == (row["period"] == 2) else 0), "suppressed": None}
        for row in value["rows"]
    ]
    made = build_answer(document, {**value, "rows": rows})
    picture = draw(made, "svg", measure="share").decode()
    assert "100.0% (13 of 13)" in picture
    assert "0.0% (0 of 13)" in picture
    by = ("tanf.region", "wages.present")
    regions = [row | {"tanf.region": region} for row in rows for region in ("north", "south")]
    grouped = build_answer(document, {**value, "columns": ["period", *by, *value["columns"][2:]], "rows": regions})
    assert "100.0% (26 of 26)" in draw(grouped, "svg", measure="share").decode()
