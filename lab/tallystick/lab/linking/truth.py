"""Which people of two lists are really the same: read from a file that says it of their keys.

True people are numbered. A person of a list is as many of them as its keys are: more than one if keys were merged that should not have been.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from tallystick.core.errors import Invalid
from tallystick.core.linkage.matching.components import components
from tallystick.lab.linking.people import ListPeople, Texts, header_of, select_columns, separators
from tallystick.records.identifiers import strings

Int64s = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

PERSONS: Final = ("dataset", "key", "person")
"""Header of a truth file that says whose each key is; any other has the first file's keys in its first column, the second's next."""


@dataclass(frozen=True)
class Kept:
    """How a list's people compare with the truth.

    Attributes:
        mixed: people of the list that are keys of several true people.
        apart: true people who are several people of the list.
    """

    mixed: int
    apart: int

    @classmethod
    def of(cls, person: Int64s, true: Int64s) -> Kept:
        """Count them.

        Args:
            person: each key's person in the list.
            true: each key's true person; -1 where it is not known.
        """
        known = true >= 0
        pairs = np.unique(np.stack([person[known], true[known]]), axis=1)
        mixed, apart = (int(np.count_nonzero(np.unique(side, return_counts=True)[1] > 1)) for side in pairs)
        return cls(mixed, apart)

    def json_value(self) -> dict[str, object]:
        """Give it for programs."""
        return {"mixed": self.mixed, "apart": self.apart}


@dataclass(frozen=True)
class Truth:
    """True pairs: people of the first list and of the second. Somebody who is twice in a list has several.

    Attributes:
        a: (pairs,) indices of people of the first list.
        b: of the second.
        true: (pairs,) the number of the true person; None: whom pairs connect is one.
        kept: how each list's people compare with the truth; None where that is not known.
        unused: rows of the truth file that name a key that its list has not.
    """

    a: Int64s = field(repr=False)
    b: Int64s = field(repr=False)
    true: Int64s | None = field(repr=False, default=None)
    kept: tuple[Kept, Kept] | None = None
    unused: int = 0

    @property
    def people(self) -> int:
        """True people who are in both lists: as many as a perfect linkage finds."""
        return int(self.numbers.max(initial=-1)) + 1

    @cached_property
    def numbers(self) -> Int64s:
        """The true person of each pair, numbered from 0 without a gap."""
        true = self.true
        if true is None:
            start = int(self.a.max(initial=-1)) + 1
            true = components(start + int(self.b.max(initial=-1)) + 1, self.a, self.b + start)[self.a]
        return np.unique(true, return_inverse=True)[1].reshape(-1).astype(np.int64)

    def true_of(self, a: Int64s, b: Int64s, count_b: int) -> Int64s:
        """Give the true person of each pair (a[i], b[i]), -1 for a false one; of several the smallest number."""
        known = self.a * count_b + self.b
        order = np.lexsort((self.numbers, known))
        codes, first = np.unique(known[order], return_index=True)
        asked = a * count_b + b
        at = np.minimum(np.searchsorted(codes, asked), max(len(codes) - 1, 0))
        if not len(codes):
            return np.full(len(asked), -1, dtype=np.int64)
        return np.asarray(np.where(codes[at] == asked, self.numbers[order[first]][at], -1), dtype=np.int64)

    def holds(self, a: Int64s, b: Int64s, count_b: int) -> Bools:
        """Tell which pairs (a[i], b[i]) are true."""
        return np.asarray(self.true_of(a, b, count_b) >= 0, dtype=np.bool_)


def read_truth(path: Path, first: ListPeople, second: ListPeople) -> Truth:
    """Read a file of truth for two lists.

    It has the columns dataset, key and person (datasets are called as the lists are), or pairs of keys in its first two columns.

    Raises:
        Invalid: `file-missing`; `file-format`: a row lacks something, a key is two people, there is no header; `source-columns`: it
            names no pair of the two lists.
    """
    header = {name.strip(): name for name in header_of(path)}
    lists = (first, second)
    places = [{key.strip(): at for at, key in enumerate(people.keys)} for people in lists]
    if set(PERSONS) <= header.keys():
        true, unused = _by_person(path, _columns(path, [header[name] for name in PERSONS]), (first.name, second.name), places)
    elif len(header) < len(lists):
        raise Invalid(
            "file-format",
            f"{path} is no truth file",
            hint=separators(path) or "columns dataset, key and person; or two columns of keys",
        )
    elif all(name in known for name, known in zip(header, places, strict=False)):
        raise Invalid("file-format", f"{path} begins with keys", hint="give it a header: a line of two names")
    else:
        true, unused = _by_pairs(_columns(path, list(header.values())[:2]), places)
    persons = [people.persons() for people in lists]
    a, b, who = _together(true[0], true[1])
    rows = np.unique(np.stack([persons[0][a], persons[1][b], who]), axis=1)
    if not len(a):
        raise Invalid(
            "source-columns",
            f"{path} names no pair of people of the two files",
            hint="it uses their keys (see --key), or row numbers from 1 where they have none",
        )
    return Truth(rows[0], rows[1], rows[2], (Kept.of(persons[0], true[0]), Kept.of(persons[1], true[1])), unused)


def _columns(path: Path, names: Sequence[str]) -> list[Texts]:
    """Read columns of a CSV file as text, without spaces around it; none of them may be empty anywhere."""
    found = select_columns(
        path, names, lambda file: ", ".join(f"nullif(trim({file[name]}), '') AS v{at}" for at, name in enumerate(names))
    )
    columns = [strings(found[f"v{at}"]) for at in range(len(names))]
    lacking = np.any([[value is None for value in column] for column in columns], axis=0)
    if lacking.any():
        rest = int(lacking.sum()) - 1
        raise Invalid(
            "file-format",
            f"{path}: row {int(np.argmax(lacking)) + 1} lacks {' or '.join(names)}"
            + (f", and so do {rest:,} more" if rest else ""),
            hint="leave out who is in one file alone" if len(names) < len(PERSONS) else "every key is somebody's",
        )
    return columns


def _by_person(
    path: Path, columns: Sequence[Texts], names: tuple[str, str], places: Sequence[Mapping[str, int]]
) -> tuple[list[Int64s], int]:
    """Give each key's true person, -1 where the file says nothing, for both lists; and how many rows say nothing of either."""
    absent = [name for name in names if not (columns[0] == name).any()]
    if absent:
        raise Invalid(
            "source-columns",
            f"{path} has no row of dataset {' or '.join(absent)}",
            hint="its datasets are called as the files are, without their ending",
        )
    number: dict[Any, int] = {}
    true = [np.full(len(known), -1, dtype=np.int64) for known in places]
    twice = unused = 0
    for dataset, key, person in zip(*columns, strict=True):
        at = [(side, places[side][key]) for side in (0, 1) if names[side] == dataset and key in places[side]]
        unused += dataset in names and not at
        who = number.setdefault(person, len(number))
        for side, place in at:
            twice += true[side][place] not in (-1, who)
            true[side][place] = who
    if twice:
        raise Invalid("file-format", f"{path} gives a key to two people", hint="a key is one person's", detail=f"{twice} rows")
    return true, unused


