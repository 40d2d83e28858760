"""Birth dates to YYYYMMDD, by the reader of `core/values/dates.py`.

Valid from 1900-01-02 to 2049-12-31. 1900-01-01 is what databases write for no date; 2079-06-06 and 2099-12-31 are others, and 1950
to 1968 become 2050 to 2068 where two digits of the year were kept. What is later than today cannot be told: no rule may depend on the
day it is used. Of a year of two digits, 50 to 99 can only be of the last century; what is below could be of both, and is not read.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Final

import numpy as np
import numpy.typing as npt

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


FEWEST_DEFAULT: Final = 5
"""People on a day before it can be one that stands for an unknown day."""
NEW_YEAR: Final = "0101"
DEFAULT_DAYS: Final = {NEW_YEAR: 0.02, "01": 0.1}
"""Ends of YYYYMMDD that often stand for an unknown day, 1 January and the first of a month, and the share of a list's people above which
they do there: one person in 365 is born on the one, and one in 30 on the other."""


def find_default_days(dates: Sequence[str], counts: Sequence[int]) -> tuple[str, ...]:
    """Give the ends of dates that so many people of a list have that they stand for an unknown day.

    Args:
        dates: distinct, as YYYYMMDD.
        counts: of the people who have each.
    """
    return tuple(_find_heaps(dates, np.asarray(counts, dtype=np.int64)))


def _find_heaps(dates: Sequence[str], counts: npt.NDArray[np.int64]) -> Iterator[str]:
    for end, share in DEFAULT_DAYS.items():
        there = np.fromiter((one.endswith(end) for one in dates), dtype=np.bool_, count=len(dates))
        if is_heaped(int(counts[there].sum()), int(counts.sum()), share):
            yield end


def is_heaped(there: int, people: int, share: float) -> bool:
    """Tell whether so many of a list's people are on a default day that it stands for an unknown one."""
    return there >= FEWEST_DEFAULT and there > share * people
