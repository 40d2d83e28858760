"""What more the region's agencies hold, for the templates of jobs: columns in the files of the first five, and four agencies beside.

All of it is drawn from a source of its own, after everything else, so the values of `agencies.py` are what they were without it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from tallystick.lab.county import errors
from tallystick.lab.county.agencies import HUMAN_SERVICES, Extract, births, firsts, number_keys, surnames
from tallystick.lab.county.children import SCHOOLS
from tallystick.lab.county.population import EXTRACT_DATE, Dates, Flags, Integers, Texts, age
from tallystick.lab.region.population import RegionPopulation

__all__ = ["add_columns"]

REMOVALS_FROM: Final = np.datetime64("2024-07-01", "D")
REMOVAL_DAYS: Final = 184
"""Removals are of the second half of 2024."""
FOLLOWED: Final = 12
"""Months after a removal that the county's file tells of."""
DIVISIONS: Final = ("north division", "south division", "harbor division")
EARLY: Final = ("head start", "subsidized care", "pre-kindergarten")
SITES: Final = ("downtown", "valley", "shore")
READY: Final = 45
"""Score from which a child is ready for school."""
_QUARTERS: Final = 4


@dataclass(frozen=True)
class _Lives:
    """What is so of people beyond what the region's population says; by person.

    Attributes:
        early: which program of early care a child had; -1 for none.
        ill: whether a child has a behavioral health diagnosis.
        removed: when a child was removed from home; not a date for others.
        caregiver: who cares for a child that child welfare knows; -1 for others.
        addicted: whether a caregiver has a substance use disorder.
    """

    early: Integers
    ill: Flags
    removed: Dates
    caregiver: Integers
    addicted: Flags


def add_columns(extracts: Mapping[str, Extract], people: RegionPopulation, rng: np.random.Generator) -> dict[str, Extract]:
    """Put more columns into the five agencies' files, and make those of four more.

    Args:
        extracts: by dataset; the new columns are put into them.
        people: the region's.
        rng: the source of all that is drawn.

    Returns:
        The further files by dataset: of caregivers, members, visits, treatment, births, hearings, early care, and a study.
    """
    lives = _draw_lives(extracts, people, rng)
    for side in ("east", "west"):
        _add_spells(extracts[f"tanf_{side}"], rng)
        _add_removals(extracts[f"care_{side}"], lives, rng)
    wages = extracts["ui_wages"]
    wages.columns["paid"] = _dash(wages.columns["quarter"])
    _add_scores(extracts["pupils"], lives, rng)
    made = {f"caregivers_{side}": _caregivers(extracts[f"care_{side}"], people, lives, side, rng) for side in ("east", "west")}
    return (
        made
        | _health(people, lives, rng)
        | {
            "hearings": _hearings(people, lives, rng),
            "early_care": _early_care(people, lives, rng),
            "study": _study(people, rng),
        }
    )