def _by_pairs(columns: Sequence[Texts], places: Sequence[Mapping[str, int]]) -> tuple[list[Int64s], int]:
    """Give the same from pairs of keys: those whom pairs connect are one person."""
    known = [[place.get(key, -1) for key in column] for place, column in zip(places, columns, strict=True)]
    a, b = (np.array(rows, dtype=np.int64) for rows in known)
    both = (a >= 0) & (b >= 0)
    start = len(places[0])
    label = components(start + len(places[1]), a[both], b[both] + start)
    named = np.zeros(len(label), dtype=np.bool_)
    named[a[both]] = named[b[both] + start] = True
    true = np.where(named, label, -1)
    return [true[:start], true[start:]], int(np.count_nonzero(~both))


def _together(first: Int64s, second: Int64s) -> tuple[Int64s, Int64s, Int64s]:
    """Pair every key of one list with every key of the other of the same true person; give both and the person."""
    order = np.argsort(second, kind="stable")
    ordered = second[order]
    known = np.flatnonzero(first >= 0)
    low = np.searchsorted(ordered, first[known], "left")
    times = np.searchsorted(ordered, first[known], "right") - low
    starts = np.repeat(low - (np.cumsum(times) - times), times)
    a = np.repeat(known, times)
    return a, order[starts + np.arange(len(starts))], first[a]
