"""Results as data frames, Arrow tables, plots and notebook pieces; questions that are made in Python."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest

from tallystick.client.questions import build_question, make_question, read_question
from tallystick.client.results import Result, load_result
from tallystick.core.errors import Invalid, Refused
from tests.cli.test_result_formats import MEAN, SHARE, held
from tests.unit.client.test_results import written
from tests.unit.core.test_results import result as proved

JOBS = Path(__file__).parents[3] / "examples" / "county" / "jobs"


@pytest.fixture(name="result", scope="module")
def held_result() -> Result:
    document, value = held()
    return Result(document, value, ())


def test_a_frame_has_nullable_types_and_categories_in_the_results_order(result: Result) -> None:
    frame = result.to_pandas()
    assert list(frame.columns) == result.columns
    assert {name: str(kind) for name, kind in frame.dtypes.items()} == {
        "tanf.region": "category", "wages.industry": "category", "count": "Int64", MEAN: "Float64",
        "count(wages.earnings)": "Int64", SHARE: "Float64", "count(tanf.employed)": "Int64", "suppressed": "category",
    }  # fmt: skip
    assert list(frame["tanf.region"].cat.categories) == ["north", "south", "east"]
    assert frame.loc[0, MEAN] == 8123.456  # not rounded


def test_the_mask_tells_what_is_hidden_from_what_cannot_be_worked_out(result: Result) -> None:
    frame, mask = result.to_pandas(), result.mark_hidden()
    nobody, late, small = 2, 1, 3
    assert frame[MEAN].isna()[[nobody, late, small]].all()
    assert mask[MEAN].tolist() == [False, True, False, True, True, False, False, False, False]
    assert mask["count"].sum() == 2
    assert frame["count"][nobody] == 0
    assert not (frame["count"].fillna(-1)[mask["count"]] == 0).any()


def test_the_attributes_of_a_frame_say_what_was_asked_and_live_through_a_copy(result: Result) -> None:
    about = result.to_pandas().copy().attrs
    assert json.loads(json.dumps(about)) == about
    assert about["title"] == "Work after TANF"
    assert about["units"] == {MEAN: "USD"}
    assert about["headings"][MEAN] == "mean(Wages of a quarter), USD"
    assert about["hidden"]["count"] == [3, 4]
    assert about["linkage"].startswith("linkage: 865 of 1,930 people of tanf")
    assert result.to_pandas().head(2).attrs == about


def test_an_arrow_table_says_the_same(result: Result) -> None:
    frame, table = result.to_pandas(), result.to_arrow()
    assert table.column_names == result.columns
    assert table.schema.field("count").type == pa.int64()
    assert pa.types.is_dictionary(table.schema.field("tanf.region").type)
    assert table.schema.field(MEAN).metadata[b"unit"] == b"USD"
    assert json.loads(table.schema.metadata[b"tallystick"]) == frame.attrs
    again = table.to_pandas()
    for name in result.columns:
        assert again[name].isna().tolist() == frame[name].isna().tolist(), name
    assert isinstance(again["tanf.region"].dtype, pd.CategoricalDtype)


def test_a_notebook_shows_a_result_and_its_plot(result: Result, tmp_path: Path) -> None:
    assert "<svg" in result._repr_html_()
    picture = result.plot("share")
    assert picture._repr_png_().startswith(b"\x89PNG")
    assert repr(picture) == "<plot of share: Work after TANF>"
    picture.save(tmp_path / "p.svg")
    assert (tmp_path / "p.svg").read_bytes().startswith(b"<?xml")
    assert result.methods().startswith("Data: ")
    with pytest.raises(Invalid, match="no sum"):
        result.plot("sum(x)")._repr_png_()


def test_a_question_in_python_is_the_one_in_a_file() -> None:
    made = build_question(
        "county",
        title="Overlap of TANF and homelessness services, by region",
        purpose="program-evaluation",
        people={
            "tanf": {"agency": "human-services", "dataset": "tanf_exits"},
            "hmis": {"agency": "housing", "dataset": "hmis_entries"},
        },
        keep="tanf and hmis",
        measures=["count"],
        by=("tanf.region",),
    )
    assert made == read_question(JOBS / "overlap.yaml") == make_question(JOBS / "overlap.yaml") == make_question(made)
    assert make_question(made.json_value()) == made


def test_a_question_that_is_none_says_what_a_file_would() -> None:
    with pytest.raises(Invalid, match="purpose") as caught:
        make_question({"agreement": "county", "people": {}, "measures": ["count"]})
    assert caught.value.code == "document-invalid"
    with pytest.raises(Invalid, match="colour"):
        build_question("county", purpose="x", people={"a": {"agency": "b", "dataset": "c"}}, measures=["count"], colour="red")


def test_a_result_file_is_checked_when_it_is_loaded(tmp_path: Path) -> None:
    document = proved()
    path = tmp_path / "r.json"
    from tallystick.client.results import build_display

    path.write_bytes(Result(document, build_display(document), ()).encode())
    loaded = load_result(path)
    assert loaded.rows
    assert all(check.passed for check in loaded.checks)
    with pytest.raises(Refused, match="signature-invalid"):
        load_result(written(tmp_path))
