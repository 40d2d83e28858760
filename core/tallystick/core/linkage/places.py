"""Sex, addresses, and the numbers that states and schools give people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from tallystick.core.linkage.names import PLACEHOLDERS, joined_words, words

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
    numbers = joined_words(texts)
    found: list[str | None] = list(numbers)
    for at in np.flatnonzero(_one_character(numbers)).tolist():
        found[at] = None
    if not _NO_ID.isdisjoint(numbers):
        found = [None if number in _NO_ID else number for number in found]
    return found


def _one_character(texts: Sequence[str]) -> npt.NDArray[np.bool_]:
    """Tell which texts are empty, or one character more than once."""
    size = np.fromiter(map(len, texts), dtype=np.int64, count=len(texts))
    alike: npt.NDArray[np.bool_] = size == 0
    filled = np.flatnonzero(~alike)
    if len(filled):
        points = np.frombuffer("".join(texts).encode("utf-32-le", "surrogatepass"), dtype="<u4")
        starts = np.concatenate(([0], np.cumsum(size[filled])[:-1]))
        least, most = np.minimum.reduceat(points, starts), np.maximum.reduceat(points, starts)
        alike[filled] = (least == most) & (size[filled] > 1)
    return alike


def _joined(text: str, short: dict[str, str]) -> str | None:
    joined = "".join(short.get(word, word) for word in words(text))
    return None if joined in _NO_ADDRESS else joined or None
