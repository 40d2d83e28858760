"""Sex, addresses, and the numbers that states and schools give people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from tallystick.core.linkage.names import PLACEHOLDERS, words

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
    "GENERALDELIVERY",
    "HOMELESS",
    "NA",
    "NOADDRESS",
    "NOFIXEDADDRESS",
    "TRANSIENT",
    "UNHOUSED",
}
_NO_ID: Final = PLACEHOLDERS | {"NA"}


def sexes(texts: Sequence[str]) -> list[str | None]:
    """Give F, M or X. Digits are denied: registers disagree on what they mean."""
    return [_SEXES.get("".join(words(text))) for text in texts]


def streets(texts: Sequence[str]) -> list[str | None]:
    """Give a street line without spaces, its words abbreviated: `12 North Main Street` is 12NMAINST."""
    return [_joined(text, _STREET_WORDS) for text in texts]


def cities(texts: Sequence[str]) -> list[str | None]:
    """Give a city's letters, `Saint Paul` and `St. Paul` alike."""
    letters = ("".join(c for c in _joined(text, _CITY_WORDS) or "" if c.isalpha()) for text in texts)
    return [city or None for city in letters]


def agency_ids(texts: Sequence[str]) -> list[str | None]:
    """Give a state's or school's number of a person: letters and digits. One repeated character stands for no number."""
    found = ("".join(words(text)) for text in texts)
    return [
        number if number and number not in _NO_ID and (len(number) == 1 or len(set(number)) > 1) else None for number in found
    ]


def _joined(text: str, short: dict[str, str]) -> str | None:
    joined = "".join(short.get(word, word) for word in words(text))
    return None if joined in _NO_ADDRESS else joined or None
