"""Three agencies' extracts of one county, each with the habits and faults of its kind.

Error rates are the lower middle of what linkage studies and data-quality reports of such sources give; they differ by group,
because real ones do, and linkage error falls on some people more than on others.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from tallystick.lab.county import errors
from tallystick.lab.county.names import ORIGINS
from tallystick.lab.county.population import EXTRACT_DATE, REGION_SHARES, REGIONS, CountyPopulation, Flags, Integers, Texts, age

EXIT_QUARTERS: Final = ("2024Q2", "2024Q3", "2024Q4", "2025Q1")
_ENDS: Final = np.array(["2024-06-30", "2024-09-30", "2024-12-31", "2025-03-31"], dtype="datetime64[D]")
WAGE_QUARTERS: Final = ("2024Q3", "2024Q4", "2025Q1", "2025Q2")
MONTHS: Final = ("6 or fewer", "7 to 24", "more than 24")
INDUSTRIES: Final = ("retail", "food service", "health care", "staffing", "manufacturing", "construction", "education", "other")
PROJECTS: Final = (
    "emergency shelter",
    "street outreach",
    "rapid re-housing",
    "transitional housing",
    "permanent supportive housing",
)


@dataclass(frozen=True)
class Rates:
    """How often an agency's records are wrong; shares of people.

    Attributes:
        ssn_missing, ssn_wrong: no number; a wrong digit or two exchanged.
        name_wrong: one slip in the last name, and independently in the first; multiplied by the `care` of the name's origin.
        old_surname: of women of 20 to 45 whose surname has changed, how many are here under the one they were born with.
        one_surname: of people with two surnames, how many are here under one, or with a hyphen.
        nickname: of given names that have a short form.
        swapped, defaulted, misdated: dates of birth.
    """

    ssn_missing: float
    ssn_wrong: float
    name_wrong: float
    old_surname: float
    one_surname: float
    nickname: float
    swapped: float
    defaulted: float
    misdated: float


HUMAN_SERVICES: Final = Rates(0.010, 0.006, 0.010, 0.04, 0.15, 0.02, 0.004, 0.002, 0.004)
LABOR: Final = Rates(0.0, 0.005, 0.012, 0.14, 0.45, 0.0, 0.0, 0.0, 0.0)
HOUSING: Final = Rates(0.137, 0.015, 0.025, 0.10, 0.30, 0.12, 0.010, 0.012, 0.008)

MOVED: Final = 0.12
"""Share of people who live in another region when the second agency writes it down."""


@dataclass(frozen=True)
class Extract:
    """One agency's file.

    Attributes:
        columns: name to values, all of one length.
        key: the column that is the agency's own key of a person.
        person: for each row, whose it is in the population; only the truth file uses it.
    """

    columns: dict[str, Texts]
    key: str
    person: Integers


def _who(known: Flags, rng: np.random.Generator) -> Integers:
    """The people an agency knows, in an order of its own."""
    return np.asarray(rng.permutation(np.flatnonzero(known)), dtype=np.int64)


def surnames(people: CountyPopulation, who: Integers, rates: Rates, rng: np.random.Generator) -> Texts:
    """Give last names as an agency has them."""
    years = age(people.born[who], EXTRACT_DATE)
    lags = people.female[who] & (years >= 20) & (years <= 45) & errors.draw_hits(rates.old_surname, len(who), rng)
    names = np.where(lags, people.birth_surname[who], people.last[who])
    return errors.misspell(errors.one_surname(names, rates.one_surname, rng), rates.name_wrong * _care(people, who), rng)


def _care(people: CountyPopulation, who: Integers) -> npt.NDArray[np.float64]:
    return np.array([origin.care for origin in ORIGINS])[people.origin[who]]


def firsts(people: CountyPopulation, who: Integers, rates: Rates, rng: np.random.Generator) -> Texts:
    """Give first names as an agency has them."""
    return errors.misspell(
        errors.apply_nicknames(people.first[who], rates.nickname, rng), rates.name_wrong * _care(people, who), rng
    )


def births(people: CountyPopulation, who: Integers, rates: Rates, rng: np.random.Generator) -> Texts:
    """Give birth dates as an agency has them."""
    days = errors.misdate(people.born[who], rates.misdated, rng)
    days = errors.default_dates(errors.swap_day_and_month(days, rates.swapped, rng), rates.defaulted, rng)
    return errors.as_text(np.minimum(days, EXTRACT_DATE))


def _draw(of: tuple[str, ...], count: int, shares: tuple[float, ...], rng: np.random.Generator) -> Texts:
    return np.array(of, dtype=object)[rng.choice(len(of), count, p=shares)]


def _rows(extract: dict[str, Texts], who: Integers, key: str, rows: Integers) -> Extract:
    return Extract({name: values[rows] for name, values in extract.items()}, key, who[rows])


def _money(amounts: npt.NDArray[np.float64]) -> Texts:
    return np.array([f"{amount:.2f}" for amount in amounts], dtype=object)


def number_keys(prefix: str, count: int) -> Texts:
    """Give an agency's own keys."""
    return np.array([f"{prefix}{number:07d}" for number in range(1, count + 1)], dtype=object)


