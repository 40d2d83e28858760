"""Street lines made equal: what two clerks write differently of one home, and never two homes alike.

    12 North Main Street, Apartment 4B    12 N. Main St #4B       12NMAINSTAPT4B
    P.O. Box 123, POB 123, Post Office Box 123                    POBOX123
    Rural Route 3 Box 9                   RR 3 Box 9              RR3BOX9
    12 Fifth Avenue                       12 5th Ave              12-5THAVE
    32 1/2 Main St                        32½ Main St             32HALFMAINST
    Apt 04, 12 Main St                    12 Main St Apt 4        12MAINSTAPT4
    12 A St                                                       12-AST

Between two numbers a hyphen stays, so that 1 12th St (1-12THST) is not 112th St; and before a letter that is the whole name of a street, so
that 12 A St is not 12A St. The rules work on many lines at once, joined with a mark
between them (`columns.MARK`).

Of parsers of US addresses, usaddress and libpostal were looked at: a model that is trained would decide what a token is, and every
release of it would be another normalisation. Words of USPS Publication 28, and no model, stand here.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from tallystick.core.linkage.fields import columns
from tallystick.core.linkage.fields.names import keep_character, upper

M: Final = columns.MARK

WORDS: Final = {
    long: short
    for short, longs in {
        "ALY": "ALLEY ALLY", "APT": "APARTMENT APTO APTMT", "AVE": "AV AVENUE AVEN AVN AVNUE", "BLDG": "BUILDING",
        "BLVD": "BOULEVARD BOUL BLVRD",
        "BRG": "BRIDGE", "BSMT": "BASEMENT", "CIR": "CIRCLE CIRC CRCL", "CRK": "CREEK", "CRES": "CRESCENT", "CT": "COURT CRT",
        "CTR": "CENTER CENTRE",
        "CV": "COVE", "DR": "DRIVE DRV", "E": "EAST", "EXPY": "EXPRESSWAY EXPWY", "FL": "FLOOR", "FT": "FORT",
        "FWY": "FREEWAY", "GDNS": "GARDENS",
        "GRV": "GROVE", "HTS": "HEIGHTS HGTS", "HWY": "HIGHWAY HIWAY HWAY", "IS": "ISLAND", "JCT": "JUNCTION", "LN": "LANE",
        "LOWR": "LOWER", "LNDG": "LANDING",
        "MDWS": "MEADOWS", "MT": "MOUNT", "MTN": "MOUNTAIN", "N": "NORTH", "NE": "NORTHEAST", "NW": "NORTHWEST", "PKWY": "PARKWAY PKY PARKWY",
        "PL": "PLACE", "PLZ": "PLAZA", "PT": "POINT", "RD": "ROAD", "RDG": "RIDGE", "RM": "ROOM", "RTE": "ROUTE", "S": "SOUTH",
        "SE": "SOUTHEAST", "SPC": "SPACE", "SPGS": "SPRINGS", "SQ": "SQUARE", "ST": "SAINT STR STREET STRT", "STE": "SUITE", "SW": "SOUTHWEST",
        "TER": "TERRACE TERR", "TPKE": "TURNPIKE", "TRL": "TRAIL", "TRLR": "TRAILER", "UPPR": "UPPER", "VLG": "VILLAGE", "VLY": "VALLEY",
        "VW": "VIEW",
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

_KEPT: Final = {code: keep_character(chr(code)) for code in range(128)} | {ord(M): f" {M} ", ord("#"): " # "}
_NUMBERED: Final = (
    "POBOX", "BOX", "RR", "HC", "CR", "SR", "LOT", "BLDG", "BUILDING", "FL", "FLOOR", "SPC", "SPACE", "TRLR", "HWY", "RTE",
)  # fmt: skip
"""Words that a number follows, with # before it or not."""
_PARTS: Final = tuple(
    (re.compile(rf"(?:(?<=\d)|(?<=\d[ -])|(?<=\d AND )|(?<=\d & )) *{above} */ *{below}(?![\d/])", re.ASCII), meaning)
    for above, below, meaning in (("1", "2", " HALF "), ("1", "4", " QUARTER "), ("3", "4", " QUARTERS "))
)
"""Parts of a house's number."""
_HALF_WORDS: Final = re.compile(
    r"(?<=\d)(?: AND| &)?(?: ONE[ -]HALF| A HALF| HALF)(?= )| (?:AND|&)(?=  ?(?:HALF|QUARTERS?) )|(?<=\d)\.5(?!\d)"
)
_POINT: Final = re.compile(r"(?<=\d)\.(?=\d)", re.ASCII)
_SPACES: Final = re.compile("  +")


