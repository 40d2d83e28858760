"""Plots of a result: what they say, and that what is hidden is drawn as hidden, never as zero."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

import pytest

from tallystick.client.overlaps import find_groups
from tallystick.client.plots import draw
from tallystick.client.series import find_periods
from tallystick.core.errors import Invalid
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
