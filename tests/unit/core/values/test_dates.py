"""Dates in the forms that files have: alone, and by what their column says."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick.core.errors import Invalid
from tallystick.core.values.dates import DateRule, decide, parse_format, read_dates

DAYS = st.dates(date(1901, 1, 2), date(2049, 12, 31))
UNDECLARED = DateRule()


def one(text: str, rule: DateRule = UNDECLARED) -> str | None:
    return read_dates([text], rule)[0]


@given(DAYS, st.sampled_from(["", " 00:00", "T23:59:59Z", " 12:30:00.5-06:00", " 11:59 PM"]))
def test_every_form_of_a_day_is_that_day(day: date, time: str) -> None:
    forms = [
        "%Y-%m-%d",
        "%Y/%m/%d",
        "%m/%d/%Y",
        "%m-%d-%Y",
        "%d-%b-%Y",
        "%d-%B-%Y",
        "%d%b%Y",
        "%b %d, %Y",
        "%A, %B %d, %Y",
        "%Y-%b-%d",
    ]
    assert {one(day.strftime(form) + time) for form in forms} == {day.isoformat()}
    assert {one(day.strftime(form).upper()) for form in forms} == {day.isoformat()}
    assert one(day.strftime("%Y%m%d")) == day.isoformat()
    assert one(day.strftime("%d/%m/%Y") + time, replace(UNDECLARED, day_first=True)) == day.isoformat()


@given(DAYS)
def test_eight_digits_are_one_day_whatever_their_order(day: date) -> None:
    """A year that begins with 18, 19 or 20 is no month, and no month is such a year's end."""
    assert one(day.strftime("%m%d%Y")) == day.isoformat()
    assert one(day.strftime("%m%d%Y").lstrip("0")) == day.isoformat()
    assert one(day.strftime("%d%m%Y"), replace(UNDECLARED, day_first=True)) == day.isoformat()


@given(DAYS)
def test_a_declared_format_decides_alone(day: date) -> None:
    for form, written in (
        ("DD/MM/YYYY", "%d/%m/%Y"),
        ("%d.%m.%Y", "%d.%m.%Y"),
        ("YYYYDDMM", "%Y%d%m"),
        ("DD-MON-YYYY", "%d-%b-%Y"),
    ):
        rule = parse_format(form, UNDECLARED)
        assert one(day.strftime(written), rule) == day.isoformat()
        assert one("", rule) is one("tomorrow", rule) is None
    serial = parse_format("serial", UNDECLARED)
    assert one(str((day - date(1899, 12, 30)).days), serial) == day.isoformat()


@pytest.mark.parametrize("form", ["", "DD/MM", "YYYY-MM-DD-DD", "day first", "MM/MM/YYYY", "ordinal"])
def test_a_format_that_is_none_is_refused(form: str) -> None:
    with pytest.raises(Invalid) as caught:
        parse_format(form, UNDECLARED)
    assert caught.value.code == "document-invalid"


def decided(texts: list[str]) -> tuple[DateRule, tuple[int, int, int]]:
    rule, evidence = decide(texts, np.arange(1, len(texts) + 1), UNDECLARED)
    return rule, (evidence.day_first, evidence.month_first, evidence.either)


def test_one_value_above_twelve_decides_the_column() -> None:
    assert decided(["25/12/1990", "03/04/1990"])[1] == (1, 0, 2)
    assert decided(["25/12/1990", "03/04/1990"])[0].day_first
    assert not decided(["12/25/1990", "03/04/1990"])[0].day_first
    assert not decided(["03/04/1990"])[0].day_first  # nothing says otherwise: as in the US
    assert decided(["1990-12-25", "04-MAR-1990", "32/45/1990"])[1] == (0, 0, 0)


def test_a_column_that_needs_both_orders_says_how_many_rows_do() -> None:
    assert decided(["25/12/1990", "12/25/1990", "01/02/1990"])[1] == (1, 2, 3)


def test_days_of_a_spreadsheet_are_read_where_nothing_else_stands() -> None:
    rule, _ = decided(["32904", "33391", "45688.0"])
    assert [one(text, rule) for text in ("32904", "45688.0")] == ["1990-01-31", "2025-01-31"]
    assert decided(["32904", "33004", "21590", "10188"])[0].serial is None  # they could be 3/29/04, 3/30/04, 2/15/90, 1/01/88
    assert one("32904", decided(["32904"])[0]) == "1990-01-31"  # of so few, days that a spreadsheet counted are far likelier
    assert decided(["1990", "1985"])[0].serial is None  # years
    assert decided(["32904", "33391", "1990-01-31"])[0].serial is None
    assert decided(["32904", "33391", "123190"])[0].serial is None


def test_two_digits_of_a_year_are_read_where_one_century_is_possible() -> None:
    within = replace(UNDECLARED, low=date(1990, 1, 1), high=date(2029, 12, 31))
    assert [one(text, within) for text in ("1/2/95", "1/2/05", "1/2/45")] == ["1995-01-02", "2005-01-02", None]
    assert one("1/2/95") is None
    assert [one(text, replace(UNDECLARED, pivot=30)) for text in ("1/2/30", "1/2/31", "02-JAN-05")] == [
        "2030-01-02",
        "1931-01-02",
        "2005-01-02",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "1990",
        "03/1990",
        "0201-20-07",
        "00/00/0000",
        "13131990",
        "1.23457E+11",
        "219-45-6789",
        "MAYBE 4 1990",
        "Febtober 4, 1990",
    ],
)
def test_what_is_no_date_is_not_read(text: str) -> None:
    assert one(text) is None


@given(st.text(max_size=30))
def test_anything_is_a_day_of_the_calendar_or_nothing(text: str) -> None:
    found = one(text)
    assert found is None or date.fromisoformat(found) - timedelta(0) == date.fromisoformat(found)
