"""What exports, spreadsheets and clerks make of identifiers: markers of nothing make no token, other writings make the same one."""

from __future__ import annotations

import pytest

from tallystick.core.linkage.fields.normalise import RULES, normalise

TEXT = ("first_name", "first_initial", "middle_name", "last_name", "street", "city", "state_id", "school_id")


def one(identifier: str, raw: str) -> str | None:
    (text,) = normalise(identifier, [raw]).texts()
    return text


@pytest.mark.parametrize("identifier", RULES)
@pytest.mark.parametrize(
    "nothing",
    # MySQL's and PostgreSQL's export, pandas, R, spreadsheets, SAS
    ["\\N", "<NA>", "NA", "na", "N/A", "N / A", "n.a.", "N/A.", "(n/a)", "#N/A", "#REF!", "#VALUE!", "#NAME?", "#DIV/0!", "."],
)
def test_s10_what_exports_write_for_nothing_is_missing(identifier: str, nothing: str) -> None:
    assert one(identifier, nothing) is None


@pytest.mark.parametrize("identifier", TEXT)
@pytest.mark.parametrize("nothing", ["Unknown Unknown", "UNK UNK", "none, none", "Client doesn't know", "Data not collected"])
def test_s10_words_for_nothing_are_missing_also_when_said_twice(identifier: str, nothing: str) -> None:
    assert one(identifier, nothing) is None


@pytest.mark.parametrize("nothing", ["0", "-1", "9", "X", "-9", "#"])
def test_s10_one_character_is_no_number_of_a_person(nothing: str) -> None:
    assert one("state_id", nothing) is one("school_id", nothing) is None


@pytest.mark.parametrize("nothing", ["0", "000", "X", "xxx", "#", "-"])
def test_s10_one_letter_and_zeros_are_no_address(nothing: str) -> None:
    assert one("street", nothing) is one("city", nothing) is None
    assert one("street", "11") == "11"  # the number of a house whose street is missing


def test_s10_an_address_that_is_kept_back_or_repeats_one_character_is_missing() -> None:
    for street in ("XXXX", "CONFIDENTIAL", "No fixed abode", "Same as above", "Address unknown"):
        assert one("street", street) is None, street


def test_people_whose_name_begins_like_a_marker_keep_it() -> None:
    assert [one("first_name", raw) for raw in ("Na", "Na-ri", "Noa", "N", "J.")] == ["NA", "NARI", "NOA", "N", "J"]
    assert one("last_name", "Nash") == "NASH"


def test_one_name_with_any_apostrophe_is_one_name() -> None:
    written = ["Ka'aihue", "Ka\u2019aihue", "Ka\u02bbaihue", "Ka\u02bcaihue", "Ka\u00b4aihue", "Ka`aihue", "Ka\u2032aihue"]
    assert {one("last_name", raw) for raw in written} == {"KAAIHUE"}
    assert {one("last_part", raw) for raw in written} == {"KAAIHUE"}
    assert one("first_name", "\u0645\u062d\u0645\u0640\u062f") == one("first_name", "\u0645\u062d\u0645\u062f")
    assert one("last_name", "\u4f50\u3005\u6728") == "\u4f50\u3005\u6728"  # a letter, though of the same kind


@pytest.mark.parametrize("raw", ["Smith 2nd", "Smith 3rd", "Smith, 3RD", "Smith III", "Smith 4th"])
def test_a_suffix_in_digits_is_a_suffix(raw: str) -> None:
    assert one("last_name", raw) == "SMITH"


@pytest.mark.parametrize("raw", ["1/31/1990 0:00", "1/31/1990 12:00:00 AM", "1990-01-31 00:00:00.000", "01/31/1990 12:00 am"])
def test_a_date_that_was_written_as_a_moment_is_that_date(raw: str) -> None:
    assert one("birth_date", raw) == "19900131"


@pytest.mark.parametrize("raw", ["2099-12-31", "2079-06-06", "2068-05-01", "9999-12-31", "1/31/20", "32904", "2/29/1991"])
def test_s10_a_date_that_nobody_was_born_on_is_missing(raw: str) -> None:
    assert one("birth_date", raw) is None


def test_a_number_with_decimals_is_the_number() -> None:
    assert one("ssn", "219456789.00") == one("ssn", "219456789.0") == "219456789"
    assert one("ssn", "1234567.00") == one("ssn", "1234567") == "001234567"
    assert one("ssn4", "789.00") == "0789"
    assert one("state_id", "123456.0") == "123456"
    assert one("phone", "6515550142.0") == "6515550142"
    assert one("zip", "551012201.0") == "55101"
    assert one("ssn", "123456.000") is None


@pytest.mark.parametrize("raw", ["219-45-678", "12-31-1990", "1990-01-31", "-12345670", "219.45.67", "219 45 67"])
def test_s10_an_ssn_that_lacks_digits_between_its_dashes_is_missing(raw: str) -> None:
    assert one("ssn", raw) is None
    assert one("ssn4", raw) is None


def test_s10_a_number_that_a_spreadsheet_rounded_is_missing() -> None:
    for identifier in ("ssn", "ssn4", "phone", "state_id", "school_id", "birth_date", "zip"):
        assert [one(identifier, raw) for raw in ("1.23457E+11", "1.2E+05", "6.52E+09")] == [None] * 3


@pytest.mark.parametrize("raw", ["+45 32 12 34 56", "+65 1555 0142", "+33 1 44 55 66 77"])
def test_s10_a_telephone_number_of_another_country_is_missing(raw: str) -> None:
    assert one("phone", raw) is None


def test_telephone_numbers_of_one_telephone_are_one() -> None:
    written = [
        "651-555-0142",
        "+1 (651) 555-0142",
        "+1.651.555.0142",
        "16515550142",
        "651-555-0142 ext 5",
        "651 555 0142 extension 5",
    ]
    assert {one("phone", raw) for raw in written} == {"6515550142"}


def test_streets_with_a_number_for_a_name_keep_it_without_the_house() -> None:
    assert one("street_name", "123 5th Ave") == "5THAVE"
    assert one("street_name", "123 6th Avenue") == "6THAVE"
    assert one("street_name", "5th Ave") == "5THAVE"
    assert one("street_name", "12 North Main Street") == one("street_name", "12B N. Main St") == "NMAINST"
    assert one("street_name", "12") is one("street_name", "12B") is None
