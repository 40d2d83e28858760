"""What tells two people of one list apart, however much else they share.

- Two different numbers of a kind that a person has one of: SSN, its last four digits, the state's, the schools'. Two different
  birth dates.
- Two first names that are not one name written differently. Twins share their birth date, surname and home, and clerks give
  one the number of the other.

First names are one if they have one nickname group, if one is the initial of the other, or if the two people have first and last name
exchanged; unless the sex differs, also if they sound alike, or, where a number says that they are one person, if they are one slip of
the pen apart. What is missing tells nobody apart.
"""

from __future__ import annotations

from typing import ClassVar, Final

import jellyfish
import numpy as np
import numpy.typing as npt

from tallystick.core.linkage.fields.fields import FIELDS
from tallystick.core.linkage.fields.normalise import Normalised
from tallystick.core.linkage.passes.recipes import Part
from tallystick.core.linkage.passes.tokens import Fields, Identifiers

Int64s = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

_NUMBERS: Final = ("ssn", "ssn4", "state_id", "school_id")
_SINGLE: Final = (*_NUMBERS, "birth_date")
"""Fields of which a person has one."""


class Apart:
    """What tells people apart.

    Args:
        identifiers: raw values, one per person, by identifier.
    """

    REASONS: ClassVar = (*_SINGLE, "first_name")
    """What reasons are numbered by."""

    def __init__(self, identifiers: Identifiers) -> None:
        fields = Fields(identifiers, {})

        def of(name: str) -> Normalised | None:
            return None if FIELDS[name].lacking(identifiers) else fields.part(Part(name))[0]

        self._single = [(code, found) for code, name in enumerate(_SINGLE) if (found := of(name)) is not None]
        self._first, self._initial, self._sex = of("first_name"), of("first_initial"), of("sex")
        self._group, self._sound = of("first_group"), of("first_sound")
        any_order = "names_any_order"
        self._exchanged = () if FIELDS[any_order].lacking(identifiers) else fields.part(Part(any_order))

    def reasons(self, a: Int64s, b: Int64s) -> Int64s:
        """Give, for each pair of people (a[i], b[i]), the first of `REASONS` that tells them apart; -1 for none."""
        found = np.full(len(a), -1, dtype=np.int64)
        for code, field in self._single:
            found[(found < 0) & _differ(field, a, b)] = code
        found[(found < 0) & self._other_names(a, b)] = len(_SINGLE)
        return found

    def other_names(self, a: Int64s, b: Int64s) -> Bools:
        """Tell of which pairs of people (a[i], b[i]) the first names are not one name, whatever else tells them apart."""
        return self._other_names(a, b)

    def _other_names(self, a: Int64s, b: Int64s) -> Bools:
        """Tell where first names are not one name."""
        if self._initial is None:
            return np.zeros(len(a), dtype=np.bool_)
        initials = _differ(self._initial, a, b)
        if self._first is None or self._group is None or self._sound is None:
            return initials
        short = np.array([*(len(value) == 1 for value in self._first.values), False], dtype=np.bool_)[self._first.codes]
        other = _differ(self._group, a, b) & (initials | ~(short[a] | short[b]))
        if self._exchanged:
            low, high = self._exchanged
            other &= _differ(low, a, b) | _differ(high, a, b)
        alike = ~_differ(self._sound, a, b)
        alike |= self._slips(self._first, a, b, other & ~alike)
        if self._sex is not None:
            alike &= ~_differ(self._sex, a, b)
        return np.asarray(other & ~alike, dtype=np.bool_)

    def _slips(self, first: Normalised, a: Int64s, b: Int64s, among: Bools) -> Bools:
        """Tell of pairs, where they share a number, whether a letter lost, added, changed, or two exchanged make the names one."""
        shared = np.zeros(len(a), dtype=np.bool_)
        for code, number in self._single:
            if code < len(_NUMBERS):
                shared |= (number.codes[a] >= 0) & (number.codes[a] == number.codes[b])
        asked = np.flatnonzero(shared & among)
        pairs, at = np.unique(np.stack([first.codes[a[asked]], first.codes[b[asked]]]), axis=1, return_inverse=True)
        slip = [
            jellyfish.damerau_levenshtein_distance(first.values[one], first.values[two]) <= 1
            for one, two in zip(*pairs.tolist(), strict=True)
        ]
        found = np.zeros(len(a), dtype=np.bool_)
        found[asked] = np.array(slip, dtype=np.bool_)[at.reshape(-1)]
        return found


def _differ(field: Normalised, a: Int64s, b: Int64s) -> Bools:
    """Tell where both have the field, and not the same."""
    one, two = field.codes[a], field.codes[b]
    return np.asarray((one >= 0) & (two >= 0) & (one != two), dtype=np.bool_)