def _ordinal(found: re.Match[str]) -> str:
    """Give the ordinal of a street's number: 21ST of 21."""
    number = found[1]
    ending = "TH" if number[-2:-1] == "1" else {"1": "ST", "2": "ND", "3": "RD"}.get(number[-1], "TH")
    return f"{number}{ending} "


def _floor(found: re.Match[str]) -> str:
    return f"FLOOR {found[1][:-2]}"


def _us(found: re.Match[str]) -> str:
    return "US" if found[0] == "U S" else ""


_PHRASES: Final = tuple(
    (re.compile(pattern), meaning)
    for pattern, meaning in (
        (r"(?<= )(?:P[O0]|P [O0]) DRAWER(?= )", "DRAWER"),
        (
            (
                r"(?<= )(?:P [O0] BOX|P [O0] B|P[O0] BOX|P[O0]BOX|POB|P [O0] BX|P[O0] BX|PO B|POST OFFICE BOX|POST BOX|POBX"
                r"|(?:APARTADO|APDO)(?: POSTAL)?)(?= )"
            ),
            "POBOX",
        ),
        (rf"(?<={M} )(?:PO|P O)(?= (?:# )?\d+ {M})", "POBOX"),
        (rf"(?<={M} )(?:BOX|BX)(?= [#\d])", "POBOX"),
        (r"(?<= )(?:RURAL (?:ROUTE|RT|RTE|DELIVERY)|R R|R F D|RFD|RRT)(?= )", "RR"),
        (rf"(?<={M} )(?:ROUTE|RTE|RT|RD|R D)(?= (?:# )?\d+[A-Z]? (?:BO?X|POBOX) )", "RR"),
        (r"(?<= RR)(?= ?(?:# ?)?\d)(?: ?# ?)?", " "),
        (r"(?<= RR )( *\d+[A-Z]?) (?:POBOX|BO?X|#)(?: (?:#|NO|NUM|NUMBER))?(?= \d)", r"\1 BOX"),
        (r"(?<= )(?:(?:HIGHWAY|HWY) CONTRACT(?: ROUTE| RTE| RT)?|H C|HCR|STAR ROUTE|STAR RTE)(?= )", "HC"),
        (r"(?<= )(?:(?:COUNTY|CNTY|CTY|CO) (?:ROAD|RD)|CTH)(?= (?:\d|[A-Z]{1,2}\d* ))", "CR"),
        (r"(?<= )U S(?= )|(?<= U S) (?:HIGHWAY|HWY|ROUTE|RTE)(?= \d)|(?<= US) (?:HIGHWAY|HWY|ROUTE|RTE)(?= \d)", _us),
        (r"(?<= )(?:STATE|ST) (?:ROUTE|RTE|RT)(?= \d)", "SR"),
        (
            (r"(?<= )(?:APARTMENT|APTMT|APMT|APTO|APT|UNIT|UNT|DEPT|SUITE|STE|ROOM|RM)(?= (?:[#\d]|(?:NO|NUM|NUMBER) |[A-Z]\d* ))"
            r"(?: (?:#|NO|NUM|NUMBER)(?= [\dA-Z]))?"),
            "APT",
        ),
        (r"(?<= )(?:NO|NUM|NUMBER)(?= \d)", "#"),
        (rf"(?<={M} )# (?=[\dA-Z]{{1,5}} \d+ [A-Z])", "APT "),
        (rf"(?<={M} )#(?= )", ""),
        ("|".join(f"(?<= {word}) #(?= )" for word in _NUMBERED), ""),
        (r"(?<= )#(?= [\dA-Z])", "APT"),
        (r"(?<= )#(?= )", ""),
        (r"(?<= )BX(?= \d)", "BOX"),
        # the unit that stands first goes to the end
        (rf"(?<={M} )APT(?: (?:NO|NUM|NUMBER|#))? ([\dA-Z]{{1,5}}) (?=\d[^{M}]*{M})([^{M}]*?) (?={M})", r"\2 APT \1 "),
        # a number behind the street's kind is a unit's; one before it is the street's, though nobody wrote the ending
        (
            (
                rf"(?<= )((?!{M})[A-Z]{{3,}} (?:STREET|ST|DRIVE|DR|LANE|LN|COURT|CT|PLACE|PL|BOULEVARD|BLVD|WAY|CIRCLE|CIR)) "
                rf"(?=\d+[A-Z]? {M})"
            ),
            r"\1 APT ",
        ),
        (
            (
                r"(?<=[\dA-Z] )(?<!APT )(?<!BOX )(?<!LOT )(?<!HWY )(?<!RTE )(?<! CR )(?<! SR )(\d{1,3}) "
                r"(?=(?:STREET|ST|STR|AVENUE|AVE|AV) )"
            ),
            _ordinal,
        ),
        (r"(?<= )((?:\d*)(?:1ST|2ND|3RD|\dTH)) (?:FLOOR|FLR|FL)(?= )", _floor),
    )
)  # fmt: skip
_STREET_LETTER: Final = re.compile(
    r"(?<=\d) (?=[A-Z] (?:STREET|ST|STR|AVENUE|AVE|AV|PLACE|PL|COURT|CT|ROAD|RD|LANE|LN|DRIVE|DR) )", re.ASCII
)
_ZEROS: Final = re.compile(r"(?<![\d.])0+(?=\d)", re.ASCII)
_FRACTIONS: Final = {0xBD: " 1/2 ", 0xBC: " 1/4 ", 0xBE: " 3/4 "}
_HOUSES: Final = re.compile(rf"(?<={M} )\d+[A-Z]?(?= )(?: (?:\d+|HALF|QUARTERS?)(?= ))*", re.ASCII)
"""Numbers of houses: 12, 12B, 12-14, 12 1/2, where a line begins."""
_TWO_NUMBERS: Final = re.compile(r"(?<=\d) (?=\d)", re.ASCII)