def human_services(people: CountyPopulation, rng: np.random.Generator) -> Extract:
    """TANF exits: one row per exit; some people left twice."""
    who = _who(people.tanf, rng)
    count = len(who)
    child = age(people.born[who], EXTRACT_DATE) < 18
    missing = errors.draw_hits(HUMAN_SERVICES.ssn_missing * np.where(child, 3.0, 1.0), count, rng)
    table = {
        "person_id": number_keys("HS", count),
        "ssn": errors.blank_texts(errors.miskey_numbers(people.ssn[who], HUMAN_SERVICES.ssn_wrong, rng), missing),
        "fname": errors.drop_accents(firsts(people, who, HUMAN_SERVICES, rng), 0.6, rng),
        "lname": errors.drop_accents(surnames(people, who, HUMAN_SERVICES, rng), 0.6, rng),
        "dob": births(people, who, HUMAN_SERVICES, rng),
        "sex": np.where(people.female[who], np.array("F", dtype=object), np.array("M", dtype=object)),
        "region": np.array(REGIONS, dtype=object)[people.region[who]],
        "months": _draw(MONTHS, count, (0.34, 0.43, 0.23), rng),
    }
    last = rng.choice(len(EXIT_QUARTERS), count, p=(0.22, 0.24, 0.26, 0.28))
    twice = np.flatnonzero((last >= 2) & errors.draw_hits(0.10, count, rng))
    rows = np.concatenate([np.arange(count), twice])
    quarter = np.concatenate([last, last[twice] - 2])
    order = np.lexsort((rows, quarter))
    rows, quarter = rows[order], quarter[order]
    extract = _rows(table, who, "person_id", rows)
    born = people.born[extract.person]
    unborn = born > _ENDS[quarter]  # nobody leaves before being born: this child left in the last quarter
    quarter = np.where(unborn, len(EXIT_QUARTERS) - 1, quarter)
    extract.columns["exit_quarter"] = np.array(EXIT_QUARTERS, dtype=object)[quarter]
    extract.columns["age"] = np.array([str(years) for years in age(born, _ENDS[quarter])], dtype=object)
    benefit = np.clip(rng.gamma(7.0, 62.0, len(rows)), 25, 1400)
    extract.columns["benefit"] = _money(benefit)
    return extract


