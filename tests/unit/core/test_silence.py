"""Which fields used to link and link nobody any more."""

from __future__ import annotations

from typing import Any

from tallystick.core.linkage.quality.silence import fields_of_pass, find_silent, tell_silent


def report(**matches: int | None) -> dict[str, Any]:
    return {"passes": [{"pass": name.replace("__", "+"), "tokens": {}, "matches": count} for name, count in matches.items()]}


def test_the_fields_of_a_pass_are_those_that_link() -> None:
    assert fields_of_pass("ssn+last_name:4@0.1") == {"ssn", "last_name"}
    assert fields_of_pass("first_name+birth_date~ssn4^sex") == {"first_name", "birth_date"}
    assert fields_of_pass("similarity") == set()


def test_a_field_is_silent_where_it_linked_before_and_no_pass_with_it_links_now() -> None:
    before = report(ssn__last_name=500, first_name__birth_date=30, phone__last_name=None)
    assert find_silent(report(ssn__last_name=480, first_name__birth_date=None), [before]) == ["birth_date", "first_name"]
    assert find_silent(report(ssn__last_name=480, first_name__birth_date=12), [before]) == []
    assert find_silent(report(ssn__last_name=480, phone__last_name=None), [before]) == []  # telephones never linked
    assert find_silent(report(ssn__last_name=None), []) == []
    assert find_silent(report(ssn__last_name=480), [before]) == []  # what is not asked for is not missed
    assert find_silent({}, [before, {}]) == []


def test_it_is_said_in_a_sentence() -> None:
    assert tell_silent([]) == ""
    assert tell_silent(["birth_date", "ssn"]).startswith("birth_date, ssn linked people in an earlier result")
