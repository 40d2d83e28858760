"""The region's files in the clear, and what oracles of templates make of them again and again."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

Table = dict[tuple[Any, ...], dict[str, Any]]
"""By the levels of a row in the order of the result's columns, the numbers that it must have; in rows that it does not name there is nobody."""
Levels = Callable[[Any], tuple[Any, ...]]
"""A person's levels."""


class ClearFiles:
    """The region's files, each row with its person: of two keys of one person in a file, the later one is somebody else, as agencies see it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        truth = pd.read_csv(folder / "truth.csv", dtype=str, keep_default_na=False)
        self.person: dict[tuple[str, str], Any] = {}
        for dataset, some in truth.groupby("dataset"):
            seen: set[str] = set()
            for key, person in sorted(zip(some.key, some.person, strict=True)):
                self.person[str(dataset), key] = person if person not in seen else f"again {dataset} {key}"
                seen.add(person)

    def read(self, dataset: str, key: str | None = None) -> pd.DataFrame:
        """Read a file."""
        rows = pd.read_csv(self.folder / f"{dataset}.csv", dtype=str, keep_default_na=False)
        column = key or str(rows.columns[0])
        return rows.assign(person=[self.person[dataset, one] for one in rows[column]])

    def both(self, kind: str, rows: Callable[[pd.DataFrame], Any] = lambda one: one.person == one.person) -> pd.DataFrame:
        """Read both counties' files of a kind, of these rows: of whom both have, the east's speaks."""
        east, west = (one[rows(one)] for one in (self.read(f"{kind}_east"), self.read(f"{kind}_west")))
        return pd.concat([east, west[~west.person.isin(set(east.person))]])

    def wages(self, quarter: str) -> pd.Series[float]:
        """Give earnings in a quarter by person."""
        rows = self.read("ui_wages")
        rows = rows[rows.paid == quarter]
        return rows.wage.astype(float).groupby(rows.person).sum()

    def removals(self) -> Mapping[Any, pd.Timestamp]:
        """Give the date of removal of each child that was removed."""
        rows = self.both("care")
        return {person: pd.Timestamp(day) for person, day in zip(rows.person, rows.removed_on, strict=True) if day}


def quarter_number(text: str) -> int:
    """Give the number of `2024-Q3`."""
    return int(text[:4]) * 4 + int(text[-1]) - 1


def tally(people: Iterable[Any], levels: Callable[[Any], tuple[Any, ...]]) -> Table:
    """Count people by levels."""
    found: Table = {}
    for person in people:
        found.setdefault(levels(person), {"count": 0})["count"] += 1
    return found


def add_mean(
    label: str, table: Table, of: Mapping[Any, float], levels: Callable[[Any], tuple[Any, ...]], people: Collection[Any]
) -> Table:
    """Add a mean and how many have a value."""
    for key in table:
        values = [of[person] for person in people if person in of and levels(person) == key]
        table[key] |= {f"mean({label})": float(np.mean(values)) if values else None, f"count({label})": len(values)}
    return table


def find_areas(
    files: ClearFiles, kind: str, rows: Callable[[pd.DataFrame], Any] = lambda one: one.person == one.person
) -> dict[Any, Any]:
    some = files.both(kind, rows).drop_duplicates("person")
    return {person: area or None for person, area in zip(some.person, some.area, strict=True)}


def find_leavers(files: ClearFiles, quarter: str) -> set[Any]:
    return set(files.both("tanf", lambda one: one.left == quarter).person)


def count_bands(values: Iterable[float], edges: list[float]) -> list[int]:
    cuts = [-np.inf, *edges, np.inf]
    return [sum(low <= value < high for value in values) for low, high in pairwise(cuts)]


def find_quantile(values: list[float], edges: list[float], share: float) -> float | None:
    """Interpolate a quantile within its band; None where the band has no end."""
    counts, below = count_bands(values, edges), 0
    for at, count in enumerate(counts):
        if below + count >= share * len(values) and count:
            if at in {0, len(edges)}:
                return None
            return edges[at - 1] + (share * len(values) - below) / count * (edges[at] - edges[at - 1])
        below += count
    return None
