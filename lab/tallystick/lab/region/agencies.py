"""Five agencies' extracts of one region: two counties with two files each, state wages, housing, schools.

Each county keeps one record of a client for cash assistance and child welfare, under one key. Somebody who moved is a client of both
counties, written down twice. Values are missing at rates that such files have; error rates of identifiers are the county's
(`lab/county/agencies.py`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from tallystick.lab.county import errors
from tallystick.lab.county.agencies import EXIT_QUARTERS, HUMAN_SERVICES, Extract, births, firsts, number_keys, surnames
from tallystick.lab.county.agencies import housing as county_housing
from tallystick.lab.county.agencies import labor as wages
from tallystick.lab.county.children import SCHOOLS
from tallystick.lab.county.population import EXTRACT_DATE, Flags, Integers, Texts, age
from tallystick.lab.region.population import RegionPopulation

__all__ = ["county_files", "housing", "pupils", "wages"]

PLACEMENTS: Final = ("at home", "relatives", "foster family", "group home")
DISTRICTS: Final = ("riverside", "hillcrest", "harbor", "prairie", "lakeview")
COUNTIES: Final = ("east", "west")


@dataclass(frozen=True)
class _Clients:
    """A county's clients: who they are, and what the county writes of each in every file."""

    who: Integers
    columns: dict[str, Texts]

    def rows(self, at: Integers) -> Extract:
        """Give an extract's first columns: rows of these clients."""
        return Extract({name: values[at] for name, values in self.columns.items()}, "client_id", self.who[at])


def county_files(people: RegionPopulation, rng: np.random.Generator, *, west: bool) -> tuple[Extract, Extract]:
    """Make a county's two files, with the same client keys.

    Args:
        people: the region's people.
        rng: the source of all that is drawn.
        west: which of the counties.

    Returns:
        TANF, a row a spell; child welfare, a row a client.
    """
    here = (people.west == west) | people.moved
    clients = _list_clients(people, here & (people.tanf | people.care), "W" if west else "E", rng)
    return _tanf(people, clients, rng), _care(people, clients, rng)


def _list_clients(people: RegionPopulation, known: Flags, prefix: str, rng: np.random.Generator) -> _Clients:
    who = np.asarray(rng.permutation(np.flatnonzero(known)), dtype=np.int64)
    child = age(people.born[who], EXTRACT_DATE) < 18
    without = errors.draw_hits(HUMAN_SERVICES.ssn_missing * np.where(child, 8.0, 1.0), len(who), rng)
    numbers = errors.miskey_numbers(people.ssn[who], HUMAN_SERVICES.ssn_wrong, rng)
    columns = {
        "client_id": number_keys(prefix, len(who)),
        "ssn": errors.blank_texts(numbers, without),
        "fname": errors.drop_accents(firsts(people, who, HUMAN_SERVICES, rng), 0.6, rng),
        "lname": errors.drop_accents(surnames(people, who, HUMAN_SERVICES, rng), 0.6, rng),
        "dob": births(people, who, HUMAN_SERVICES, rng),
        "area": _lose(_texts(rng.random(len(who)) < 0.7, "town", "country"), 0.03, rng),
    }
    return _Clients(who, columns)


def _tanf(people: RegionPopulation, clients: _Clients, rng: np.random.Generator) -> Extract:
    at = np.flatnonzero(people.tanf[clients.who])
    again = at[errors.draw_hits(0.12, len(at), rng)]
    household = 1 + rng.choice(9, len(clients.who), p=(0.05, 0.24, 0.28, 0.20, 0.11, 0.06, 0.03, 0.02, 0.01))
    rows = np.concatenate([at, again])
    extract = clients.rows(rows)
    last = rng.choice(len(EXIT_QUARTERS), len(at), p=(0.22, 0.24, 0.26, 0.28))
    first = rng.choice(len(EXIT_QUARTERS), len(again))
    extract.columns["exit_quarter"] = np.array(EXIT_QUARTERS, dtype=object)[np.concatenate([last, first])]
    extract.columns["household"] = _lose(_numbers(household), 0.02, rng)[rows]
    benefit = np.clip(rng.gamma(7.0, 62.0, len(rows)), 25, 1400)
    extract.columns["benefit"] = _lose(np.array([f"{amount:.2f}" for amount in benefit], dtype=object), 0.03, rng)
    extract.columns["sanctioned"] = _lose(_texts(rng.random(len(rows)) < 0.15, "true", "false"), 0.06, rng)
    return extract


