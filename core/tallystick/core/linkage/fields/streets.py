"""Street lines made equal: what two clerks write differently of one home, and never two homes alike.

    12 North Main Street, Apartment 4B    12 N. Main St #4B       12NMAINSTAPT4B
    P.O. Box 123, POB 123, Post Office Box 123                    POBOX123
    Rural Route 3 Box 9                   RR 3 Box 9              RR3BOX9
    12 Fifth Avenue                       12 5th Ave              12-5THAVE
    32 1/2 Main St                        32½ Main St             32HALFMAINST

Between two numbers a hyphen stays, so that 1 12th St (1-12THST) is not 112th St. The rules work on many lines at once, joined with a mark
between them (`columns.MARK`).

Of parsers of US addresses, usaddress and libpostal were looked at: a model that is trained would decide what a token is, and every
release of it would be another normalisation. Words of USPS Publication 28, and no model, stand here.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from tallystick.core.linkage.fields import columns
from tallystick.core.linkage.fields.names import kept, upper

M: Final = columns.MARK

WORDS: Final = {
    long: short
    for short, longs in {
        "ALY": "ALLEY ALLY", "APT": "APARTMENT APTO APTMT", "AVE": "AV AVENUE AVEN AVN AVNUE", "BLDG": "BUILDING",
        "BLVD": "BOULEVARD BOUL BLVRD",
        "BRG": "BRIDGE", "BSMT": "BASEMENT", "CIR": "CIRCLE CIRC CRCL", "CRK": "CREEK", "CRES": "CRESCENT", "CT": "COURT CRT",
        "CTR": "CENTER CENTRE",
        "CV": "COVE", "DR": "DRIVE DRV", "E": "EAST", "EXPY": "EXPRESSWAY EXPWY", "FL": "FLOOR", "FWY": "FREEWAY", "GDNS": "GARDENS",
        "GRV": "GROVE", "HTS": "HEIGHTS HGTS", "HWY": "HIGHWAY HIWAY HWAY", "IS": "ISLAND", "JCT": "JUNCTION", "LN": "LANE", "LNDG": "LANDING",
        "MDWS": "MEADOWS", "MT": "MOUNT", "MTN": "MOUNTAIN", "N": "NORTH", "NE": "NORTHEAST", "NW": "NORTHWEST", "PKWY": "PARKWAY PKY PARKWY",
        "PL": "PLACE", "PLZ": "PLAZA", "PT": "POINT", "RD": "ROAD", "RDG": "RIDGE", "RM": "ROOM", "RTE": "ROUTE", "S": "SOUTH",
        "SE": "SOUTHEAST", "SPC": "SPACE", "SPGS": "SPRINGS", "SQ": "SQUARE", "ST": "SAINT STR STREET STRT", "STE": "SUITE", "SW": "SOUTHWEST",
        "TER": "TERRACE TERR", "TPKE": "TURNPIKE", "TRL": "TRAIL", "TRLR": "TRAILER", "VLG": "VILLAGE", "VLY": "VALLEY", "VW": "VIEW",
        "W": "WEST", "XING": "CROSSING",
    }.items()
    for long in longs.split()
}  # fmt: skip

_ONES: Final = {
    "FIRST": "1ST", "SECOND": "2ND", "THIRD": "3RD", "FOURTH": "4TH", "FIFTH": "5TH", "SIXTH": "6TH", "SEVENTH": "7TH", "EIGHTH": "8TH",
    "NINTH": "9TH",
}  # fmt: skip
_TEEN_WORDS: Final = (
    "TENTH", "ELEVENTH", "TWELFTH", "THIRTEENTH", "FOURTEENTH", "FIFTEENTH", "SIXTEENTH", "SEVENTEENTH", "EIGHTEENTH", "NINETEENTH",
)  # fmt: skip
_TEENS: Final = {word: f"{number}TH" for number, word in enumerate(_TEEN_WORDS, 10)}
_TENS: Final = {"TWENT": 2, "THIRT": 3, "FORT": 4, "FIFT": 5, "SIXT": 6, "SEVENT": 7, "EIGHT": 8, "NINET": 9}
_ORDINALS: Final = {**_ONES, **_TEENS, **{f"{ten}IETH": f"{number}0TH" for ten, number in _TENS.items()}}
_TWO_WORDS: Final = {f"{ten}Y {one}": f"{number}{short}" for ten, number in _TENS.items() for one, short in _ONES.items()}
_TY: Final = re.compile(r" (?:TWENT|THIRT|FORT|FIFT|SIXT|SEVENT|EIGHT|NINET)Y ")
SHORT: Final = {**WORDS, **_ORDINALS}

_KEPT: Final = {code: kept(chr(code)) for code in range(128)} | {ord(M): f" {M} ", ord("#"): " # "}
_NUMBERED: Final = (
    "POBOX", "BOX", "RR", "HC", "CR", "SR", "LOT", "BLDG", "BUILDING", "FL", "FLOOR", "SPC", "SPACE", "TRLR", "HWY", "RTE",
)  # fmt: skip
"""Words that a number follows, with # before it or not."""
_HALF: Final = re.compile(r"(?:(?<=\d)|(?<=\d[ -])) *1 */ *2(?![\d/])", re.ASCII)
_SPACES: Final = re.compile("  +")
_PHRASES: Final = tuple(
    (re.compile(pattern), meaning)
    for pattern, meaning in (
        (r"(?<= )(?:P O BOX|P O B|PO BOX|POBOX|POB|P O BX|PO BX|PO B|POST OFFICE BOX|POST BOX|POBX)(?= )", "POBOX"),
        (rf"(?<={M} )(?:BOX|BX)(?= [#\d])", "POBOX"),
        (r"(?<= )(?:RURAL (?:ROUTE|RT|RTE|DELIVERY)|R R|R F D|RFD|RRT)(?= )", "RR"),
        (rf"(?<={M} )(?:ROUTE|RTE|RT)(?= (?:# )?\d+[A-Z]? BO?X )", "RR"),
        (r"(?<= )(?:(?:HIGHWAY|HWY) CONTRACT(?: ROUTE| RTE| RT)?|H C|HCR|STAR ROUTE|STAR RTE)(?= )", "HC"),
        (r"(?<= )(?:(?:COUNTY|CNTY|CO) (?:ROAD|RD)|CTH)(?= \d)", "CR"),
        (r"(?<= )(?:STATE|ST) (?:ROUTE|RTE|RT)(?= \d)", "SR"),
        (
            (r"(?<= )(?:APARTMENT|APTMT|APTO|APT|UNIT|UNT|DEPT|SUITE|STE|ROOM|RM)(?= (?:[#\d]|(?:NO|NUM|NUMBER) |[A-Z]\d* ))"
            r"(?: (?:#|NO|NUM|NUMBER)(?= [\dA-Z]))?"),
            "APT",
        ),
        (r"(?<= )(?:NO|NUM|NUMBER)(?= \d)", "#"),
        (rf"(?<={M} )#(?= )", ""),
        ("|".join(f"(?<= {word}) #(?= )" for word in _NUMBERED), ""),
        (r"(?<= )#(?= [\dA-Z])", "APT"),
        (r"(?<= )#(?= )", ""),
        (r"(?<= )BX(?= \d)", "BOX"),
    )
)  # fmt: skip
_HOUSES: Final = re.compile(rf"(?<={M} )\d+[A-Z]?(?= )(?: (?:\d+|HALF)(?= ))*", re.ASCII)
"""Numbers of houses: 12, 12B, 12-14, 12 1/2, where a line begins."""
_TWO_NUMBERS: Final = re.compile(r"(?<=\d) (?=\d)", re.ASCII)