def plain_lines(whole: str, *, houses: bool = True) -> str:
    """Give lines in their plain form: words without spaces, marks between lines as they were.

    Args:
        whole: lines, joined with `columns.MARK`; none of them holds it.
        houses: keep the numbers of the houses.
    """
    spaced = upper(whole.translate(_FRACTIONS))
    for part, word in _PARTS:
        spaced = part.sub(word, spaced)
    spaced = _POINT.sub(" ", _HALF_WORDS.sub(_half, spaced))
    spaced = _ZEROS.sub("", _SPACES.sub(" ", f"{M} {spaced.translate(_kept)} {M}"))
    for pattern, meaning in _PHRASES:
        spaced = pattern.sub(meaning, spaced)
    spaced = _SPACES.sub(" ", spaced)
    if _TY.search(spaced):
        for words, short in _TWO_WORDS.items():
            spaced = spaced.replace(f" {words} ", f" {short} ")
    if not houses:
        spaced = _HOUSES.sub("", spaced)
    spaced = _STREET_LETTER.sub(" - ", spaced)
    parts = spaced.split(" ")
    return _TWO_NUMBERS.sub("-", " ".join(map(SHORT.get, parts, parts))).replace(" ", "")[1:-1]


def plain_words(texts: Sequence[str]) -> str:
    """Give the words of lines, spaces and marks between them; none of them holds the mark."""
    spaced = upper(M.join(texts)).translate(_kept).replace("#", " ")
    return f" {spaced} "


def _half(found: re.Match[str]) -> str:
    """Give HALF for what says so; AND before a part that was found already says nothing."""
    return " HALF " if "HALF" in found[0] or found[0] == ".5" else " "


class _Kept(dict[int, str]):
    """What stays of each character, beyond ASCII found when it is asked for."""

    def __missing__(self, code: int) -> str:
        self[code] = keep_character(chr(code))
        return self[code]


_kept: Final = _Kept(_KEPT)
