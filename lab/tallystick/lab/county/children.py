"""Two more agencies of the county, about its children: schools, which have no number, and child welfare, which often lacks one.

Both have addresses, and children move: schools lag behind, and a child in care lives elsewhere. Brothers and sisters live together and
share a surname; stepchildren are written down under two. How often is set as for the other agencies (`agencies.py`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from tallystick.lab.county import errors
from tallystick.lab.county.agencies import Extract, Rates, births, firsts, number_keys, surnames
from tallystick.lab.county.names import ORIGINS
from tallystick.lab.county.population import EXTRACT_DATE, CountyPopulation, Flags, Integers, Texts, age

SCHOOLS: Final = Rates(1.0, 0.0, 0.012, 0.0, 0.35, 0.10, 0.004, 0.001, 0.006)
CHILD_WELFARE: Final = Rates(0.45, 0.02, 0.030, 0.0, 0.25, 0.08, 0.008, 0.015, 0.012)

ENROLLED: Final = 0.90
"""Of children of 5 to 17, how many are in the schools' file."""
KNOWN: Final = 0.30
"""Of children under 18, how many child welfare knows."""
SIBLING: Final = 0.45
"""Chance that the next child of the same surname and region is of the same family, if it is no twin of the one before."""
MOVED: Final = {"schools": 0.10, "child_welfare": 0.22}
"""Children whom an agency has at another address than the family's."""
STEPCHILD: Final = 0.06
"""Children whom child welfare has under the surname of another parent."""
STREETLESS: Final = 0.04

_KINDS: Final = ("Street", "Avenue", "Road", "Lane", "Court")
_ZIPS: Final = 12
"""Postal codes of a region."""


@dataclass(frozen=True)
class _Addresses:
    street: Texts
    code: Texts


def children(people: CountyPopulation, rng: np.random.Generator) -> dict[str, Extract]:
    """Make both files.

    Args:
        people: the county's people.
        rng: the source of all that is drawn.

    Returns:
        `schools` and `child_welfare`, a row a child.
    """
    young = np.flatnonzero(age(people.born, EXTRACT_DATE) < 18)
    at_home = _at_home(people, young, rng)
    pupils = (age(people.born[young], EXTRACT_DATE) >= 5) & errors.draw_hits(ENROLLED, len(young), rng)
    known = errors.draw_hits(KNOWN, len(young), rng)
    return {
        "schools": _extract(people, young, pupils, at_home, SCHOOLS, "schools", rng),
        "child_welfare": _extract(people, young, known, at_home, CHILD_WELFARE, "child_welfare", rng),
    }


def _extract(
    people: CountyPopulation,
    young: Integers,
    has: Flags,
    at_home: _Addresses,
    rates: Rates,
    name: str,
    rng: np.random.Generator,
) -> Extract:
    rows = rng.permutation(np.flatnonzero(has))
    who, count = young[rows], len(rows)
    elsewhere = _addresses(count, people.region[who], rng)
    moved = errors.draw_hits(MOVED[name], count, rng)
    streetless = errors.draw_hits(STREETLESS, count, rng)
    last = surnames(people, who, rates, rng)
    table: dict[str, Texts] = {"student_id" if name == "schools" else "case_person": number_keys(name[0].upper(), count)}
    if name == "child_welfare":
        other = people.last[rng.permutation(len(people.last))[:count]]
        last = np.where(errors.draw_hits(STEPCHILD, count, rng), other, last)
        missing = errors.draw_hits(rates.ssn_missing, count, rng)
        table["ssn"] = errors.blank_texts(errors.miskey_numbers(people.ssn[who], rates.ssn_wrong, rng), missing)
    table |= {
        "first_name": firsts(people, who, rates, rng),
        "last_name": last,
        "birth_date": births(people, who, rates, rng),
        "sex": np.where(people.female[who], np.array("F", dtype=object), np.array("M", dtype=object)),
        "street": errors.blank_texts(np.where(moved, elsewhere.street, at_home.street[rows]), streetless),
        "zip": np.where(moved, elsewhere.code, at_home.code[rows]),
    }
    return Extract(table, next(iter(table)), who)


def _at_home(people: CountyPopulation, young: Integers, rng: np.random.Generator) -> _Addresses:
    """Give each child the address of its family: neighbours of one surname and region are, by chance, brothers and sisters."""
    # a birthday within, so that twins stand together
    order = np.lexsort((people.born[young].astype(np.int64), people.last[young].astype(str), people.region[young]))
    ordered = young[order]
    before = np.concatenate([[-1], ordered[:-1]])
    same = (people.last[ordered] == people.last[before]) & (people.region[ordered] == people.region[before])
    twins = people.twin[ordered] == before
    family = np.cumsum(~(same & (errors.draw_hits(SIBLING, len(young), rng) | twins))) - 1
    first = np.flatnonzero(np.diff(family, prepend=-1))
    homes = _addresses(len(first), people.region[ordered[first]], rng)
    place = np.empty(len(young), dtype=np.int64)
    place[order] = family
    return _Addresses(homes.street[place], homes.code[place])


def _addresses(count: int, region: Integers, rng: np.random.Generator) -> _Addresses:
    names = np.array([f"{name} {kind}" for name in ORIGINS[0].surnames for kind in _KINDS], dtype=object)
    house = rng.integers(1, 1900, count).astype(str).astype(object)
    code = 55_101 + region * _ZIPS + rng.integers(0, _ZIPS, count)
    return _Addresses(house + " " + names[rng.integers(0, len(names), count)], code.astype(str).astype(object))
