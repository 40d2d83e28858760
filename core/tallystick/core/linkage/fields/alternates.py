"""What survives an error: fields made from an identifier so that two writings of one person agree.

Each rule takes distinct raw texts, as those of `normalise.py` do, so phonetics and nicknames cost what the distinct names cost.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

import jellyfish
import numpy as np

from tallystick.core.linkage.fields.dates import NEW_YEAR, birth_dates
from tallystick.core.linkage.fields.digits import of_ssns
from tallystick.core.linkage.fields.names import last_names, name_words, read_given_names, words
from tallystick.core.linkage.fields.nicknames import GROUP
from tallystick.core.linkage.fields.places import street_names

PARTICLES: Final = frozenset(
    {"DA", "DAS", "DE", "DEL", "DELA", "DER", "DI", "DOS", "DU", "EL", "LA", "LAS", "LE", "LOS", "VAN", "VON", "Y"}
)
"""Words that belong to the surname part after them."""
FIRST_TAIL: Final = 3
LAST_TAIL: Final = 4
GENERATIONS: Final[Mapping[str, str]] = {
    "SR": "SR", "SENIOR": "SR", "JR": "JR", "JUNIOR": "JR", "II": "II", "2ND": "II", "III": "III", "3RD": "III", "IV": "IV", "4TH": "IV",
}  # fmt: skip
"""What stands behind a name, by the generation that it says."""

FIRST_DAY: Final = "01"


def first_groups(texts: Sequence[str]) -> list[str | None]:
    """Give the nickname group of a first name's first word; a name without one stands for itself."""
    found = (name_words(text, given=True)[:1] for text in texts)
    return [GROUP.get(first, first) if (first := "".join(one)) else None for one in found]


def first_sounds(texts: Sequence[str]) -> list[str | None]:
    """Give the Metaphone code of first names, as `last_sounds` does."""
    return _sounds(read_given_names(texts))


def last_sounds(texts: Sequence[str]) -> list[str | None]:
    """Give the Metaphone code of last names; names with other than A to Z stand for themselves.

    Of the codes tried (Soundex, NYSIIS, Metaphone, match rating) Metaphone found half as many pairs again as NYSIIS on Febrl1 to 3 and
    linked no more wrong ones in the made-up county; Soundex found more but says a bit less of each name.

    Reference: L. Philips, Hanging on the Metaphone, Computer Language 7(12), 1990.
    """
    return _sounds(last_names(texts))


def _sounds(names: Sequence[str | None]) -> list[str | None]:
    return [(jellyfish.metaphone(name) or name) if name and name.isascii() else name for name in names]


def last_parts(texts: Sequence[str]) -> list[str | None]:
    """Give the first part of a double surname: García of `García López`, De la Cruz of `de la Cruz Ruiz`."""
    return [parts[0] if (parts := surname_parts(text)) else None for text in texts]


def last_ends(texts: Sequence[str]) -> list[str | None]:
    """Give the last part of a double surname: López of `García López`."""
    return [parts[-1] if (parts := surname_parts(text)) else None for text in texts]


def surname_parts(text: str) -> list[str]:
    """Give the parts of a surname, each with the particles before it; particles alone are a part."""
    parts: list[str] = []
    held = ""
    for word in name_words(text):
        held += word
        if word not in PARTICLES:
            parts.append(held)
            held = ""
    return [*parts, held] if held else parts


def births_any_order(texts: Sequence[str]) -> list[str | None]:
    """Give birth dates with the smaller of month and day first: 3 April and 4 March of one year agree."""
    return [f"{d[:4]}{min(d[4:6], d[6:])}{max(d[4:6], d[6:])}" if d else None for d in birth_dates(texts)]


def births_month_day(texts: Sequence[str]) -> list[str | None]:
    """Give birth dates without the year. 1 January stands for an unknown day in many registers: without its year it says nothing."""
    return [d[4:] if d and d[4:] != NEW_YEAR else None for d in birth_dates(texts)]


def births_decade_day(texts: Sequence[str]) -> list[str | None]:
    """Give birth dates without the last digit of the year; of 1 January nothing."""
    return [d[:3] + d[4:] if d and d[4:] != NEW_YEAR else None for d in birth_dates(texts)]


def births_unit_day(texts: Sequence[str]) -> list[str | None]:
    """Give birth dates without the year's digit of tens; of 1 January nothing."""
    return [d[:2] + d[3:] if d and d[4:] != NEW_YEAR else None for d in birth_dates(texts)]


def births_month_tens(texts: Sequence[str]) -> list[str | None]:
    """Give birth dates without the last digit of the day; of 1 January nothing."""
    return [d[:7] if d and d[4:] != NEW_YEAR else None for d in birth_dates(texts)]


