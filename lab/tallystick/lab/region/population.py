"""The people of a region of two counties as they are, before any clerk writes them down."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from tallystick.lab.county.names import ORIGINS
from tallystick.lab.county.population import (
    EXTRACT_DATE,
    REGION_SHARES,
    CountyPopulation,
    Flags,
    draw_adult_days,
    draw_names,
    draw_numbers,
    draw_twins,
)

CHILDREN: Final = 0.30
"""Share of people under 18."""
WEST: Final = 0.38
"""Share of people who live in the west county."""
MOVED: Final = 0.06
"""Share of people who moved from one county to the other within the year; the county that they left still has their records."""
YOUTH: Final = 22
"""Child welfare knows people below this age: some stay in care after 18."""


@dataclass(frozen=True)
class RegionPopulation(CountyPopulation):
    """One entry per person in every array.

    Attributes:
        west: whether the person lives in the west county.
        moved: whether the person lived in the other county before.
        care: whether child welfare knows the person.
        school: whether the schools do.
    """

    west: Flags
    moved: Flags
    care: Flags
    school: Flags


def people_of_region(people: int, rng: np.random.Generator) -> RegionPopulation:
    """Make a region's people. Some of them are known to no agency.

    Args:
        people: how many live in the region.
        rng: the source of all that is drawn.
    """
    child = np.arange(people) < round(people * CHILDREN)
    tanf = rng.random(people) < np.where(child, 0.30, 0.14)
    days = np.where(child, rng.integers(30, 18 * 365, people), draw_adult_days(people, tanf, rng))
    origin = rng.choice(len(ORIGINS), people, p=[one.share for one in ORIGINS])
    west, moved = rng.random(people) < WEST, rng.random(people) < MOVED
    female = rng.random(people) < np.where(child, 0.50, np.where(tanf, 0.80, 0.50))
    twin = draw_twins(child.astype(np.int64), rng)
    second = np.flatnonzero((twin >= 0) & (twin < np.arange(people)))
    for shared in (days, origin, west, moved, tanf):
        shared[second] = shared[twin[second]]
    years = days / 365.25
    first, last, birth_surname = draw_names(origin, female, days, twin, rng)
    # nobody under 16 has wages, and few under 18
    works = rng.random(people) < np.select([years < 16, years < 18, years < 67], [0.0, 0.2, np.where(tanf, 0.62, 0.72)], 0.15)
    homeless = rng.random(people) < np.where(tanf, 0.17, 0.05)
    care = rng.random(people) < np.select([years < 18, years < YOUTH], [np.where(tanf, 0.34, 0.13), 0.14], 0.0)
    school = rng.random(people) < np.select([years < 5, years < 18, years < 20], [0.0, 0.92, 0.40], 0.0)
    return RegionPopulation(
        origin=origin,
        female=female,
        first=first,
        last=last,
        birth_surname=birth_surname,
        born=EXTRACT_DATE - days.astype("timedelta64[D]"),
        ssn=draw_numbers(people, twin, second, rng),
        region=rng.choice(len(REGION_SHARES), people, p=REGION_SHARES),
        twin=twin,
        tanf=tanf,
        labor=works,
        housing=homeless,
        west=west,
        moved=moved,
        care=care,
        school=school,
    )
