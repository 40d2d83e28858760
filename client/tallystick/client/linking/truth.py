"""Which people of two files are really the same: read from a file, and compared with what was linked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from tallystick.client.linking.people import People, Texts, header_of, read_columns
from tallystick.core.errors import Invalid
from tallystick.core.linkage.intervals import wilson

Int64s = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

PERSONS: Final = ("dataset", "key", "person")
"""Header of a truth file that says whose each key is; any other has the first file's keys in its first column, the second's next."""


@dataclass(frozen=True)
class Truth:
    """True pairs: rows of the first list and of the second. A person who is twice in a list has several."""

    a: Int64s = field(repr=False)
    b: Int64s = field(repr=False)

    @property
    def people(self) -> int:
        """How many links a perfect one-to-one linkage makes, if nobody is twice in both lists."""
        return min(len(np.unique(self.a)), len(np.unique(self.b)))

    def holds(self, a: Int64s, b: Int64s, count_b: int) -> Bools:
        """Tell which pairs (a[i], b[i]) are true."""
        return np.isin(a * count_b + b, self.a * count_b + self.b)


@dataclass(frozen=True)
class Score:
    """Links against the truth.

    Attributes:
        found, wrong, missed: true links made, false links made, true links not made.
    """

    found: int
    wrong: int
    missed: int

    def json_value(self) -> dict[str, object]:
        """Give it for programs."""
        made, true = self.found + self.wrong, self.found + self.missed
        return {
            "found": self.found,
            "wrong": self.wrong,
            "missed": self.missed,
            "precision": self.found / made if made else None,
            "precision_interval": list(wilson(self.found, made)),
            "recall": self.found / true if true else None,
            "recall_interval": list(wilson(self.found, true)),
        }


def read_truth(path: Path, first: People, second: People) -> Truth:
    """Read a file of truth for two lists.

    It has the columns dataset, key and person (datasets are the two files' names without ending), or pairs of keys.

    Raises:
        Invalid: `file-missing`, `file-format`; `source-columns`: it names no pair of the two lists.
    """
    header = header_of(path)
    if set(PERSONS) <= set(header):
        found, _ = read_columns(path, {name: name for name in PERSONS})
        person: list[dict[str, str]] = [{}, {}]
        for side, people in enumerate((first, second)):
            mine = found["dataset"] == people.name
            person[side] = dict(zip(found["key"][mine], found["person"][mine], strict=True))
        truth = _by_person([person[0].get(key) for key in first.keys], [person[1].get(key) for key in second.keys])
    elif len(header) >= 2:
        found, _ = read_columns(path, {"a": header[0], "b": header[1]})
        truth = _by_keys(found["a"], found["b"], first.keys, second.keys)
    else:
        raise Invalid("file-format", f"{path} is no truth file", hint="columns dataset, key and person; or two columns of keys")
    if not len(truth.a):
        raise Invalid(
            "source-columns",
            f"{path} names no pair of people of the two files",
            hint="it uses the files' keys (see --key), or row numbers from 1 where they have none",
        )
    return truth


def _by_person(first: Sequence[str | None], second: Sequence[str | None]) -> Truth:
    """Pair everyone of one list with everyone of the other who is the same person."""
    number: dict[str, int] = {}
    codes = [
        np.array([-1 if name is None else number.setdefault(name, len(number)) for name in names], dtype=np.int64)
        for names in (first, second)
    ]
    order = np.argsort(codes[1], kind="stable")
    ordered = codes[1][order]
    known = np.flatnonzero(codes[0] >= 0)
    low = np.searchsorted(ordered, codes[0][known], "left")
    times = np.searchsorted(ordered, codes[0][known], "right") - low
    starts = np.repeat(low - (np.cumsum(times) - times), times)
    return Truth(np.repeat(known, times), order[starts + np.arange(len(starts))])


def _by_keys(a: Texts, b: Texts, first: Texts, second: Texts) -> Truth:
    places: list[dict[Any, int]] = [{key: row for row, key in enumerate(keys)} for keys in (first, second)]
    pairs = {(places[0].get(one), places[1].get(two)) for one, two in zip(a, b, strict=True)}
    known = sorted((one, two) for one, two in pairs if one is not None and two is not None)
    rows = np.array(known, dtype=np.int64).reshape(-1, 2)
    return Truth(rows[:, 0], rows[:, 1])