def _draw_lives(extracts: Mapping[str, Extract], people: RegionPopulation, rng: np.random.Generator) -> _Lives:
    many = len(people.born)
    years = age(people.born, EXTRACT_DATE)
    early = np.where(
        (years >= 3) & (years < 9) & (rng.random(many) < np.where(people.tanf, 0.75, 0.5)), rng.integers(0, 3, many), -1
    )
    removed = np.full(many, np.datetime64("NaT", "D"))
    caregiver = np.full(many, -1, dtype=np.int64)
    grown = (years >= 21) & (years < 60)
    for side in ("east", "west"):
        care = extracts[f"care_{side}"]
        child = care.person[care.columns["removed"] == "true"]
        fresh = child[np.isnat(removed[child])]
        removed[fresh] = REMOVALS_FROM + rng.integers(0, REMOVAL_DAYS, len(fresh)).astype("timedelta64[D]")
        adults = np.flatnonzero(grown & (people.west == (side == "west")) & (people.tanf | (rng.random(many) < 0.3)))
        families = rng.choice(adults, max(1, len(care.person) * 2 // 3), replace=len(adults) < len(care.person))
        caregiver[care.person] = rng.choice(families, len(care.person))
    addicted = np.zeros(many, dtype=np.bool_)
    carers = np.unique(caregiver[caregiver >= 0])
    addicted[carers] = rng.random(len(carers)) < 0.35
    ill = (years >= 3) & (years < 18) & (rng.random(many) < np.where(people.care, 0.38, 0.14))
    return _Lives(np.asarray(early, dtype=np.int64), ill, removed, caregiver, addicted)


def _add_spells(extract: Extract, rng: np.random.Generator) -> None:
    """Add when each spell began and ended, as quarters: a second spell begins after the first one's end, or in its quarter."""
    ends = _count_quarters(extract.columns["exit_quarter"])
    order = np.lexsort((ends, extract.person))
    earlier = np.full(len(ends), -1, dtype=np.int64)
    same = extract.person[order][1:] == extract.person[order][:-1]
    earlier[order[1:][same]] = ends[order[:-1][same]]
    first = ends - rng.integers(0, 8, len(ends))
    again = earlier + rng.integers(0, 4, len(ends))
    begins = np.where(earlier < 0, first, np.minimum(again, ends))
    extract.columns["entered"] = _write_quarters(begins)
    extract.columns["left"] = _dash(extract.columns["exit_quarter"])


def _add_removals(extract: Extract, lives: _Lives, rng: np.random.Generator) -> None:
    """Add when a child was first reported and when removed, what became of it within a year, and who cares for it."""
    many = len(extract.person)
    removed = lives.removed[extract.person]
    gone = extract.columns["removed"] == "true"
    hard = lives.addicted[lives.caregiver[extract.person]]
    months = rng.geometric(np.where(hard, 0.05, 0.11), many)
    kept = np.minimum(months, FOLLOWED)
    reported = 2024 * _QUARTERS + rng.integers(-4, 3, many)
    text = np.where(gone, np.array(np.datetime_as_string(np.where(gone, removed, REMOVALS_FROM)), dtype=object), "")
    extract.columns["reported"] = _write_quarters(reported)
    extract.columns["removed_on"] = text
    extract.columns["months_away"] = errors.blank_texts(_numbers(kept), ~gone)
    extract.columns["reunified"] = errors.blank_texts(_flags(months <= FOLLOWED), ~gone)
    extract.columns["again"] = _flags(rng.random(many) < np.where(lives.ill[extract.person], 0.28, 0.16))
    # a caregiver is named by the key that the county's file of caregivers has (`_caregivers`); of some children none is known
    prefix = "WC" if str(extract.columns["client_id"][0]).startswith("W") else "EC"
    keys = np.array([f"{prefix}{person:07d}" for person in lives.caregiver[extract.person]], dtype=object)
    extract.columns["caregiver_id"] = errors.blank_texts(keys, errors.draw_hits(0.04, many, rng))


def _add_scores(extract: Extract, lives: _Lives, rng: np.random.Generator) -> None:
    """Add scores of readiness for school, of pupils of the first grades."""
    many = len(extract.person)
    small = np.isin(extract.columns["grade"], ["0", "1", "2"])
    helped = lives.early[extract.person]
    score = np.clip(rng.normal(np.array([55, 52, 57, 48])[helped], 14).round(), 0, 100).astype(np.int64)
    blank = ~small | (rng.random(many) < 0.05)
    extract.columns["score"] = errors.blank_texts(_numbers(score), blank)
    extract.columns["ready"] = errors.blank_texts(_flags(score >= READY), blank)


def _caregivers(care: Extract, people: RegionPopulation, lives: _Lives, side: str, rng: np.random.Generator) -> Extract:
    """Make the county's file of caregivers: a row each, of those of its children; two of a hundred are missing from it."""
    who = np.unique(lives.caregiver[care.person])
    who = who[~errors.draw_hits(0.02, len(who), rng)]
    prefix = "WC" if side == "west" else "EC"
    keys = np.array([f"{prefix}{person:07d}" for person in who], dtype=object)
    columns = {"caregiver_id": keys, **_identify(people, who, rng)}
    columns["kin"] = _flags(rng.random(len(who)) < 0.3)
    return Extract(columns, "caregiver_id", who)


def _health(people: RegionPopulation, lives: _Lives, rng: np.random.Generator) -> dict[str, Extract]:
    """Make the health agency's files: members with their year, visits, treatment of substance use, and births with risks."""
    many = len(people.born)
    years = age(people.born, EXTRACT_DATE)
    member = (years < 65) & (rng.random(many) < np.where(people.tanf | people.care, 0.88, 0.12))
    who = np.asarray(rng.permutation(np.flatnonzero(member)), dtype=np.int64)
    ill = lives.ill[who]
    classes = np.where(ill & (rng.random(len(who)) < 0.55), 1 + rng.binomial(3, 0.3, len(who)), 0)
    cost = np.minimum(rng.lognormal(np.where(ill, 8.4, 7.0), 1.1, len(who)), 90_000)
    members = {
        "member_id": number_keys("M", len(who)),
        **_identify(people, who, rng),
        "diagnosis": _flags(ill),
        "classes": _numbers(np.asarray(classes, dtype=np.int64)),
        "cost": np.array([f"{amount:.2f}" for amount in cost], dtype=object),
    }
    removed = lives.removed[who]
    away = np.flatnonzero(~np.isnat(removed))
    soon = rng.random(len(away)) < 0.62
    delay = np.where(soon, rng.integers(0, 31, len(away)), rng.integers(31, 150, len(away)))
    others = np.flatnonzero(rng.random(len(who)) < 0.4)
    rows = np.concatenate([away, others])
    days = np.concatenate(
        [
            removed[away] + delay.astype("timedelta64[D]"),
            REMOVALS_FROM + rng.integers(0, 330, len(others)).astype("timedelta64[D]"),
        ]
    )
    visits = {name: members[name][rows] for name in ("member_id", "ssn", "fname", "lname", "dob")}
    visits["visited"] = errors.as_text(days)
    treated = np.flatnonzero(lives.addicted & (rng.random(many) < 0.6) | (years >= 18) & (rng.random(many) < 0.01))
    treatment = {
        "patient_id": number_keys("T", len(treated)),
        **_identify(people, treated, rng),
        "completed": _flags(rng.random(len(treated)) < 0.45),
    }
    born = np.flatnonzero((years < 8) & (rng.random(many) < 0.9))
    risk = rng.random(len(born)) < np.where(people.care[born], 0.42, 0.2)
    told = {
        "birth_id": number_keys("B", len(born)),
        **{name: values for name, values in _identify(people, born, rng).items() if name != "ssn"},
        "young_mother": _lose(_flags(risk), 0.02, rng),
        "low_weight": _lose(_flags(rng.random(len(born)) < np.where(risk, 0.16, 0.08)), 0.02, rng),
    }
    return {
        "members": Extract(members, "member_id", who),
        "visits": Extract(visits, "member_id", who[rows]),
        "treatment": Extract(treatment, "patient_id", treated),
        "births": Extract(told, "birth_id", born),
    }


def _hearings(people: RegionPopulation, lives: _Lives, rng: np.random.Generator) -> Extract:
    """Make the courts' file: a row a child that was removed, with its first hearing, its permanency hearing, and the first one's finding."""
    who = np.flatnonzero(~np.isnat(lives.removed) & (rng.random(len(lives.removed)) < 0.94))
    removed = lives.removed[who]
    first = removed + np.where(rng.random(len(who)) < 0.8, rng.integers(0, 4, len(who)), rng.integers(4, 40, len(who))).astype(
        "timedelta64[D]"
    )
    later = first + rng.integers(60, 420, len(who)).astype("timedelta64[D]")
    unheard = later >= EXTRACT_DATE
    columns = {
        "case_id": number_keys("C", len(who)),
        **{name: values for name, values in _identify(people, who, rng).items() if name != "ssn"},
        "division": np.array(DIVISIONS, dtype=object)[rng.choice(3, len(who), p=(0.45, 0.35, 0.20))],
        "first_hearing": errors.as_text(first),
        "permanency": errors.blank_texts(errors.as_text(later), unheard),
        "contrary": _lose(_flags(rng.random(len(who)) < 0.86), 0.03, rng),
    }
    return Extract(columns, "case_id", who)


def _early_care(people: RegionPopulation, lives: _Lives, rng: np.random.Generator) -> Extract:
    """Make the file of early care: a row a child, without a number."""
    who = np.asarray(rng.permutation(np.flatnonzero(lives.early >= 0)), dtype=np.int64)
    columns = {
        "child_id": number_keys("K", len(who)),
        "first_name": firsts(people, who, SCHOOLS, rng),
        "last_name": surnames(people, who, SCHOOLS, rng),
        "birth_date": births(people, who, SCHOOLS, rng),
        "program": np.array(EARLY, dtype=object)[lives.early[who]],
    }
    return Extract(columns, "child_id", who)


def _study(people: RegionPopulation, rng: np.random.Generator) -> Extract:
    """Make an evaluator's file of a randomised study: adults of TANF, half of whom were offered a program."""
    years = age(people.born, EXTRACT_DATE)
    who = np.asarray(rng.permutation(np.flatnonzero(people.tanf & (years >= 18) & (years < 60))), dtype=np.int64)
    who = who[: max(20, len(who) * 2 // 3)]
    columns = {
        "participant_id": number_keys("P", len(who)),
        **_identify(people, who, rng),
        "treated": _flags(rng.permutation(np.arange(len(who)) % 2 == 0)),
        "site": np.array(SITES, dtype=object)[rng.integers(0, 3, len(who))],
        "baseline": _numbers(rng.integers(0, 4, len(who))),
    }
    return Extract(columns, "participant_id", who)


def _identify(people: RegionPopulation, who: Integers, rng: np.random.Generator) -> dict[str, Texts]:
    """Write number, names and birth date as an agency has them; of children the number is often missing."""
    child = age(people.born[who], EXTRACT_DATE) < 18
    without = errors.draw_hits(HUMAN_SERVICES.ssn_missing * np.where(child, 8.0, 1.0), len(who), rng)
    return {
        "ssn": errors.blank_texts(errors.miskey_numbers(people.ssn[who], HUMAN_SERVICES.ssn_wrong, rng), without),
        "fname": firsts(people, who, HUMAN_SERVICES, rng),
        "lname": surnames(people, who, HUMAN_SERVICES, rng),
        "dob": births(people, who, HUMAN_SERVICES, rng),
    }


def _dash(quarters: Texts) -> Texts:
    """Write `2024Q2` as `2024-Q2`, as columns of type quarter are read."""
    return np.array([f"{one[:4]}-{one[4:]}" for one in quarters], dtype=object)


def _count_quarters(quarters: Texts) -> Integers:
    return np.array([int(one[:4]) * _QUARTERS + int(one[5]) - 1 for one in quarters], dtype=np.int64)


def _write_quarters(numbers: Integers) -> Texts:
    return np.array([f"{one // _QUARTERS}-Q{one % _QUARTERS + 1}" for one in numbers.tolist()], dtype=object)


def _flags(where: Flags) -> Texts:
    return np.where(where, np.array("true", dtype=object), np.array("false", dtype=object))


def _numbers(values: npt.NDArray[np.int64]) -> Texts:
    return values.astype(str).astype(object)


def _lose(texts: Texts, rate: float, rng: np.random.Generator) -> Texts:
    return errors.blank_texts(texts, errors.draw_hits(rate, len(texts), rng))