def labor(people: CountyPopulation, rng: np.random.Generator) -> Extract:
    """UI wages: one row per person, quarter and employer; no given name beyond the initial, no date of birth.

    `industry` is that of the person's main employer in the quarter, so it does not vary within a person and quarter;
    `main_job` marks that employer's row.
    """
    who = _who(people.labor, rng)
    count = len(who)
    numbers = errors.miskey_numbers(people.ssn[who], LABOR.ssn_wrong, rng)
    # the number is this agency's own key: a wrong one that is another person's would make one person of two
    taken = np.isin(numbers.astype(np.int64), people.ssn.astype(np.int64)) & (numbers != people.ssn[who])
    numbers = np.where(taken | _repeats(numbers), people.ssn[who], numbers)
    table = {
        "ssn": numbers,
        "last_name": np.array([errors.plain(name) for name in surnames(people, who, LABOR, rng)], dtype=object),
        "first_initial": np.array([errors.plain(name)[:1] for name in people.first[who]], dtype=object),
    }
    leaver = people.tanf[who]
    shares = (
        (0.24, 0.21, 0.19, 0.14, 0.06, 0.03, 0.04, 0.09),  # after TANF
        (0.13, 0.10, 0.16, 0.06, 0.13, 0.09, 0.11, 0.22),
    )
    industry = np.where(leaver, rng.choice(8, count, p=shares[0]), rng.choice(8, count, p=shares[1]))
    steady = np.where(leaver, 0.80, 0.92)
    base = np.where(leaver, rng.lognormal(8.50, 0.45, count), rng.lognormal(9.25, 0.60, count))
    works = rng.random((len(WAGE_QUARTERS), count)) < steady
    works[-1] |= ~works.any(axis=0)  # everybody in the file has worked
    employer = rng.integers(0, max(40, count // 12), (len(WAGE_QUARTERS), count))
    employer[1:] = np.where(rng.random((3, count)) < 0.85, employer[:1], employer[1:])
    quarter, person = np.nonzero(works)
    second = rng.random(len(person)) < np.where(leaver[person], 0.16, 0.08)
    pay = base[person] * rng.lognormal(0.0, 0.18, len(person))
    side = pay[second] * rng.uniform(0.05, 0.6, int(second.sum()))
    rows = np.concatenate([person, person[second]])
    place = np.concatenate([quarter, quarter[second]])
    main = np.concatenate([np.ones(len(person), dtype=bool), np.zeros(int(second.sum()), dtype=bool)])
    first = employer[quarter, person]
    firm = np.concatenate([first, first[second] + 1 + rng.integers(0, 20, int(second.sum()))])
    order = np.lexsort((~main, rows, place))
    extract = _rows(table, who, "ssn", rows[order])
    extract.columns["quarter"] = np.array(WAGE_QUARTERS, dtype=object)[place[order]]
    extract.columns["employer"] = np.array([f"E{number:06d}" for number in firm[order]], dtype=object)
    extract.columns["industry"] = np.array(INDUSTRIES, dtype=object)[industry[rows[order]]]
    extract.columns["main_job"] = np.where(main[order], np.array("true", dtype=object), np.array("false", dtype=object))
    extract.columns["wage"] = _money(np.minimum(np.concatenate([pay, side])[order], 95_000))
    return extract


def _repeats(numbers: Texts) -> Flags:
    _, inverse, counts = np.unique(numbers.astype(np.int64), return_inverse=True, return_counts=True)
    return np.asarray(counts[inverse] > 1, dtype=np.bool_)


def housing(people: CountyPopulation, rng: np.random.Generator) -> Extract:
    """HMIS enrolments: numbers often missing, with HUD's quality codes; some people were entered twice under two keys."""
    known = _who(people.housing, rng)
    again = known[errors.draw_hits(0.01, len(known), rng)]
    who = np.concatenate([known, again])
    count = len(who)
    child = age(people.born[who], EXTRACT_DATE) < 18
    draw = rng.random(count) / np.where(child, 1.6, 1.0)
    # HUD: 1 full, 2 partial, 8 does not know, 9 prefers not to answer, 99 not collected
    edges = np.array([0.008, 0.099, 0.123, 0.139])
    quality = np.array(["2", "8", "9", "99", "1"], dtype=object)[np.searchsorted(edges, draw)]
    ssn = errors.miskey_numbers(people.ssn[who], HOUSING.ssn_wrong, rng)
    partial = np.array([f"xxxxx{number[5:]}" for number in ssn], dtype=object)
    ssn = np.where(quality == "1", ssn, np.where(quality == "2", partial, np.array("", dtype=object)))
    edges = np.array([0.006, 0.012, 0.027])
    born_quality = np.array(["8", "99", "2", "1"], dtype=object)[np.searchsorted(edges, rng.random(count))]
    dob = births(people, who, HOUSING, rng)
    dob = np.where(born_quality == "2", np.array([f"{day[:4]}-01-01" for day in dob], dtype=object), dob)
    moved = errors.draw_hits(MOVED, count, rng)
    region = np.where(moved, rng.choice(len(REGIONS), count, p=REGION_SHARES), people.region[who])
    table = {
        "personal_id": number_keys("H", count),
        "ssn": ssn,
        "ssn_quality": quality,
        "fname": firsts(people, who, HOUSING, rng),
        "lname": surnames(people, who, HOUSING, rng),
        "name_quality": np.where(errors.draw_hits(0.017, count, rng), np.array("2", dtype=object), np.array("1", dtype=object)),
        "dob": errors.blank_texts(dob, np.isin(born_quality, ["8", "99"])),
        "dob_quality": born_quality,
        "region": np.array(REGIONS, dtype=object)[region],
    }
    stays = 1 + rng.choice(4, count, p=(0.72, 0.18, 0.07, 0.03))
    rows = np.repeat(np.arange(count), stays)
    extract = _rows(table, who, "personal_id", rows)
    youngest = np.maximum(people.born[extract.person], np.datetime64("2024-01-01"))
    span = (EXTRACT_DATE - youngest).astype(np.int64)
    entry = youngest + (rng.random(len(rows)) * span).astype(np.int64).astype("timedelta64[D]")
    extract.columns["entry_date"] = errors.as_text(entry)
    extract.columns["project_type"] = _draw(PROJECTS, len(rows), (0.46, 0.14, 0.22, 0.08, 0.10), rng)
    return extract
