"""Sex, addresses, and the numbers that states and schools give people."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from operator import contains
from typing import Final

import numpy as np

from tallystick.core.linkage.fields import columns
from tallystick.core.linkage.fields.names import LONGEST_MARK, PLACEHOLDERS, joined_words, says_nothing, spaced_words, words

_SEXES: Final = {
    "F": "F",
    "FEMALE": "F",
    "WOMAN": "F",
    "GIRL": "F",
    "M": "M",
    "MALE": "M",
    "MAN": "M",
    "BOY": "M",
    "X": "X",
    "NONBINARY": "X",
}

_STREET_WORDS: Final = {
    "ALLEY": "ALY",
    "APARTMENT": "APT",
    "AV": "AVE",
    "AVENUE": "AVE",
    "BOULEVARD": "BLVD",
    "CIRCLE": "CIR",
    "COURT": "CT",
    "CRESCENT": "CRES",
    "DRIVE": "DR",
    "EAST": "E",
    "EXPRESSWAY": "EXPY",
    "HIGHWAY": "HWY",
    "LANE": "LN",
    "MOUNT": "MT",
    "NORTH": "N",
    "NORTHEAST": "NE",
    "NORTHWEST": "NW",
    "PARKWAY": "PKWY",
    "PLACE": "PL",
    "ROAD": "RD",
    "SAINT": "ST",
    "SOUTH": "S",
    "SOUTHEAST": "SE",
    "SOUTHWEST": "SW",
    "SQUARE": "SQ",
    "STR": "ST",
    "STREET": "ST",
    "SUITE": "STE",
    "TERRACE": "TER",
    "TRAIL": "TRL",
    "WEST": "W",
}
_CITY_WORDS: Final = {"FORT": "FT", "MOUNT": "MT", "SAINT": "ST", "SAINTE": "STE"}

_NO_ADDRESS: Final = PLACEHOLDERS | {
    "ADDRESS",
    "CONFIDENTIAL",
    "GENERALDELIVERY",
    "HOMELESS",
    "NA",
    "NFA",
    "NOADDRESS",
    "NOFIXEDABODE",
    "NOFIXEDADDRESS",
    "NOPERMANENTADDRESS",
    "SAMEASABOVE",
    "TRANSIENT",
    "UNHOUSED",
}
_NO_ID: Final = PLACEHOLDERS | {"NA"}
_ROUNDED: Final = re.compile(r"\d(?:\.\d+)?E\+\d+", re.IGNORECASE | re.ASCII)
"""What a spreadsheet makes of a long number: 1.23457E+11 is many people's."""
_HOUSE: Final = re.compile(r"\d+[A-Z]?", re.ASCII)
_HOUSES: Final = re.compile(rf"(?:^|(?<={columns.MARK} )) *\d+[A-Z]?(?= )(?: +\d+(?= ))*", re.ASCII)
"""The same of many lines that are joined with the mark between spaces."""
_NOTHING: Final = dict.fromkeys(_NO_ADDRESS, "")


def sexes(texts: Sequence[str]) -> list[str | None]:
    """Give F, M or X. Digits are denied: registers disagree on what they mean."""
    return [_SEXES.get("".join(words(text))) for text in texts]


def streets(texts: Sequence[str]) -> list[str | None]:
    """Give a street line without spaces, its words abbreviated: `12 North Main Street` is 12NMAINST. A letter or zeros alone are none."""
    return _lines(texts, _street)


def street_names(texts: Sequence[str]) -> list[str | None]:
    """Give street lines without the number of the house: 5THAVE of `12B 5th Avenue`. A line of a number alone is denied."""
    return _lines(texts, _street_name, without=_HOUSES)


def _lines(texts: Sequence[str], rule: Callable[[str], str | None], without: re.Pattern[str] | None = None) -> list[str | None]:
    """Give what a rule makes of each line; of nearly all of them together.

    Args:
        texts: lines.
        rule: what is made of one.
        without: what is taken away from the words of a line before they are joined.
    """
    joined = columns.joined(texts)
    if joined is None:
        return [rule(text) for text in texts]
    spaced = spaced_words(joined)
    if without is not None:
        spaced = without.sub(" ", spaced)
    parts = spaced.split(" ")
    found = columns.objects("".join(map(_STREET_WORDS.get, parts, parts)).split(columns.MARK))
    whole = "".join(parts).split(columns.MARK)
    more = "".join(map(_NOTHING.get, parts, parts)).split(columns.MARK)
    # of these there are few: what one rule or another may deny
    asked = columns.one_character(found.tolist()) | (columns.sizes(whole) <= LONGEST_MARK)
    asked |= columns.among(whole, _NO_ADDRESS) | (columns.sizes(more) == 0)
    for at in np.flatnonzero(asked).tolist():
        found[at] = rule(texts[at])
    return list(found.tolist())


def _street(text: str) -> str | None:
    return _joined(text, words(text), _STREET_WORDS)


def _street_name(text: str) -> str | None:
    parts = words(text)
    house = 1 if parts and _HOUSE.fullmatch(parts[0]) else 0
    while house and house < len(parts) and parts[house].isdigit():
        house += 1  # 12-14 Main St, 12 1/2 Main St
    return _joined(text, parts[house:], _STREET_WORDS)


def cities(texts: Sequence[str]) -> list[str | None]:
    """Give a city's letters, `Saint Paul` and `St. Paul` alike."""
    letters = ("".join(c for c in _joined(text, words(text), _CITY_WORDS) or "" if c.isalpha()) for text in texts)
    return [city or None for city in letters]


def agency_ids(texts: Sequence[str]) -> list[str | None]:
    """Give a state's or school's number of a person: letters and digits. One character, also repeated, stands for no number."""
    if "." in (whole := "\n".join(texts)) or "+" in whole:
        texts = columns.without_decimals(list(map(str.strip, texts)))
        for at in np.flatnonzero(columns.told(contains, texts, "+")).tolist():
            texts[at] = "" if _ROUNDED.fullmatch(texts[at]) else texts[at]
    numbers = joined_words(texts)
    good = ~columns.one_character(numbers)
    # what says that there is none is words; #DIV/0! is the only mark with a digit
    asked = columns.told(str.isalpha, numbers) | columns.among(numbers, {"DIV0"})
    for at in np.flatnonzero(asked).tolist():
        good[at] &= not says_nothing(texts[at], words(texts[at]), _NO_ID)
    return columns.only(numbers, good)


def _joined(text: str, parts: Sequence[str], short: dict[str, str]) -> str | None:
    joined = "".join(short.get(part, part) for part in parts)
    # 5 and 11 are the numbers of houses
    one_character = len(set(joined)) <= 1 and not joined.strip("0").isdecimal()
    return None if one_character or says_nothing(text, parts, _NO_ADDRESS) else joined
