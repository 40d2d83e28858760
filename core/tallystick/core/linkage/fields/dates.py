"""Birth dates: ISO, US and compact forms to YYYYMMDD.

Valid from 1900-01-02 to 2049-12-31. 1900-01-01 is what databases write for no date; 2079-06-06 and 2099-12-31 are others, and 1950
to 1968 become 2050 to 2068 where two digits of the year were kept. What is later than today cannot be told: no rule may depend on the
day it is used. A year of two digits is denied: the century would be a guess.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from typing import Final

FIRST: Final = date(1900, 1, 2)
LAST: Final = date(2049, 12, 31)

_TIME: Final = r"(?:[T ]\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?: ?[AP]M|Z|[+-]\d{2}:?\d{2})?)?"
_YEAR_FIRST: Final = re.compile(r"(\d{4})([-/.])(\d{1,2})\2(\d{1,2})" + _TIME, re.ASCII | re.IGNORECASE)
_MONTH_FIRST: Final = re.compile(r"(\d{1,2})([-/.])(\d{1,2})\2(\d{4})" + _TIME, re.ASCII | re.IGNORECASE)
_COMPACT: Final = re.compile(r"(\d{4})(\d{2})(\d{2})(?:\.0+)?", re.ASCII)


def birth_dates(texts: Sequence[str]) -> list[str | None]:
    """Give dates as YYYYMMDD. 03/04/1990 is read as in the US: 4 March."""
    return [_birth_date(text.strip()) for text in texts]


def _birth_date(text: str) -> str | None:
    if match := _YEAR_FIRST.fullmatch(text):
        year, month, day = match[1], match[3], match[4]
    elif match := _MONTH_FIRST.fullmatch(text):
        month, day, year = match[1], match[3], match[4]
    elif match := _COMPACT.fullmatch(text):
        year, month, day = match[1], match[2], match[3]
    else:
        return None
    try:
        found = date(int(year), int(month), int(day))
    except ValueError:
        return None
    return found.strftime("%Y%m%d") if FIRST <= found <= LAST else None
