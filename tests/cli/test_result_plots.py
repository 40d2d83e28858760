"""Plots of a result: what they say, and that what is hidden is drawn as hidden, never as zero."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from dataclasses import replace
from typing import Any

import pytest

from tallystick.client.answer import Answer, AnswerRow, Number, ShownCell
from tallystick.client.overlaps import find_groups
from tallystick.client.plots import draw
from tallystick.client.series import find_periods
from tallystick.core.errors import Invalid
from tallystick.core.measure import Asked
from tests.cli.test_result_formats import BY, LEVELS, MEAN, SMALL, answer, row


def texts(svg: bytes) -> list[str]:
    return [" ".join("".join(one.itertext()).split()) for one in ET.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")]


def test_a_heat_map_draws_hidden_fields_as_hidden() -> None:
    shown = texts(draw(answer(), "svg"))
    for words in ("Work after TANF", "north", "south", "retail", "care", "1,234", "people"):
        assert words in shown, words
    assert shown.count("hidden") == 1
    assert shown.count("hidden c") == 1
    assert shown.count("0") >= 1  # of nobody, which is known
    assert "hatched: hidden in 1 of 9 places, of 1 to 10 people" in shown
    hatched = draw(answer(), "svg").count(b'fill="url(#')
    hatched += len(re.findall(rb"fill: url\(#", draw(answer(), "svg")))
    assert hatched == 2
    means = texts(draw(answer(), "svg", measure=MEAN))
    assert means.count("hidden d") == 1
    assert "8,123.46" in means


def test_bars_draw_a_hidden_one_hatched_and_never_as_zero() -> None:
    rows = [
        {name: one for name, one in row(region, trade).items() if name != "wages.industry"}
        for region, trade in (LEVELS[0], SMALL)
    ]
    picture = draw(answer(by=("tanf.region",), rows=rows), "svg")
    shown = texts(picture)
    assert {"1,234", "hidden"} <= set(shown)
    assert len(re.findall(rb"fill: url\(#", picture)) == 1


def test_shares_have_intervals_and_hidden_groups() -> None:
    shown = texts(draw(answer(), "svg", measure="share"))
    for words in ("25.0% (1,000 of 4,000)", "hidden", "(all)", "44.8%", "share of tanf found in wages, with 95% intervals"):
        assert words in shown, words


def test_a_picture_is_a_picture_and_the_same_again() -> None:
    assert draw(answer(), "png")[:8] == b"\x89PNG\r\n\x1a\n"
    assert draw(answer(), "svg") == draw(answer(), "svg")


def test_what_cannot_be_drawn_is_said() -> None:
    with pytest.raises(Invalid, match="no sum") as caught:
        draw(answer(), "svg", measure="sum(x)")
    assert "count" in caught.value.hint
    assert "share" in caught.value.hint
    with pytest.raises(Invalid, match="1 to 60 bars"):
        draw(answer(by=("tanf.region",), rows=[]), "svg")


def flat(levels: list[tuple[object, ...]], by: tuple[str, ...]) -> list[dict[str, object]]:
    """Give a row for each tuple of levels, the second of them hidden."""
    made = []
    for place, own in enumerate(levels):
        region, trade = SMALL if place == 1 else LEVELS[0]
        made.append(dict(zip(by, own, strict=True)) | {name: one for name, one in row(region, trade).items() if name not in BY})
    return made


def test_periods_are_lines_with_a_gap_and_a_hatched_box_where_one_is_hidden() -> None:
    by = ("tanf.region",)
    picture = draw(answer(by=by, rows=flat([("2024Q3",), ("2024Q4",), ("2025Q1",)], by)), "svg")
    shown = texts(picture)
    assert {"2024Q3", "2024Q4", "2025Q1", "hidden"} <= set(shown)
    assert shown.count("1,234") == 2
    assert len(re.findall(rb"fill: url\(#", picture)) == 1
    assert "0" in shown  # on the axis alone: no point is written as zero
    assert "hatched: hidden in 1 of 3 places, of 1 to 10 people" in shown


def test_periods_by_a_second_column_are_a_line_each() -> None:
    levels: list[tuple[object, ...]] = [
        (region, period) for region in ("north", "south") for period in ("2023", "2024", "2025")
    ]
    picture = draw(answer(by=BY, rows=flat(levels, BY)), "svg", measure=MEAN)
    shown = texts(picture)
    assert {"north", "south", "2023", "2025", "hidden: north"} <= set(shown)
    assert len(re.findall(rb"fill: url\(#", picture)) == 1


def test_two_periods_are_bars() -> None:
    by = ("tanf.region",)
    assert "hidden" in texts(draw(answer(by=by, rows=flat([("2024Q3",), ("2024Q4",)], by)), "svg"))
    assert find_periods(answer(by=by, rows=flat([("2024Q3",), ("2024Q4",)], by))) is None
    assert find_periods(answer(by=by, rows=flat([("2024Q3",), ("2024Q4",), ("other",)], by))) is None


def test_groups_that_people_are_in_are_an_upset_plot() -> None:
    by = ("tanf.present", "wages.present")
    made = answer(by=by, rows=flat([(True, True), (True, False), (False, True)], by))
    assert find_groups(made) == ["tanf", "wages"]
    picture = draw(made, "svg")
    shown = texts(picture)
    assert {"tanf", "wages", "hidden", "people"} <= set(shown)
    assert shown.count("1,234") == 2
    assert len(re.findall(rb"fill: url\(#", picture)) == 1
    assert find_groups(answer()) is None


def of_measure(asked: Asked, details: dict[str, dict[str, Any] | None]) -> Answer:
    """Give a result of one measure by region: its details, or None for a hidden row."""
    cells = {
        name: ShownCell("hidden", None, "small-cell") if told is None else ShownCell("0.5", 0.5, detail=told)
        for name, told in details.items()
    }
    rows = tuple(AnswerRow((name,), {"count": ShownCell("100", 100), "m": cell}) for name, cell in cells.items())
    numbers = (Number("count", "count", None), Number("m", "m", asked))
    return replace(answer(), by=("tanf.region",), numbers=numbers, rows=rows)


def test_survival_is_a_curve_with_people_at_risk_and_a_hidden_row_is_named() -> None:
    curve = [
        {"by": 6, "at_risk": 1100, "events": 220, "survival": 0.8, "low": 0.77, "high": 0.82},
        {"by": 12, "at_risk": 700, "events": 350, "survival": 0.4, "low": 0.37, "high": 0.43},
    ]
    asked = Asked("survival", ("tanf.months", "wages.came"), (("at", ("6", "12")),))
    picture = draw(of_measure(asked, {"north": {"curve": curve}, "south": None}), "svg", measure="m")
    shown = texts(picture)
    assert {"north", "south: hidden", "1,100", "700", "people at risk", "6", "12", "80.0%"} <= set(shown)
    assert shown.count("hidden") == 1


def test_regression_is_its_coefficients_with_intervals_and_without_the_constant() -> None:
    told = {"estimate": 1.5, "se": 0.25, "t": 6.0, "p": 0.0001, "low": 1.0, "high": 2.0}
    detail = {"n": 900, "coefficients": {"(constant)": told, "tanf.age": told, "tanf.visits": {**told, "p": 0.25}}}
    asked = Asked("regression", ("wages.wage", "tanf.age", "tanf.visits"))
    shown = texts(draw(of_measure(asked, {"north": detail, "south": None}), "svg", measure="m"))
    assert {"tanf.age", "tanf.visits", "1.5 (1 to 2), p < 0.001", "1.5 (1 to 2), p = 0.250"} <= set(shown)
    assert "(constant)" not in shown
    assert shown.count("south: hidden") == 2
    assert any("robust" in one for one in texts(draw(of_measure(asked, {"north": add_robust(detail)}), "svg", measure="m")))


def add_robust(detail: dict[str, Any]) -> dict[str, Any]:
    return {
        **detail,
        "coefficients": {
            name: {**one, **{f"robust_{key}": value for key, value in one.items()}}
            for name, one in detail["coefficients"].items()
        },
    }


def test_a_histogram_is_its_bands_beside_each_other() -> None:
    bands = [{"from": None, "to": 10, "count": 40}, {"from": 10, "to": None, "count": 60}]
    asked = Asked("histogram", ("wages.wage",), (("at", ("10",)),))
    shown = texts(draw(of_measure(asked, {"north": {"bands": bands}, "south": None}), "svg", measure="m"))
    assert {"north", "south", "40", "60", "people by wages.wage"} <= set(shown)
    assert shown.count("hidden") == 2


def test_too_many_rows_for_curves_are_said() -> None:
    asked = Asked("survival", ("tanf.months", "wages.came"), (("at", ("6",)),))
    curve = {"curve": [{"by": 6, "at_risk": 100, "events": 50, "survival": 0.5}]}
    with pytest.raises(Invalid, match="at most 7 rows, not 8"):
        draw(of_measure(asked, dict.fromkeys("abcdefgh", curve)), "svg", measure="m")
