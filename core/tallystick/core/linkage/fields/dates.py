"""Birth dates to YYYYMMDD, by the reader of `core/values/dates.py`.

Valid from 1900-01-02 to 2049-12-31. 1900-01-01 is what databases write for no date; 2079-06-06 and 2099-12-31 are others, and 1950
to 1968 become 2050 to 2068 where two digits of the year were kept. What is later than today cannot be told: no rule may depend on the
day it is used. Of a year of two digits, 50 to 99 can only be of the last century; what is below could be of both, and is not read.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Final

from tallystick.core.values.dates import DateRule, read_dates

FIRST: Final = date(1900, 1, 2)
LAST: Final = date(2049, 12, 31)
BIRTH: Final = DateRule(low=FIRST, high=LAST)
"""How a birth date is read that stands alone: 03/04/1990 as in the US, 4 March. Of a file's, all values of a column decide."""


def birth_dates(texts: Sequence[str]) -> list[str | None]:
    """Give dates as YYYYMMDD."""
    low, high = FIRST.isoformat(), LAST.isoformat()
    return [
        found.replace("-", "") if found is not None and low <= found <= high else None for found in read_dates(texts, BIRTH)
    ]
