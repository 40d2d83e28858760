"""Sex, addresses, and the numbers that states and schools give people."""

from __future__ import annotations

import re
from collections.abc import Sequence
from operator import contains
from typing import Final

import numpy as np

from tallystick.core.linkage.fields import columns
from tallystick.core.linkage.fields.letters import mend_text
from tallystick.core.linkage.fields.names import LONGEST_MARK, join_words, says_nothing, words
from tallystick.core.linkage.fields.standins import PLACEHOLDERS
from tallystick.core.linkage.fields.streets import plain_lines, plain_words

_SEXES: Final = {
    "F": "F",
    "FEMALE": "F",
    "FEM": "F",
    "FEMENINO": "F",
    "FEMININE": "F",
    "WOMAN": "F",
    "MUJER": "F",
    "GIRL": "F",
    "M": "M",
    "MALE": "M",
    "MASC": "M",
    "MASCULINE": "M",
    "MASCULINO": "M",
    "MAN": "M",
    "HOMBRE": "M",
    "BOY": "M",
    "X": "X",
    "NB": "X",
    "NONBINARY": "X",
}
_LIST_MARK: Final = re.compile(r"\d")

_CITY_WORDS: Final = {"FORT": "FT", "MOUNT": "MT", "SAINT": "ST", "SAINTE": "STE"}

_NO_ADDRESS: Final = PLACEHOLDERS | {
    "ADDRESS",
    "CONFIDENTIAL",
    "GENDEL",
    "GENDELIVERY",
    "GENERALDELIVERY",
    "HOMELESS",
    "BADADDRESS",
    "MAILRETURNED",
    "MOVED",
    "NA",
    "NFA",
    "NOADDRESS",
    "NOFIXEDABODE",
    "NOFIXEDADDRESS",
    "NOPERMANENTADDRESS",
    "NOPERMANENTRESIDENCE",
    "RETURNEDMAIL",
    "SAME",
    "SAMEASABOVE",
    "SAMEASMAILING",
    "SAMEASPHYSICAL",
    "SHELTER",
    "TRANSIENT",
    "UNDOMICILED",
    "UNSHELTERED",
    "UNKNOWNADDRESS",
    "ADDRESSUNKNOWN",
    "UNHOUSED",
    "ACP",
    "ADDRESSCONFIDENTIALITYPROGRAM",
    "CAR",
    "COUCHSURFING",
    "INCAR",
    "INTRANSIT",
    "LIVESINCAR",
    "LIVINGINCAR",
    "JAIL",
    "ONTHESTREET",
    "ONTHESTREETS",
    "PRISON",
    "RETURNED",
    "SOFASURFING",
    "STREET",
    "STREETS",
    "TENT",
    "UNDELIVERABLE",
    "UTL",
    "VARIOUS",
    "VEHICLE",
}
_NO_ID: Final = PLACEHOLDERS | {"NA"}
_ROUNDED: Final = re.compile(r"\d(?:\.\d+)?E\+\d+", re.IGNORECASE | re.ASCII)
"""What a spreadsheet makes of a long number: 1.23457E+11 is many people's."""
_NOTHING: Final = dict.fromkeys(_NO_ADDRESS, "")


def sexes(texts: Sequence[str]) -> list[str | None]:
    """Give F, M or X. Digits alone are denied: registers disagree on what they mean; beside a word (1 - Male) they say nothing."""
    return [_sex(words(text)) for text in texts]


def _sex(parts: Sequence[str]) -> str | None:
    if (whole := _SEXES.get("".join(parts))) is not None:
        return whole
    said = [word for part in parts if (word := _LIST_MARK.sub("", part))]
    found = {_SEXES.get(word) for word in said} or {_SEXES.get("".join(said))}
    return found.pop() if len(found) == 1 else None


def streets(texts: Sequence[str]) -> list[str | None]:
    """Give a street line without spaces, its words abbreviated: `12 North Main Street` is 12NMAINST. A letter or zeros alone are none."""
    return _lines(texts, houses=True)


def street_names(texts: Sequence[str]) -> list[str | None]:
    """Give street lines without the number of the house: 5THAVE of `12B 5th Avenue`. A line of a number alone is denied."""
    return _lines(texts, houses=False)


def _lines(texts: Sequence[str], *, houses: bool) -> list[str | None]:
    """Give the plain form of each line, of all of them together; None where a line says nothing."""
    if not texts:
        return []
    if not columns.MARK.join(texts).isascii() or columns.join_texts(texts) is None:
        texts = [mend_text(text.replace(columns.MARK, "")) for text in texts]
    found = columns.objects(plain_lines(columns.MARK.join(texts), houses=houses).split(columns.MARK))
    spaced = plain_words(texts)
    parts = spaced.split(" ")
    whole = "".join(parts).split(columns.MARK)
    more = "".join(map(_NOTHING.get, parts, parts)).split(columns.MARK)
    # of these there are few: what one rule or another may deny
    asked = columns.one_character(found.tolist()) | (columns.sizes(whole) <= LONGEST_MARK)
    asked |= columns.among(whole, _NO_ADDRESS) | (columns.sizes(more) == 0)
    for at in np.flatnonzero(asked).tolist():
        if _says_none(texts[at], str(found[at])):
            found[at] = None
    return columns.only(found.tolist(), found.astype(bool))


def _says_none(text: str, line: str) -> bool:
    """Tell whether a line stands for none. 5 and 11 are the numbers of houses."""
    one_character = len(set(line)) <= 1 and not line.strip("0").isdecimal()
    return one_character or says_nothing(text, words(text), _NO_ADDRESS)


def cities(texts: Sequence[str]) -> list[str | None]:
    """Give a city's letters, `Saint Paul` and `St. Paul` alike."""
    letters = ("".join(c for c in _join_parts(text, words(text), _CITY_WORDS) or "" if c.isalpha()) for text in texts)
    return [city or None for city in letters]


def agency_ids(texts: Sequence[str]) -> list[str | None]:
    """Give a state's or school's number of a person: letters and digits. One character, also repeated, stands for no number."""
    if "." in (whole := "\n".join(texts)) or "+" in whole:
        texts = columns.without_decimals(list(map(str.strip, texts)))
        for at in np.flatnonzero(columns.apply_test(contains, texts, "+")).tolist():
            texts[at] = "" if _ROUNDED.fullmatch(texts[at]) else texts[at]
    numbers = join_words(texts)
    good = ~columns.one_character(numbers)
    # what says that there is none is words; #DIV/0! is the only mark with a digit
    asked = columns.apply_test(str.isalpha, numbers) | columns.among(numbers, {"DIV0"})
    for at in np.flatnonzero(asked).tolist():
        good[at] &= not says_nothing(texts[at], words(texts[at]), _NO_ID)
    return columns.only(numbers, good)


def _join_parts(text: str, parts: Sequence[str], short: dict[str, str]) -> str | None:
    joined = "".join(short.get(part, part) for part in parts)
    # 5 and 11 are the numbers of houses
    one_character = len(set(joined)) <= 1 and not joined.strip("0").isdecimal()
    return None if one_character or says_nothing(text, parts, _NO_ADDRESS) else joined
