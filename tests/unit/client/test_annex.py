"""The annex of a result: one page that stands alone, says what the result says, and lets no value become markup."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any

import pytest

from tallystick.client.annex.charts import Bar, axis, bar_chart
from tallystick.client.annex.page import annex
from tallystick.core.results import Check

VOID = {"meta", "line", "rect", "wbr"}
EVIL = '<script>alert("x")</script> & "quoted"'


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
        self.words.append(data)


def rate(value: float) -> dict[str, float]:
    return {"value": value, "low": value - 0.02, "high": value + 0.02}


def value(**changes: Any) -> dict[str, Any]:
    """Give a result as `client/results.py` shows it."""
    groups = [
        {"tanf.region": "north", "people": 200, "matched": 150, "rate": rate(0.75)},
        {"tanf.region": EVIL, "people": None, "matched": None, "rate": None},
        {"tanf.region": None, "people": 0, "matched": 0, "rate": None},
    ]
    linkage = {
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
    }
    return {
        "job": "ab" * 32,
        "status": "released",
        "released": "2026-06-02T10:00:00Z",
        "desk": "human-services",
        "columns": ["tanf.region", "count", "mean(wages.pay)", "suppressed"],
        "rows": [
            {"tanf.region": "north", "count": 150, "mean(wages.pay)": 8123.5, "suppressed": None},
            {"tanf.region": EVIL, "count": None, "mean(wages.pay)": None, "suppressed": "small-cell"},
        ],
        "linkage": linkage,
        "disclosure": {"profile": "cms", "min_cell": 11, "rows_hidden": {"small-cell": 1}, "measures_hidden": 0},
        "leakage": {"coordinator": ["the text of this job", EVIL]},
        "signatures": [{"kind": "result", "signer": "human-services", "signature": "00ff"}],
    } | changes


QUESTION: dict[str, Any] = {
    "title": EVIL,
    "purpose": "evaluation",
    "people": {"tanf": {"agency": "human-services", "dataset": "tanf", "where": "age < 18 and name = '<b>'"}},
    "keep": "tanf and wages",
    "measures": [{"count": True}, {"mean": "wages.pay"}],
    "link": "default, similarity",
}
CHECKS = [Check("the desk signed the result", passed=True, detail=EVIL)]


def test_the_page_is_whole_and_its_only_markup_is_its_own() -> None:
    text = annex(value(), QUESTION, CHECKS)
    page = Page(text)
    assert page.open == []
    assert {tag for tag, _ in page.tags} <= {
        "html", "head", "meta", "title", "style", "body", "main", "header", "section", "h1", "h2", "p", "table", "caption",
        "thead", "tbody", "tr", "th", "td", "svg", "line", "rect", "text", "wbr",
    }  # fmt: skip
    assert text.count("<script") == 0
    assert page.words.count(EVIL) >= 5


def test_a_measure_of_too_few_values_says_so_and_one_that_is_hidden_does_not() -> None:
    label = "variance(wages.pay)"
    hidden = {"suppressed": "small-cell", "hidden": [label, "count(wages.pay)"]}
    numbers: tuple[dict[str, Any], ...] = (
        {"tanf.region": "north", "count": 150, label: 0.25, "count(wages.pay)": 150, "suppressed": None},
        {"tanf.region": "south", "count": 2, label: None, "count(wages.pay)": 1, "undefined": {label: "fewer than two values"}},
        {"tanf.region": "west", "count": 99, label: None, "count(wages.pay)": None} | hidden,
    )
    rows = list(numbers)
    page = Page(annex(value(rows=rows, columns=[*rows[0]]), QUESTION | {"measures": [{"variance": "wages.pay"}]}, CHECKS))
    table = page.words[page.words.index("north") :][:40]
    assert [word for word in table if word in {"0.25", "fewer than two values", "(hidden)"}][:4] == [
        "0.25", "fewer than two values", "(hidden)", "(hidden)",
    ]  # fmt: skip


def test_the_page_asks_for_nothing_and_forbids_what_could() -> None:
    page = Page(annex(value(), QUESTION, CHECKS))
    asking = {"src", "href", "action", "srcset", "data", "poster", "background", "onload", "onclick", "style"}
    assert not [(tag, attribute) for tag, given in page.tags for attribute in given if attribute in asking]
    (policy,) = [given["content"] for tag, given in page.tags if given.get("http-equiv") == "Content-Security-Policy"]
    assert policy is not None
    assert policy.startswith("default-src 'none'")
    assert "url(" not in "".join(page.words)
    assert "@import" not in "".join(page.words)


def test_the_page_can_be_read_without_seeing_it() -> None:
    page = Page(annex(value(), QUESTION, CHECKS))
    assert ("html", {"lang": "en"}) in page.tags
    named = [given["aria-labelledby"] for tag, given in page.tags if tag == "svg"]
    titles = [given["id"] for tag, given in page.tags if tag == "title" and given]
    assert named == titles == ["rates", "passes"]
    assert all(given["role"] == "img" for tag, given in page.tags if tag == "svg")
    assert sum(tag == "h1" for tag, _ in page.tags) == 1
    assert all(given["scope"] in {"col", "row"} for tag, given in page.tags if tag == "th")


def test_what_the_charts_show_stands_in_tables_and_what_is_hidden_is_said() -> None:
    page = Page(annex(value(), QUESTION, CHECKS))
    words = page.words
    for told in ("75.0% (73.0% to 77.0%)", "380", "260", "0.993 or more", "cannot be told", "8,123.50", "small-cell"):
        assert told in words, told
    assert words.count("(hidden)") == 11  # of a row 2, of totals 2, of a group 3, of passes 2, of bars 2
    assert "(value missing)" in words
    assert sum(given.get("class") == "bar" for tag, given in page.tags if tag == "rect") == 2  # one rate, one pass


def test_a_chart_of_nothing_but_hidden_numbers_is_left_out() -> None:
    changed = value()
    for one in changed["linkage"]["passes"]:
        one["matches"] = None
    page = Page(annex(changed, QUESTION, CHECKS))
    assert [given["id"] for tag, given in page.tags if tag == "title" and given] == ["rates"]


def test_an_older_result_has_a_page_without_the_report() -> None:
    linkage = {"people": {"tanf": 3, "wages": 3}, "usable": {"tanf": 3, "wages": 3}, "matched": 2}
    page = Page(annex(value(linkage=linkage), QUESTION, CHECKS))
    assert page.open == []
    assert not [tag for tag, _ in page.tags if tag == "svg"]


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
    text = annex(value(), QUESTION, CHECKS)
    assert f"#{colour}" in text
    assert contrast(colour, "fff") >= least


def test_a_bar_ends_where_its_value_is_and_never_beyond_the_axis() -> None:
    text = bar_chart("x", "t", [Bar("a", 5, 4, 6, "5"), Bar("b", 30, 20, 40, "30")], most=10, ticks=[(0, "0")])
    page = Page(text)
    widths = [float(given["width"] or 0) for tag, given in page.tags if tag == "rect"]
    assert widths[1] == 2 * widths[0]


@pytest.mark.parametrize(("most", "end"), [(917, 1000.0), (0.141, 0.2), (28, 40.0), (4, 4.0), (1_000_000, 1_000_000.0)])
def test_an_axis_has_round_steps_and_holds_the_largest_number(most: float, end: float) -> None:
    found, marks = axis(most)
    assert found == pytest.approx(end)
    assert (len(marks), marks[0]) == (5, 0)


def test_an_axis_of_shares_ends_at_the_whole() -> None:
    assert axis(0.93, end=1.0) == (1.0, [0, 0.25, 0.5, 0.75, 1.0])