def births_month_units(texts: Sequence[str]) -> list[str | None]:
    """Give birth dates without the day's digit of tens; of 1 January nothing."""
    return [d[:6] + d[7:] if d and d[4:] != NEW_YEAR else None for d in birth_dates(texts)]


def births_year_day(texts: Sequence[str]) -> list[str | None]:
    """Give birth dates without the month. The first of a month stands for an unknown day: without its month it says only the year."""
    return [d[:4] + d[6:] if d and d[6:] != FIRST_DAY else None for d in birth_dates(texts)]


def new_years(texts: Sequence[str]) -> list[str | None]:
    """Give a mark for birth dates on 1 January, which is what many write of whom they know the year alone."""
    return [NEW_YEAR if d and d[4:] == NEW_YEAR else None for d in birth_dates(texts)]


def ssn_starts(texts: Sequence[str]) -> list[str | None]:
    """Give the first five digits of SSNs, which a slip in the last four leaves alone. Twins' numbers often share them."""
    return of_ssns(texts, lambda digits: digits[:, :5])


def ssn_digits(texts: Sequence[str]) -> list[str | None]:
    """Give the digits of SSNs in order of size: exchanging any of them changes nothing.

    Neighbouring numbers, as twins have, never agree: the sum of their digits differs by one modulo nine.
    """
    return of_ssns(texts, lambda digits: np.sort(digits, axis=1))


def ssn_outer(texts: Sequence[str]) -> list[str | None]:
    """Give the first five digits of SSNs and the last one: a slip in between changes nothing, and neighbouring numbers never agree."""
    return of_ssns(texts, lambda digits: np.concatenate([digits[:, :5], digits[:, -1:]], axis=1))


def first_tails(texts: Sequence[str]) -> list[str | None]:
    """Give the last three letters of first names."""
    return [name[-FIRST_TAIL:] if name else None for name in _whole_names(read_given_names(texts))]


def last_tails(texts: Sequence[str]) -> list[str | None]:
    """Give the last four letters of last names."""
    return [name[-LAST_TAIL:] if name else None for name in last_names(texts)]


def first_letters(texts: Sequence[str]) -> list[str | None]:
    """Give the letters of first names in order of the alphabet: two exchanged leave them as they are."""
    return ["".join(sorted(name)) if name else None for name in _whole_names(read_given_names(texts))]


def last_letters(texts: Sequence[str]) -> list[str | None]:
    """Give the letters of last names in order of the alphabet."""
    return ["".join(sorted(name)) if name else None for name in last_names(texts)]


def second_names(texts: Sequence[str]) -> list[str | None]:
    """Give the nickname group of the second word of a first name: Hoa of `Thi Hoa`."""
    found = (name_words(text, given=True)[1:2] for text in texts)
    return [GROUP.get(one, one) if len(one := "".join(parts)) > 1 else None for parts in found]


def middle_groups(texts: Sequence[str]) -> list[str | None]:
    """Give the nickname group of a middle name's first word; an initial says nothing."""
    found = (name_words(text, given=True)[:1] for text in texts)
    return [GROUP.get(one, one) if len(one := "".join(parts)) > 1 else None for parts in found]


def generations(texts: Sequence[str]) -> list[str | None]:
    """Give the generation behind a name: JR of `Nordahl, Jr.`, II of `David 2nd`."""
    found = ([GENERATIONS[word] for word in words(text)[1:] if word in GENERATIONS] for text in texts)
    return [said[0] if said else None for said in found]


def _whole_names(names: Sequence[str | None]) -> list[str | None]:
    """Give names of two letters or more."""
    return [name if name and len(name) > 1 else None for name in names]


ALTERNATES: Final[Mapping[str, Callable[[Sequence[str]], list[str | None]]]] = {
    "ssn_start": ssn_starts,
    "ssn_digits": ssn_digits,
    "street_name": street_names,
    "first_group": first_groups,
    "first_sound": first_sounds,
    "last_sound": last_sounds,
    "last_part": last_parts,
    "last_end": last_ends,
    "birth_any_order": births_any_order,
    "birth_month_day": births_month_day,
    "birth_decade_day": births_decade_day,
    "birth_unit_day": births_unit_day,
    "birth_month_tens": births_month_tens,
    "birth_month_units": births_month_units,
    "birth_year_day": births_year_day,
    "new_year": new_years,
    "ssn_outer": ssn_outer,
    "first_tail": first_tails,
    "first_letters": first_letters,
    "last_tail": last_tails,
    "last_letters": last_letters,
    "second_name": second_names,
    "middle_group": middle_groups,
    "generation": generations,
}
"""Fields of recipes that are no identifier, by the rule that makes them from their source."""
