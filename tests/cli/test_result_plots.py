"""Plots of a result: what they say, and that what is hidden is drawn as hidden, never as zero."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

import pytest

from tallystick.client.plots import draw
from tallystick.core.errors import Invalid
from tests.cli.test_result_formats import LEVELS, MEAN, SMALL, answer, row


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
