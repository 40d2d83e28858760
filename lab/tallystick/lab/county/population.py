"""The people of the county as they are, before any clerk writes them down."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt

from tallystick.lab.county.names import ORIGINS

Texts: TypeAlias = "np.ndarray[Any, np.dtype[np.object_]]"
Flags: TypeAlias = "npt.NDArray[np.bool_]"
Integers: TypeAlias = "npt.NDArray[np.int64]"
Dates: TypeAlias = "np.ndarray[Any, np.dtype[np.datetime64]]"

EXTRACT_DATE: Final = np.datetime64("2025-07-01", "D")
"""The day all three extracts were made."""

REGIONS: Final = ("north", "south", "east", "west")
REGION_SHARES: Final = (0.22, 0.34, 0.26, 0.18)

SEGMENTS: Final[dict[str, tuple[float, float, float]]] = {
    # which agencies know them: people as a share of one agency's size, share of children, share of women among the adults
    "tanf labor": (0.38, 0.0, 0.84),
    "tanf labor housing": (0.05, 0.0, 0.80),
    "tanf housing": (0.07, 0.45, 0.78),
    "tanf": (0.50, 0.52, 0.82),
    "labor housing": (0.15, 0.0, 0.42),
    "labor": (0.42, 0.0, 0.49),
    "housing": (0.73, 0.18, 0.38),
}
"""Shares sum to one for each agency. Nobody under 16 has wages."""

TWINS: Final = 0.012
"""Share of people who are one of a pair of twins known to the same agencies."""

# Areas that were not issued before June 2011, so that the number of an adult here was no living adult's then.
_AREAS: Final = np.array([*range(734, 750), *range(773, 900)])


@dataclass(frozen=True)
class CountyPopulation:
    """One entry per person in every array.

    Attributes:
        origin: index into `names.ORIGINS`.
        female, tanf, labor, housing: flags; the last three say who knows the person.
        first, last, birth_surname: names as the person writes them.
        born: days.
        ssn: nine digits.
        region: index into `REGIONS`.
        twin: index of the twin, or -1.
    """

    origin: Integers
    female: Flags
    first: Texts
    last: Texts
    birth_surname: Texts
    born: Dates
    ssn: Texts
    region: Integers
    twin: Integers
    tanf: Flags
    labor: Flags
    housing: Flags


def age(born: Dates, on: np.datetime64 | Dates) -> Integers:
    """Give whole years of age on a day (or on a day for each person); 0 before birth."""
    month = born.astype("datetime64[M]")
    then = np.asarray(on, dtype="datetime64[D]")
    then_month = then.astype("datetime64[M]")
    before = (then - then_month).astype(np.int64) < (born - month).astype(np.int64)
    months = (then_month - month).astype(np.int64) - before
    return np.asarray(np.maximum(months // 12, 0), dtype=np.int64)


def segment_sizes(people: int) -> dict[str, int]:
    """Give how many people each segment holds, so that each agency has exactly `people`."""
    sizes = {name: int(people * share) for name, (share, _, _) in SEGMENTS.items() if " " in name}
    for agency in ("tanf", "labor", "housing"):
        sizes[agency] = people - sum(size for name, size in sizes.items() if agency in name.split() and " " in name)
    return {name: sizes[name] for name in SEGMENTS}


def people_of(people: int, rng: np.random.Generator) -> CountyPopulation:
    """Make the county's people.

    Args:
        people: how many each agency has.
        rng: the source of all that is drawn.
    """
    sizes = segment_sizes(people)
    segment = np.repeat(np.arange(len(sizes)), list(sizes.values()))
    count = len(segment)
    knows = {agency: np.array([agency in name.split() for name in sizes])[segment] for agency in ("tanf", "labor", "housing")}
    shares = np.array(list(SEGMENTS.values()))
    child = rng.random(count) < shares[segment, 1]
    female = np.where(child, rng.random(count) < 0.5, rng.random(count) < shares[segment, 2])
    age_days = np.where(child, rng.integers(30, 18 * 365, count), draw_adult_days(count, knows["tanf"], rng))
    born = EXTRACT_DATE - age_days.astype("timedelta64[D]")
    origin = rng.choice(len(ORIGINS), count, p=[o.share for o in ORIGINS])
    region = rng.choice(len(REGIONS), count, p=REGION_SHARES)
    twin = draw_twins(segment, rng)
    second = np.flatnonzero((twin >= 0) & (twin < np.arange(count)))
    for shared in (born, origin, region, age_days):
        shared[second] = shared[twin[second]]
    first, last, birth_surname = draw_names(origin, female, age_days, twin, rng)
    return CountyPopulation(
        origin, female, first, last, birth_surname, born, draw_numbers(count, twin, second, rng), region, twin, **knows
    )


def draw_names(
    origin: Integers, female: Flags, age_days: Integers, twin: Integers, rng: np.random.Generator
) -> tuple[Texts, Texts, Texts]:
    """Draw first names, last names, and the last names that people were born with; twins share the last name."""
    second = np.flatnonzero((twin >= 0) & (twin < np.arange(len(twin))))
    birth_surname = _surnames(origin, rng)
    married = female & (age_days > 22 * 365) & (rng.random(len(origin)) < 0.45)
    last = np.where(married, _surnames(origin, rng), birth_surname)
    for names in (birth_surname, last):
        names[second] = names[twin[second]]
    first = _draw_given_names(origin, female, rng)
    same = second[first[second] == first[twin[second]]]
    first[same] = [f"{name}-Lee" for name in first[same]]
    return first, last, birth_surname


def draw_adult_days(count: int, tanf: Flags, rng: np.random.Generator) -> Integers:
    """Ages of adults in days: TANF parents are young; others spread over working life and a little beyond."""
    parents = 18 + rng.gamma(3.2, 3.9, count)
    others = 18 + 56 * rng.beta(1.5, 1.9, count)
    years = np.clip(np.where(tanf, parents, others), 18, 79)
    return np.asarray(years * 365.25 + 5, dtype=np.int64)


def draw_twins(segment: Integers, rng: np.random.Generator) -> Integers:
    """Pair neighbours of one segment at random; -1 for people without a twin."""
    twin = np.full(len(segment), -1, dtype=np.int64)
    even = np.arange(0, len(segment) - 1, 2)
    pairs = even[(segment[even] == segment[even + 1]) & (rng.random(len(even)) < TWINS)]
    twin[pairs] = pairs + 1
    twin[pairs + 1] = pairs
    return twin


def _common(size: int) -> npt.NDArray[np.float64]:
    """How common the first, second, … name of a list is."""
    weights = 1.0 / (np.arange(size) + 6.0)
    return np.asarray(weights / weights.sum(), dtype=np.float64)


def _draw(names: tuple[str, ...], count: int, rng: np.random.Generator) -> Texts:
    return np.array(names, dtype=object)[rng.choice(len(names), count, p=_common(len(names)))]


def _surnames(origin: Integers, rng: np.random.Generator) -> Texts:
    surnames = np.empty(len(origin), dtype=object)
    for index, of in enumerate(ORIGINS):
        who = np.flatnonzero(origin == index)
        names = _draw(of.surnames, len(who), rng)
        mothers = _draw(of.surnames, len(who), rng)
        two = rng.random(len(who)) < of.two_surnames
        names[two] = [f"{a} {b}" for a, b in zip(names[two], mothers[two], strict=True)]
        surnames[who] = names
    return surnames


def _draw_given_names(origin: Integers, female: Flags, rng: np.random.Generator) -> Texts:
    given = np.empty(len(origin), dtype=object)
    for index, of in enumerate(ORIGINS):
        for women, names in ((True, of.women), (False, of.men)):
            who = np.flatnonzero((origin == index) & (female == women))
            given[who] = _draw(names, len(who), rng)
    return given


def draw_numbers(count: int, twin: Integers, second: Integers, rng: np.random.Generator) -> Texts:
    """Distinct social security numbers; twins have neighbouring ones."""
    pairs = 4999  # of serials: (2, 3) to (9998, 9999); one of a pair is drawn, the other is left for a twin
    codes = rng.choice(len(_AREAS) * 99 * pairs, count, replace=False)
    area, rest = np.divmod(codes, 99 * pairs)
    group, pair = np.divmod(rest, pairs)
    number = _AREAS[area] * 1_000_000 + (group + 1) * 10_000 + (pair + 1) * 2 + rng.integers(0, 2, count)
    number[second] = number[twin[second]] ^ 1
    return np.array([f"{value:09d}" for value in number], dtype=object)