def plain_lines(whole: str, *, houses: bool = True) -> str:
    """Give lines in their plain form: words without spaces, marks between lines as they were.

    Args:
        whole: lines, joined with `columns.MARK`; none of them holds it.
        houses: keep the numbers of the houses.
    """
    spaced = upper(whole.replace("\N{VULGAR FRACTION ONE HALF}", " 1/2 "))
    spaced = _SPACES.sub(" ", f"{M} {_HALF.sub(' HALF ', spaced).translate(_kept)} {M}")
    for pattern, meaning in _PHRASES:
        spaced = pattern.sub(meaning, spaced)
    spaced = _SPACES.sub(" ", spaced)
    if _TY.search(spaced):
        for words, meaning in _TWO_WORDS.items():
            spaced = spaced.replace(f" {words} ", f" {meaning} ")
    if not houses:
        spaced = _HOUSES.sub("", spaced)
    parts = spaced.split(" ")
    return _TWO_NUMBERS.sub("-", " ".join(map(SHORT.get, parts, parts))).replace(" ", "")[1:-1]


def plain_words(texts: Sequence[str]) -> str:
    """Give the words of lines, spaces and marks between them; none of them holds the mark."""
    spaced = upper(M.join(texts)).translate(_kept).replace("#", " ")
    return f" {spaced} "


class _Kept(dict[int, str]):
    """What stays of each character, beyond ASCII found when it is asked for."""

    def __missing__(self, code: int) -> str:
        self[code] = kept(chr(code))
        return self[code]


_kept: Final = _Kept(_KEPT)
