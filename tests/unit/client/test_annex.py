"""The page of a result: it stands alone, puts the answer first, says what the result says, and lets no value become markup."""

from __future__ import annotations

from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import pytest

from tallystick.client.annex.charting import list_charts
from tallystick.client.annex.charts import Axis, Bar, build_axis, draw_bars
from tallystick.client.annex.page import annex, summarize
from tallystick.client.answer import Answer
from tallystick.core.decimals import exact
from tallystick.core.results import Check
from tests.cli.test_result_formats import answer, held, row

VOID = {"meta", "line", "rect", "wbr"}
EVIL = '<script>alert("x")</script> & "quoted"'
ONE = ("tanf.region",)


class Page(HTMLParser):
    """Reads a page: its tags in order, its text, and whether every tag that opens is closed in turn."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.open: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if data.strip():
            self.words.append(data)

    def ids(self, tag: str) -> list[str]:
        return [str(given["id"]) for name, given in self.tags if name == tag and "id" in given]


def rate(value: float) -> dict[str, float]:
    return {"value": value, "low": value - 0.02, "high": value + 0.02}


def linkage(**changes: Any) -> dict[str, Any]:
    groups = [
        {"tanf.region": "north", "people": 200, "matched": 150, "rate": rate(0.75)},
        {"tanf.region": EVIL, "people": None, "matched": None, "rate": None},
        {"tanf.region": None, "people": 0, "matched": 0, "rate": None},
    ]
    return {
        "people": {"tanf": 400, "wages": 900},
        "usable": {"tanf": None, "wages": 880},
        "matched": 300,
        "passes": [
            {"pass": "ssn+birth_date", "tokens": {"tanf": 380, "wages": None}, "matches": 260},
            {"pass": "ssn", "tokens": {"tanf": 390, "wages": 880}, "matches": None},
        ],
        "blur": {"decoys": 1024, "standard_deviation": 13.9},
        "rates": {"overall": {"tanf": rate(0.75), "wages": None}, "by": ["tanf.region"], "groups": groups},
        "quality": {"precision": {"value": None, "low": 0.993, "high": 1.0}, "recall": None},
        "methods": {"precision": "look-alikes", "recall": "recapture"},
    } | changes


def regions(*names: str | None) -> list[dict[str, Any]]:
    """Give rows by region alone; the second is hidden."""
    return [
        {key: value for key, value in row("south", "retail" if at == 1 else "x").items() if key != "wages.industry"}
        | {"tanf.region": name}
        for at, name in enumerate(names)
    ]


def one_column(told: dict[str, Any] | None = None, **changes: Any) -> Answer:
    found = told or linkage()
    leakage = {"coordinator": ["the text of this job", EVIL]}
    made = answer(ONE, regions("north", EVIL, "west"), linkage=exact(found), leakage=leakage, **changes)
    asked = made.question.model_copy(update={"title": EVIL})
    return replace(made, job=made.job.model_copy(update={"question": asked}))


CHECKS = [Check("the desk signed the result", passed=True, detail=EVIL)]


def test_the_page_is_whole_and_its_only_markup_is_its_own() -> None:
    text = annex(one_column(), CHECKS)
    page = Page(text)
    assert page.open == []
    assert {tag for tag, _ in page.tags} <= {
        "html", "head", "meta", "title", "style", "body", "main", "header", "section", "h1", "h2", "h3", "p", "table", "caption",
        "thead", "tbody", "tr", "th", "td", "svg", "line", "rect", "text", "wbr", "defs", "pattern", "g", "figure", "figcaption",
        "div", "ul", "li",
    }  # fmt: skip
    assert text.count("<script") == 0
    assert page.words.count(EVIL) >= 5


def test_the_answer_stands_first_then_the_method_then_linkage_and_proof() -> None:
    page = Page(annex(one_column(), CHECKS))
    assert page.ids("section") == ["answer", "method", "people", "passes", "quality", "hidden", "leakage", "proof"]
    assert page.words.index("The answer") < page.words.index("1,234") < page.words.index("How it was made")
    (method,) = [word for word in page.words if word.startswith("Data: ")]
    assert "protocol" in method


def test_the_page_asks_for_nothing_and_forbids_what_could() -> None:
    page = Page(annex(one_column(), CHECKS))
    asking = {"src", "href", "action", "srcset", "data", "poster", "background", "onload", "onclick", "style"}
    assert not [(tag, attribute) for tag, given in page.tags for attribute in given if attribute in asking]
    (policy,) = [given["content"] for tag, given in page.tags if given.get("http-equiv") == "Content-Security-Policy"]
    assert policy is not None
    assert policy.startswith("default-src 'none'")
    assert "url(" not in "".join(page.words)
    assert "@import" not in "".join(page.words)
    references = [given["fill"] for _, given in page.tags if "url" in (given.get("fill") or "")]
    assert references
    assert all(str(one)[5:-1] in page.ids("pattern") for one in references)


def test_the_page_can_be_read_without_seeing_it() -> None:
    page = Page(annex(one_column(), CHECKS))
    assert ("html", {"lang": "en"}) in page.tags
    named = [given["aria-labelledby"] for tag, given in page.tags if tag == "svg"]
    assert named == page.ids("title")
    assert len(set(named)) == len(named) == 10  # shares, two means, the count, and passes; for wide pages and narrow ones
    assert all(given["role"] == "img" for tag, given in page.tags if tag == "svg")
    assert sum(tag == "h1" for tag, _ in page.tags) == 1
    assert all(given["scope"] in {"col", "row"} for tag, given in page.tags if tag == "th")
    assert sum(tag == "caption" for tag, _ in page.tags) == sum(tag == "table" for tag, _ in page.tags)


def test_what_the_charts_show_stands_in_tables_and_what_is_hidden_is_said() -> None:
    page = Page(annex(one_column(), CHECKS))
    for told in ("75.0% (73.0% to 77.0%)", "380", "260", "0.993 or more", "cannot be told", "8,123.46", "25.0% (250 of 1,000)"):
        assert told in page.words, told
    assert "Hidden: in 1 of 3 rows, of 1 to 10 people." in page.words
    assert page.words.count("(value missing)") == 3  # of the rates: two charts and a table
    hidden = [tag for tag, given in page.tags if given.get("class") == "hidden"]
    assert len(hidden) == 2 * (1 + 3 + 1)  # a rate, a row of three numbers, a pass; each for wide pages and narrow ones


def test_no_bar_of_a_chart_stands_for_what_is_hidden() -> None:
    for chart in list_charts(one_column()):
        assert [bar.value is None for bar in chart.bars][1], chart.title
        assert chart.bars[1].hidden
    for chart in list_charts(answer()):
        shown = [(bar.group, bar.label) for bar in chart.bars if bar.value is not None]
        assert ("south", "retail") not in shown
        assert ("south", "care") not in shown


def test_two_columns_are_a_chart_for_each_level_of_the_first() -> None:
    page = Page(annex(answer(), CHECKS))
    titles = [word for word in page.words if word.startswith("People, by tanf.region and Industry")]
    assert titles == ["People, by tanf.region and Industry"] + [
        f"People, by tanf.region and Industry: {region}" for region in ("north", "south", "east")
    ]


def test_a_single_row_is_large_figures_and_has_no_chart_of_its_numbers() -> None:
    lone = answer((), [{name: value for name, value in row("north", "retail").items() if "." not in name or "(" in name}])
    assert [one.name for one in list_charts(lone)] == ["shares"]
    page = Page(annex(lone, CHECKS))
    assert page.words[page.words.index("people") :][:2] == ["people", "1,234"]


def test_a_chart_of_nothing_but_hidden_numbers_is_left_out() -> None:
    told = linkage()
    for one in told["passes"]:
        one["matches"] = None
    for group in told["rates"]["groups"]:
        group["rate"] = None
    made = one_column(told)
    assert "shares" not in [one.name for one in list_charts(made)]
    assert not [name for name in Page(annex(made, CHECKS)).ids("title") if name.startswith("passes")]


def test_more_bars_than_a_page_holds_are_left_to_the_table() -> None:
    many = answer(ONE, regions(*(f"r{at}" for at in range(33))), linkage=exact(linkage()))
    assert [one.name for one in list_charts(many)] == ["shares"]


def test_a_result_without_the_report_has_a_page() -> None:
    told = {"people": {"tanf": 3, "wages": 3}, "usable": {"tanf": 3, "wages": 3}, "matched": 2}
    page = Page(annex(one_column(told), CHECKS))
    assert page.open == []
    assert not [name for name in page.ids("title") if name.startswith(("shares", "passes"))]


def test_a_notebook_shows_the_answer_as_a_piece_of_a_page() -> None:
    piece = summarize(one_column())
    page = Page(piece)
    assert page.open == []
    assert "<script" not in piece
    assert [tag for tag, _ in page.tags].count("svg") == 1
    document, value = held(ONE, regions("north", "south", "west"))
    from tallystick.client.results import Result

    assert "8,123.46" in Result(document, value, ())._repr_html_()


def contrast(one: str, other: str) -> float:
    """Give the contrast ratio of two colours (WCAG 2.2, relative luminance)."""

    def luminance(colour: str) -> float:
        full = colour if len(colour) == 6 else "".join(2 * digit for digit in colour)
        parts = [int(full[at : at + 2], 16) / 255 for at in (0, 2, 4)]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize(("colour", "least"), [("1a1a1a", 7.0), ("4d4d4d", 7.0), ("2b6198", 4.5)])
def test_text_and_bars_stand_out_from_white(colour: str, least: float) -> None:
    text = annex(one_column(), CHECKS)
    assert f"#{colour}" in text
    assert contrast(colour, "fff") >= least


def test_a_bar_ends_where_its_value_is_and_never_beyond_the_axis() -> None:
    axis = Axis(0, 10, ((0, "0"),))
    page = Page(draw_bars("x", "t", [Bar("a", 5, 4, 6, "5"), Bar("b", 30, 20, 40, "30")], axis))
    widths = [float(given["width"] or 0) for tag, given in page.tags if given.get("class") == "bar"]
    assert widths[1] == 2 * widths[0]
    assert widths[3] == 2 * widths[2]


def test_a_negative_number_goes_to_the_left_of_zero() -> None:
    bars = [Bar("a", -5, -6, -4, "-5"), Bar("b", 5, 4, 6, "5")]
    axis = build_axis(bars)
    assert (axis.low, axis.high) == (-10, 10)
    drawn = [given for tag, given in Page(draw_bars("x", "t", bars, axis)).tags if given.get("class") == "bar"]
    (left, start), (_, zero) = [(float(one["x"] or 0), float(one["x"] or 0) + float(one["width"] or 0)) for one in drawn[:2]]
    assert start == pytest.approx(float(drawn[1]["x"] or 0), abs=0.11)
    assert left < start < zero


@pytest.mark.parametrize(("most", "end"), [(917, 1000.0), (0.141, 0.15), (28, 30.0), (4, 4.0), (1_000_000, 1_000_000.0)])
def test_an_axis_has_round_steps_and_holds_the_largest_number(most: float, end: float) -> None:
    axis = build_axis([Bar("a", most, most, most, "")])
    assert axis.high == pytest.approx(end)
    assert 4 <= len(axis.marks) <= 6
    assert axis.marks[0][0] == 0


def test_an_axis_of_shares_ends_at_the_whole() -> None:
    axis = build_axis([Bar("a", 0.93, 0.9, 0.96, "")], percent=True)
    assert axis.marks == ((0.0, "0%"), (0.25, "25%"), (0.5, "50%"), (0.75, "75%"), (1.0, "100%"))


def test_an_axis_of_nothing_is_an_axis() -> None:
    assert build_axis([Bar("a", None, 0, 0, "hidden", hidden=True)]).high > 0


def test_people_whose_identifiers_link_nobody_stand_in_a_table() -> None:
    lost = {"identifier": "birth_date", "unread": {"tanf": 220, "wages": 0}, "denied": {"tanf": None, "wages": 0}}
    methods = {"identifiers": "rounded down", "precision": "look-alikes", "recall": "recapture"}
    page = Page(annex(one_column(linkage(identifiers=[lost], methods=methods)), CHECKS))
    at = page.words.index("People whose identifiers link nobody")
    assert page.words[at : at + 10] == [
        "People whose identifiers link nobody", "identifier", "list", "not read", "stands for nothing",
        "birth_date", "tanf", "220", "(hidden)", "Rounded down.",
    ]  # fmt: skip
    assert "People whose identifiers link nobody" not in Page(annex(one_column(), CHECKS)).words
