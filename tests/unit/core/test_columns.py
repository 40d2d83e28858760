"""Rules over whole columns give what the same rules, written for one text alone, give: numbers, addresses, telephones."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence

import pytest

from tallystick.core.linkage.fields import columns, digits, places
from tallystick.core.linkage.fields.alternates import ssn_digits, ssn_starts
from tallystick.core.linkage.fields.names import join_words, says_nothing, words
from tallystick.core.linkage.fields.normalise import MAX_TEXT, RULES, normalise
from tallystick.core.linkage.fields.standins import PLACEHOLDERS

PIECES = (
    "12", "1234", "123-45-6789", "078-05-1120", "000", "5", "55101", "55101-1234", "206", "555", "1234567", "(206) 555-1234",
    "+1 206 555 1234", "+44 20 7946 0958", "+", "x12", " ext. 5", "#4", "N", "Main", "Street", "Saint", "Ave", "APT 4", "12B", "1/2",
    "NFA", "Homeless", "Unknown", "N/A", "na", "Na", "NONE", "#REF!", "\\N", "\t", " ", "  ", "-", ".", ".0", ".00", "0", "00",
    "1.2E+5", "1.23457E+11", "S123", "S", "xxx-xx-1234", "***", "O'Brien", "Ñ", "ß", "\u00a0", "\u200b", "中", "²", "\x00", "\x1c",
    "\n", "XX", "No", "Address", "General Delivery", "(", ")", "_", "\ud800",
)  # fmt: skip


def texts(seed: int, count: int = 300) -> list[str]:
    """Give texts of all kinds; with an even seed those that can be treated as one."""
    drawn = random.Random(seed)

    def some(low: int, high: int) -> str:
        return f"{drawn.randint(low, high)}"

    def one() -> str:
        kind = drawn.random()
        if kind < 0.4:
            return drawn.choice(["", "", " ", "-"]).join(drawn.choices(PIECES, k=drawn.randint(1, 5)))
        if kind < 0.6:
            return some(0, 10 ** drawn.randint(1, 12)) + drawn.choice(["", "", ".0", ".", "-1234", " x5", ".50"])
        if kind < 0.7:
            return f"{some(100, 999)}-{some(10, 99)}-{some(1000, 9999)}"
        if kind < 0.8:
            return drawn.choice(["", "+", "+1", "1", "+ 1 "]) + f"({some(100, 999)}) {some(100, 999)}-{some(1000, 9999)}"
        if kind < 0.9:
            street = drawn.choice(["Main", "5th", "A", "5", "NFA"]) + drawn.choice([" St", "", " N"])
            return f"{some(1, 99)}{drawn.choice(['', 'B', '-14'])} {street}"
        return "".join(
            chr(drawn.choice([drawn.randint(32, 126), drawn.randint(0, 0x2FFF)])) for _ in range(drawn.randint(0, 14))
        )

    made = [one() for _ in range(count)]
    return [text for text in made if text.isascii() and columns.MARK not in text] if seed % 2 == 0 else made


def plain(text: str) -> str:
    return columns.strip_marks([text])[0]


def whole_number(text: str) -> str:
    match = re.fullmatch(r"(\d+)\.0+", text)
    return match[1] if match else text


def ssn(text: str) -> str | None:
    """The rules of core/linkage/digits.py, one after another, for one text."""
    text = plain(text)
    number = whole_number(text.strip())
    if len(text.strip()) > 16 or not re.fullmatch(r"[\d ./,:;_#~*()\t\x00-]*", number, re.ASCII):
        return None
    found = re.sub(r"\D", "", number)
    if (
        not 7 <= len(found) <= 9
        or (len(found) < 9 and re.search(r"[ ./,:;_#~*()\t-]|\x00(?!\x00*$)", number))
        or len(set(found)) == 1
    ):
        return None
    if len(found) == 9 and (re.match(r"000|666|9", found) or found[3:5] == "00" or found[5:] == "0000"):
        return None
    padded = found.rjust(9, "0")
    return None if padded in digits.DENIED_SSN else padded


def agency_id(text: str) -> str | None:
    stripped = text.strip()
    text = "" if re.fullmatch(r"\d(?:\.\d+)?[Ee]\+\d+", stripped, re.ASCII) else whole_number(stripped)
    found = "".join(words(text))
    if len(set(found)) <= 1:
        return None
    marked = (found.isalpha() or found == "DIV0") and says_nothing(text, words(text), PLACEHOLDERS | {"NA"})
    return None if marked else found


def denied_zip(text: str) -> str | None:
    code = digits._zip(plain(text))
    return None if code in digits.DENIED_ZIP else code


def ssn4(text: str) -> str | None:
    number = ssn(text)
    return digits._last_four(plain(text).strip()) if number is None else number[-4:]


def start(text: str) -> str | None:
    number = ssn(text)
    return number and number[:5]


def ordered(text: str) -> str | None:
    number = ssn(text)
    return number and "".join(sorted(number))


RULES_OF_ONE: dict[str, tuple[Callable[[Sequence[str]], list[str | None]], Callable[[str], str | None]]] = {
    "ssn": (digits.ssns, ssn),
    "ssn4": (digits.ssn4s, ssn4),
    "ssn start": (ssn_starts, start),
    "ssn digits": (ssn_digits, ordered),
    "zip": (digits.zips, denied_zip),
    "phone": (digits.phones, lambda text: digits._phone(plain(text))),
    "street": (places.streets, lambda text: places.streets([text])[0]),
    "street name": (places.street_names, lambda text: places.street_names([text])[0]),
    "agency id": (places.agency_ids, agency_id),
    "words": (lambda texts: list(join_words(texts)), lambda text: "".join(words(text))),
    "whole numbers": (lambda texts: list(columns.without_decimals(texts)), digits.without_decimals),
}


@pytest.mark.parametrize("name", RULES_OF_ONE)
def test_a_rule_of_a_column_is_the_rule_of_each_text(name: str) -> None:
    together, alone = RULES_OF_ONE[name]
    for seed in range(16):
        given = texts(seed)
        assert list(zip(given, together(given), strict=True)) == [(text, alone(text)) for text in given]
    assert together([]) == []


@pytest.mark.parametrize("name", ["ssn", "street", "phone", "last_name"])
def test_missing_and_overlong_values_keep_their_places_and_prefixes_are_the_beginnings(name: str) -> None:
    for seed in range(8):
        raws: list[str | None] = [*texts(seed, 60), None, "", "5" * (MAX_TEXT + 1)]
        random.Random(seed).shuffle(raws)
        alone = [RULES[name]([raw])[0] if raw and len(raw) <= MAX_TEXT else None for raw in raws]
        found = normalise(name, raws)
        assert found.texts() == alone
        for length in (1, 3, 7):
            assert found.prefix(length).texts() == [one[:length] if one else None for one in alone]


def test_a_mark_in_a_text_is_no_mark_between_texts() -> None:
    assert columns.join_texts(["a", "b\x00"]) is None
    assert columns.join_texts([]) is None
    assert columns.join_texts(["a", "", "b"]) == "a\x00\x00b"
    assert places.streets(["12 Main St", "1\x002 Main St"]) == ["12MAINST", "12MAINST"]