def _care(people: RegionPopulation, clients: _Clients, rng: np.random.Generator) -> Extract:
    at = np.flatnonzero(people.care[clients.who])
    extract = clients.rows(at)
    placement = np.array(PLACEMENTS, dtype=object)[rng.choice(len(PLACEMENTS), len(at), p=(0.58, 0.18, 0.17, 0.07))]
    extract.columns["placement"] = _lose(placement, 0.02, rng)
    extract.columns["reports"] = _numbers(1 + np.minimum(rng.geometric(0.45, len(at)), 29))
    extract.columns["removed"] = _lose(_texts(rng.random(len(at)) < 0.3, "true", "false"), 0.04, rng)
    return extract


def housing(people: RegionPopulation, rng: np.random.Generator) -> Extract:
    """Stays in both counties' homelessness services: the county's file, with the county of a person's last stay in place of a region."""
    made = county_housing(people, rng)
    places = {name: values for name, values in made.columns.items() if name != "region"}
    key = np.unique(made.columns[made.key].astype(str), return_inverse=True)[1]
    elsewhere = errors.draw_hits(0.15, int(key.max()) + 1, rng)[key]
    county = _texts(people.west[made.person] ^ elsewhere, "west", "east")
    unknown = errors.draw_hits(0.04, int(key.max()) + 1, rng)[key]
    disabled = _lose(_texts(rng.random(int(key.max()) + 1) < 0.35, "true", "false"), 0.08, rng)[key]
    nights = _lose(_numbers(np.minimum(rng.geometric(0.02, len(key)), 365)), 0.05, rng)
    more = {"county": errors.blank_texts(county, unknown), "disabled": disabled, "nights": nights}
    return replace(made, columns=places | more)


def pupils(people: RegionPopulation, rng: np.random.Generator) -> Extract:
    """Schools: a row a pupil, without a number."""
    who = np.asarray(rng.permutation(np.flatnonzero(people.school)), dtype=np.int64)
    grade = np.clip(age(people.born[who], EXTRACT_DATE) - 6 + rng.integers(0, 2, len(who)), 0, 12)
    absent = np.minimum(rng.negative_binomial(1.2, 0.12, len(who)), 180)
    poor = rng.random(len(who)) < np.where(people.tanf[who], 0.93, 0.38)
    west = people.west[who] ^ errors.draw_hits(0.04, len(who), rng)
    district = np.where(west, rng.choice((3, 4), len(who)), rng.choice((0, 1, 2), len(who)))
    columns = {
        "student_id": number_keys("S", len(who)),
        "first_name": firsts(people, who, SCHOOLS, rng),
        "last_name": surnames(people, who, SCHOOLS, rng),
        "birth_date": births(people, who, SCHOOLS, rng),
        "district": np.array(DISTRICTS, dtype=object)[district],
        "grade": _lose(_numbers(grade), 0.01, rng),
        "absent": _lose(_numbers(absent), 0.04, rng),
        "lunch": _lose(_texts(poor, "true", "false"), 0.03, rng),
    }
    return Extract(columns, "student_id", who)


def _texts(where: Flags, true: str, false: str) -> Texts:
    return np.where(where, np.array(true, dtype=object), np.array(false, dtype=object))


def _numbers(values: npt.NDArray[np.int64]) -> Texts:
    return values.astype(str).astype(object)


def _lose(texts: Texts, rate: float, rng: np.random.Generator) -> Texts:
    """Give texts of which some are missing."""
    return errors.blank_texts(texts, errors.draw_hits(rate, len(texts), rng))
