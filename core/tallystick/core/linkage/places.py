"""Sex, addresses, and the numbers that states and schools give people."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from tallystick.core.linkage.digits import without_decimals
from tallystick.core.linkage.names import PLACEHOLDERS, joined_words, says_nothing, words

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


def sexes(texts: Sequence[str]) -> list[str | None]:
    """Give F, M or X. Digits are denied: registers disagree on what they mean."""
    return [_SEXES.get("".join(words(text))) for text in texts]


def streets(texts: Sequence[str]) -> list[str | None]:
    """Give a street line without spaces, its words abbreviated: `12 North Main Street` is 12NMAINST. A letter or zeros alone are none."""
    return [_joined(text, words(text), _STREET_WORDS) for text in texts]


def street_names(texts: Sequence[str]) -> list[str | None]:
    """Give street lines without the number of the house: 5THAVE of `12B 5th Avenue`. A line of a number alone is denied."""
    found: list[str | None] = []
    for text in texts:
        parts = words(text)
        house = 1 if parts and _HOUSE.fullmatch(parts[0]) else 0
        while house and house < len(parts) and parts[house].isdigit():
            house += 1  # 12-14 Main St, 12 1/2 Main St
        found.append(_joined(text, parts[house:], _STREET_WORDS))
    return found


def cities(texts: Sequence[str]) -> list[str | None]:
    """Give a city's letters, `Saint Paul` and `St. Paul` alike."""
    letters = ("".join(c for c in _joined(text, words(text), _CITY_WORDS) or "" if c.isalpha()) for text in texts)
    return [city or None for city in letters]


def agency_ids(texts: Sequence[str]) -> list[str | None]:
    """Give a state's or school's number of a person: letters and digits. One character, also repeated, stands for no number."""
    if "." in (whole := "\n".join(texts)) or "+" in whole:
        texts = ["" if _ROUNDED.fullmatch(text.strip()) else without_decimals(text.strip()) for text in texts]
    numbers = joined_words(texts)
    found: list[str | None] = list(numbers)
    for at in np.flatnonzero(_one_character(numbers)).tolist():
        found[at] = None
    for at, number in enumerate(numbers):
        # what says that there is none is words; #DIV/0! is the only mark with a digit
        if (number.isalpha() or number == "DIV0") and says_nothing(texts[at], words(texts[at]), _NO_ID):
            found[at] = None
    return found


def _one_character(texts: Sequence[str]) -> npt.NDArray[np.bool_]:
    """Tell which texts are empty, or one character, once or more often."""
    size = np.fromiter(map(len, texts), dtype=np.int64, count=len(texts))
    alike: npt.NDArray[np.bool_] = size == 0
    filled = np.flatnonzero(~alike)
    if len(filled):
        points = np.frombuffer("".join(texts).encode("utf-32-le", "surrogatepass"), dtype="<u4")
        starts = np.concatenate(([0], np.cumsum(size[filled])[:-1]))
        least, most = np.minimum.reduceat(points, starts), np.maximum.reduceat(points, starts)
        alike[filled] = least == most
    return alike


def _joined(text: str, parts: Sequence[str], short: dict[str, str]) -> str | None:
    joined = "".join(short.get(part, part) for part in parts)
    # 5 and 11 are the numbers of houses
    one_character = len(set(joined)) <= 1 and not joined.strip("0").isdecimal()
    return None if one_character or says_nothing(text, parts, _NO_ADDRESS) else joined
