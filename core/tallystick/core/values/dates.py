"""Dates as files write them: one reader for birth dates and for columns of type `date`.

A value is read alone where its form says what it is: `1990-03-04`, `19900304`, `04-MAR-1990`, `March 4, 1990`, `02012007`, a moment with or
without a zone (the day is the one that is written). Whether 03/04/1990 is in March or in April is a matter of the whole column
(`decide`): a value above 12 in the first place says that the day comes first, one in the second place that the month does; a column that
says neither is read as in the US. A declared format (`parse_format`) decides alone.

Two digits of a year are read only where one century is possible: that within the bounds, or by a declared pivot. Numbers of days, as
spreadsheets keep dates, are read only in a column that consists of nothing else.

Nothing here knows today's date or a time zone.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Final

import numpy as np
import numpy.typing as npt

from tallystick.core.errors import Invalid

Int64s = npt.NDArray[np.int64]

YEARS: Final = range(1850, 2101)
"""Years that four digits may mean."""
SERIALS: Final = {"serial": date(1899, 12, 30), "serial-1904": date(1904, 1, 1)}
"""Day 0 of the numbers of spreadsheets."""
SERIAL_DAYS: Final = range(367, 73_050)
"""Numbers that are taken for days: 1901 to 2099."""
_MONTHS: Final = (
    "JANUARY",
    "FEBRUARY",
    "MARCH",
    "APRIL",
    "MAY",
    "JUNE",
    "JULY",
    "AUGUST",
    "SEPTEMBER",
    "OCTOBER",
    "NOVEMBER",
    "DECEMBER",
)
_SPANISH: Final = (
    "ENERO", "FEBRERO", "MARZO", "ABRIL", "MAYO", "JUNIO", "JULIO", "AGOSTO", "SEPTIEMBRE", "OCTUBRE", "NOVIEMBRE", "DICIEMBRE",
)  # fmt: skip
_MONTH: Final = {
    name[:size]: at for names in (_SPANISH, _MONTHS) for at, name in enumerate(names, 1) for size in range(3, len(name) + 1)
}
"""Months, whole or cut after three letters or more; SETIEMBRE is written too."""
_MONTH["SETIEMBRE"] = 9
_DAYS: Final = r"(?:(?:MON|TUE|WED|THU|FRI|SAT|SUN)[A-Z]*\.?,? *)?"

_TIME: Final = r"(?:(?:T|,? +|:(?=\d\d:\d\d))\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d+)?)? *(?:[AP]\.?M\.?)? *(?:Z|UTC|GMT|[+-]\d{2}(?::?\d{2})?)?)?"
_ISO: Final = re.compile(r"(\d{4})-(\d{2})-(\d{2})", re.ASCII)
_ZONE: Final = r"(?:Z|[+-]\d{2}:\d{2})?"
"""Behind a day alone, as XML writes it."""
_YEAR_FIRST: Final = re.compile(rf"(\d{{4}})([-/.]| )(\d{{1,2}})\2(\d{{1,2}})(?:{_ZONE}|{_TIME})", re.ASCII)
_YEAR_LAST: Final = re.compile(r"(\d{1,2})([-/.]| )(\d{1,2})\2(\d{4}|\d{2})" + _TIME, re.ASCII)
_YEAR_SHORT: Final = re.compile(r"(\d{2})([-/.])(\d{1,2})\2(\d{1,2})" + _TIME, re.ASCII)
_COMPACT: Final = re.compile(r"(\d{8})(?:[T ]?\d{4}(?:\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{4})?|\.0+)?", re.ASCII)
_LOST_ZERO: Final = re.compile(r"(\d{7})(?:\.0+)?", re.ASCII)
_GAP: Final = r"[-/.,' ]*"
_DAY_NAME: Final = re.compile(
    _DAYS + rf"(\d{{1,2}})(?:ST|ND|RD|TH)?(?: OF| DE)?{_GAP}([A-Z]{{3,10}}){_GAP}(?:(?:DE|DEL) )?(\d{{4}}|\d{{2}})" + _TIME,
    re.ASCII,
)
_NAME_DAY: Final = re.compile(
    _DAYS + rf"([A-Z]{{3,10}}){_GAP}(\d{{1,2}})(?:ST|ND|RD|TH)?[-/.,' ]+(\d{{4}}|\d{{2}})" + _TIME, re.ASCII
)
_CTIME: Final = re.compile(
    _DAYS + r"([A-Z]{3}) (\d{1,2}) \d\d:\d\d:\d\d (?:(?:[A-Z]{2,5}|[+-]\d{4}|GMT[+-]\d\d:?\d\d) )?(\d{4})", re.ASCII
)
"""SUN MAR 04 00:00:00 CST 1990, as programs print a moment."""
_YEAR_NAME: Final = re.compile(rf"(\d{{4}}){_GAP}([A-Z]{{3,10}}){_GAP}(\d{{1,2}})" + _TIME, re.ASCII)
_POWER: Final = re.compile(r"(\d)\.(\d{7})E\+?0*7", re.ASCII)
"""1.9900304E+07 has all eight digits."""
_LABEL: Final = re.compile(r"^(?:D\.?O\.?B\.?|BORN|BIRTH ?DATE|DATE OF BIRTH)[ :=]+|[*.;,]+$", re.ASCII)
_SERIAL: Final = re.compile(r"(\d{3,5})(?:\.\d+)?", re.ASCII)
_SHORT_US: Final = re.compile(r"(\d)(\d{2})(\d{2})", re.ASCII)
_NO_SPACE: Final = re.compile(r" *([-/]) *")
_PLAIN: Final = {
    **dict.fromkeys([0x2010, 0x2011, 0x2012, 0x2013, 0x2014, 0x2212, 0xFE63, 0xFF0D, 0x5E74, 0x6708], "-"),
    **{0xFF10 + digit: str(digit) for digit in range(10)},
    0xFF0F: "/",
    0x65E5: "",
    **dict.fromkeys([0x09, 0xA0, 0x2007, 0x2009, 0x202F], " "),
    **dict.fromkeys(map(ord, "=\"'`\u2018\u2019\u201c\u201d\u200b\u200e\u200f\u202a\u202c\ufeff\xad")),
}
"""Unusual hyphens, spaces and digits made usual; quotes and what cannot be seen taken away. 1990\u5e743\u67084\u65e5 is 1990-3-4."""

_LONGEST_MONTH: Final = 31
_MONTHS_OF_YEAR: Final = 12
_FEW: Final = 3
"""So few values that could be 3/29/36 without its marks are taken for numbers of days, which are far more frequent."""
_TOKEN: Final = re.compile(r"(Y{4}|Y{2}|MON|M{3,4}|M{1,2}|D{1,2})")
_STRFTIME: Final = {"%Y": "YYYY", "%y": "YY", "%m": "MM", "%d": "DD", "%b": "MON", "%B": "MON"}


@dataclass(frozen=True)
class DateRule:
    """How the dates of one column are read.

    Attributes:
        day_first: 03/04/1990 is 3 April.
        serial: day 0 of numbers of days; None where numbers are none.
        low, high: two digits of a year stand for the one that is within these.
        pivot: two digits of a year up to this are of this century, greater ones of the last; None without one.
        year_first: 90-03-04 has its year first.
        year_day: 1990-25-12 has its day behind the year.
        pattern: of a declared format, which then is the only one.
        places: of a declared format: what its groups are, of `y`, `m`, `d`.
    """

    day_first: bool = False
    serial: date | None = None
    low: date = date(1900, 1, 1)
    high: date = date(2099, 12, 31)
    pivot: int | None = None
    year_first: bool = False
    year_day: bool = False
    pattern: re.Pattern[str] | None = None
    places: str = ""

    @property
    def declared(self) -> bool:
        """Whether a format was declared."""
        return self.pattern is not None or self.serial is not None


@dataclass(frozen=True)
class DateEvidence:
    """What the values of a column say of the order of day and month.

    Attributes:
        day_first, month_first: rows that can only be read so.
        either: rows that can be read both ways.
    """

    day_first: int
    month_first: int
    either: int


def parse_format(text: str, rule: DateRule) -> DateRule:
    """Give the rule of a declared format: `DD/MM/YYYY`, `MMDDYYYY`, `DD-MON-YY`, `%d.%m.%Y`, `serial`, `serial-1904`.

    A time behind the date is read over. Where the format parts day, month and year, so may any of - / . and space in a value.

    Raises:
        Invalid: `document-invalid`.
    """
    if text.lower() in SERIALS:
        return replace(rule, serial=SERIALS[text.lower()])
    plain = text
    for mark, token in _STRFTIME.items():
        plain = plain.replace(mark, token)
    plain = re.split(r"[T ]H", plain.upper().strip(), maxsplit=1)[0]
    pattern, places = "", ""
    for part in filter(None, _TOKEN.split(plain)):
        if _TOKEN.fullmatch(part):
            places += "n" if part.startswith("MO") or (len(part) > 2 and part[0] == "M") else part[0].lower()
            pattern += r"([A-Z]{3,9})\.?" if places[-1] == "n" else rf"(\d{{{len(part)}}})"
        elif part.strip("-/., "):
            break
        else:
            pattern += "[-/., ]+"
    else:
        if sorted(places.replace("n", "m")) == ["d", "m", "y"]:
            if "+" in pattern:  # with something between them, day and month may be of one digit
                pattern = pattern.replace(r"(\d{1})", r"(\d{1,2})")
                pattern = re.sub(r"\(\\d\{2\}\)", r"(\\d{1,2})", pattern) if "YYYY" in plain else _shorter(pattern, places)
            return replace(rule, pattern=re.compile(pattern + _TIME, re.ASCII), places=places)
    raise Invalid(
        "document-invalid", f"format {text}: is no format of dates", hint="such as DD/MM/YYYY, MMDDYYYY, DD-MON-YY, serial"
    )


def _shorter(pattern: str, places: str) -> str:
    """Let day and month be of one digit, and the year not."""
    groups = iter(places)
    return re.sub(r"\([^)]*\)", lambda found: r"(\d{1,2})" if next(groups) in "md" else found[0], pattern)


def read_dates(texts: Sequence[str], rule: DateRule) -> list[str | None]:
    """Give dates as ISO text; None for what is not read."""
    read = _by_format if rule.declared else _by_form
    plain = not rule.declared and not rule.year_day
    return [_read(text, rule, read, plain=plain) for text in texts]


def decide(texts: Sequence[str], counts: Int64s, rule: DateRule) -> tuple[DateRule, DateEvidence]:
    """Give the rule by which a column is read, and what its values say of the order of day and month.

    Args:
        texts: the distinct values.
        counts: rows of each.
        rule: what is declared.

    Where both orders are needed, the order of more rows stands in the rule; whoever asked refuses the column.
    """
    if rule.declared:
        return rule, DateEvidence(0, 0, 0)
    if _are_serials(texts):
        return replace(rule, serial=SERIALS["serial"]), DateEvidence(0, 0, 0)
    rule = _decide_years(texts, counts, rule)
    month, day = (
        np.array([one is not None for one in read_dates(texts, replace(rule, day_first=first))]) for first in (False, True)
    )
    # what names a month, or has its year first, reads the same in both orders and says nothing of it
    ordered = np.array([_has_order(text) for text in texts], dtype=np.bool_)
    only_day, only_month, both = (
        int(counts[which].sum()) for which in (ordered & day & ~month, ordered & month & ~day, ordered & day & month)
    )
    return replace(rule, day_first=only_day > only_month), DateEvidence(only_day, only_month, both)


def _decide_years(texts: Sequence[str], counts: Int64s, rule: DateRule) -> DateRule:
    """Decide where the year stands, and the day behind it: what more rows can only be read by.

    Of 90-03-04, a first number above 31 is a year. Of 1990-25-12, a second number above 12 is a day.
    """
    two, first, day, month = 0, 0, 0, 0
    for text, rows in zip(texts, counts.tolist(), strict=True):
        written = _clean(text)
        if found := _YEAR_SHORT.fullmatch(written):
            reads = _short_year(found, replace(rule, pivot=99)) is not None
            first += rows * (int(found[1]) > _LONGEST_MONTH and reads)
            two += rows * (int(found[4]) > _LONGEST_MONTH)
        elif found := _YEAR_FIRST.fullmatch(written):
            day += rows * (_day(int(found[1]), int(found[4]), int(found[3])) is not None and int(found[3]) > _MONTHS_OF_YEAR)
            month += rows * (_day(int(found[1]), int(found[3]), int(found[4])) is not None and int(found[4]) > _MONTHS_OF_YEAR)
    return replace(rule, year_first=first > two, year_day=day > month)


def says_order(text: str, day_first: bool) -> bool:
    """Tell whether a value can be read in one order of day and month alone, and it is this one."""
    readings = [read_dates([text], DateRule(day_first=first))[0] for first in (day_first, not day_first)]
    return _has_order(text) and readings[0] is not None and readings[1] is None


def _are_serials(texts: Sequence[str]) -> bool:
    """Tell whether values plainly are numbers of days: all in their range, not all of them years, nor all 3/29/04 without its marks."""
    plain = years = 0
    for text in texts:
        found = _SERIAL.fullmatch(text.strip())
        if found is None or int(found[1]) not in SERIAL_DAYS:
            return False
        years += int(found[1]) in YEARS
        short = _SHORT_US.fullmatch(found[1])
        plain += short is None or _day(2000, int(short[1]), int(short[2])) is None
    return years < len(texts) and (plain > 0 or 0 < len(texts) <= _FEW)


def _has_order(text: str) -> bool:
    written = _clean(text)
    if _YEAR_LAST.fullmatch(written):
        return True  # where the year stands first, both orders read alike
    compact = _COMPACT.fullmatch(written)
    return compact is not None and _compact(compact[1], "ymd") is None


def _clean(text: str) -> str:
    written = _NO_SPACE.sub(r"\1", " ".join(text.translate(_PLAIN).split())).upper()
    return _POWER.sub(r"\1\2", _LABEL.sub("", written))


def _read(text: str, rule: DateRule, read: Callable[[str, DateRule], date | None], *, plain: bool) -> str | None:
    """Read a value; where nothing says otherwise (`plain`), ISO dates need no cleaning."""
    if plain and (iso := _ISO.fullmatch(text)):
        return text if _day(int(iso[1]), int(iso[2]), int(iso[3])) else None
    found = read(_clean(text), rule)
    return None if found is None else found.isoformat()


def _by_format(text: str, rule: DateRule) -> date | None:
    if rule.serial is not None:
        number = _SERIAL.fullmatch(text)
        return rule.serial + timedelta(int(number[1])) if number and int(number[1]) in SERIAL_DAYS else None
    assert rule.pattern is not None
    found = rule.pattern.fullmatch(text)
    if found is None:
        return None
    said = dict(zip(rule.places, found.groups(), strict=True))
    month = _MONTH.get(said["n"], 0) if "n" in said else int(said["m"])
    return _of_year(said["y"], month, int(said["d"]), rule)


def _by_form(text: str, rule: DateRule) -> date | None:
    """Read a value whose form says what it is, but for the order of day and month."""
    if found := _YEAR_FIRST.fullmatch(text):
        month, day = (found[4], found[3]) if rule.year_day else (found[3], found[4])
        return _day(int(found[1]), int(month), int(day))
    if rule.year_first and (found := _YEAR_SHORT.fullmatch(text)):
        return _short_year(found, rule)
    if found := _CTIME.fullmatch(text):
        return _day(int(found[3]), _MONTH.get(found[1], 0), int(found[2]))
    if found := _YEAR_LAST.fullmatch(text):
        month, day = (found[3], found[1]) if rule.day_first else (found[1], found[3])
        return _of_year(found[4], int(month), int(day), rule)
    if found := _COMPACT.fullmatch(text):
        return _compact(found[1], "ymd") or (
            _compact(text[:8], "dmy" if rule.day_first else "mdy") if text[8:9] in {"", "."} else None
        )
    if found := _LOST_ZERO.fullmatch(text):
        return _compact("0" + found[1], "dmy" if rule.day_first else "mdy")
    for pattern, order in ((_DAY_NAME, "dny"), (_NAME_DAY, "ndy"), (_YEAR_NAME, "ynd")):
        if found := pattern.fullmatch(text):
            said = dict(zip(order, found.groups(), strict=True))
            return _of_year(said["y"], _MONTH.get(said["n"], 0), int(said["d"]), rule)
    return None


def _compact(digits: str, order: str) -> date | None:
    """Read eight digits in one order; a year far from all that lived is none."""
    at, said = 0, {}
    for part in order:
        width = 4 if part == "y" else 2
        said[part], at = int(digits[at : at + width]), at + width
    return _day(said["y"], said["m"], said["d"]) if said["y"] in YEARS else None


def _short_year(found: re.Match[str], rule: DateRule) -> date | None:
    return _of_year(found[1], int(found[3]), int(found[4]), rule)


def _of_year(year: str, month: int, day: int, rule: DateRule) -> date | None:
    if len(year) > 2:
        return _day(int(year), month, day)
    if rule.pivot is not None:
        return _day(int(year) + (2000 if int(year) <= rule.pivot else 1900), month, day)
    possible = [
        found for century in (1900, 2000) if (found := _day(century + int(year), month, day)) and rule.low <= found <= rule.high
    ]
    return possible[0] if len(possible) == 1 else None


def _day(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None
