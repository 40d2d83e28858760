"""The lists of docs/linkage.md: with known truth, and with people who look like one and are two."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from benchmarks import febrl
from benchmarks.linkage_groups import PAIRS, read_county_list
from tallystick.lab.county.write import generate, generate_children
from tallystick.lab.linking.people import ListPeople
from tallystick.lab.linking.truth import Truth, read_truth

NAMES: Final = ("first_name", "middle_name", "last_name", "birth_date")
SEED: Final = 2025
EARLIEST: Final = 1901
FEW_ROWS: Final = 500
COUNTY: Final = 10_000
Lists = tuple[ListPeople, ListPeople, Truth]
Texts = npt.NDArray[np.object_]


@dataclass(frozen=True)
class ListPair:
    """Two lists whose truth is known.

    Attributes:
        name: what tables call it.
        chosen: rules were chosen on it.
        make: gives the lists.
    """

    name: str
    chosen: bool
    make: Callable[[], Lists]


def list_pairs(folder: Path, *, rldata: Path | None, families: Path | None) -> Iterator[ListPair]:
    """Give all pairs of lists; those whose data are not at hand are left out.

    Args:
        folder: where `make_county` wrote the county's files.
        rldata: the folder of RLdata500.csv and RLdata10000.csv.
        families: the folder that `peers/families.py` wrote.
    """
    for number in (3, 4):
        for without in ((), ("ssn",)):
            name = f"Febrl{number}" + (" without a number" if without else "")
            yield ListPair(name, number < 4, partial(_febrl, number, without))
    for name in ("RLdata500", "RLdata10000") if rldata else ():
        assert rldata is not None
        path = rldata / f"{name}.csv"
        yield ListPair(f"{name} in two halves", name == "RLdata500", partial(halves, path))
    for at, title in enumerate(("county, TANF with housing", "county, TANF with wages", "county, schools with child welfare")):
        yield ListPair(title, True, partial(_county, folder, at))
    for one, other in (("w2", "ssa"), ("census", "ssa"), ("wic", "census")) if families else ():
        assert families is not None
        yield ListPair(
            f"family-wise population, {_CALLED[one]} with {_CALLED[other]}", False,
            partial(_read_families, families, one, other),
        )  # fmt: skip


_CALLED: Final = {"w2": "W-2", "ssa": "SSA", "census": "census", "wic": "WIC"}


def _febrl(number: int, without: tuple[str, ...]) -> Lists:
    return febrl.febrl4(without) if number == 4 else febrl.halves(number, without)


def halves(path: Path, dealt: int = 3) -> Lists:
    """Deal records out to two lists: the two of a person to one each, the others at random.

    Args:
        path: the records.
        dealt: which deal; 3 is the one that all figures but those of another deal are of.
    """
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    order = np.random.RandomState(dealt).permutation(len(rows))  # as pandas draws, with which the deal was made
    rows = [rows[at] for at in order]
    size, seen, rng = Counter(row["person"] for row in rows), Counter[str](), np.random.default_rng(5)
    if len(rows) > FEW_ROWS:
        rng.integers(0, 2, FEW_ROWS)  # RLdata500 is dealt first
    side = rng.integers(0, 2, len(rows))
    sides: tuple[list[dict[str, str]], list[dict[str, str]]] = ([], [])
    for at, row in enumerate(rows):
        sides[int(side[at]) if size[row["person"]] == 1 else seen[row["person"]]].append(row)
        seen[row["person"]] += 1
    place = {row["person"]: at for at, row in enumerate(sides[1])}
    pairs = np.array([(at, place[row["person"]]) for at, row in enumerate(sides[0]) if row["person"] in place], dtype=np.int64)
    return _people("a", sides[0]), _people("b", sides[1]), Truth(pairs[:, 0], pairs[:, 1])


def _people(name: str, rows: list[dict[str, str]]) -> ListPeople:
    def given(row: dict[str, str], column: str) -> str:
        return "" if row[column] == "NA" else row[column]

    values = [
        (
            given(row, "fname_c1"),
            given(row, "fname_c2"),
            f"{given(row, 'lname_c1')} {given(row, 'lname_c2')}".strip(),
            f"{int(row['by']):04d}-{int(row['bm']):02d}-{int(row['bd']):02d}",
        )
        for row in rows
    ]
    raw: dict[str, Texts] = {field: _texts([value[at] or None for value in values]) for at, field in enumerate(NAMES)}
    return ListPeople(name, _texts([str(at) for at in range(len(rows))]), raw, {}, None, len(rows))


def make_county(folder: Path) -> None:
    """Write the county's files."""
    generate(folder, COUNTY, SEED)
    generate_children(folder, COUNTY, SEED)


def _county(folder: Path, at: int) -> Lists:
    pair = PAIRS[at]
    one, other = (read_county_list(folder, name, key) for name, key in zip(pair.files, pair.keys, strict=True))
    return one, other, read_truth(folder / f"{pair.truth}.csv", one, other)


def _read_families(folder: Path, one: str, other: str) -> Lists:
    lists, people = [], []
    for name in (one, other):
        with (folder / f"{name}.csv").open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        fields = [field for field in rows[0] if field != "person"]
        raw: dict[str, Texts] = {field: _texts([row[field] or None for row in rows]) for field in fields}
        people.append([row["person"] for row in rows])
        lists.append(ListPeople(name, _texts([str(at) for at in range(len(rows))]), raw, {}, None, len(rows)))
    place = {person: at for at, person in enumerate(people[1])}
    pairs = np.array([(at, place[person]) for at, person in enumerate(people[0]) if person in place], dtype=np.int64)
    return lists[0], lists[1], Truth(pairs[:, 0], pairs[:, 1])


def contrary_lists() -> Mapping[str, tuple[ListPeople, ListPeople]]:
    """Give lists in which no two are one person, though much of what is written of them agrees: made of Febrl3's true pairs."""
    one, other, truth = febrl.halves(3)
    plain = febrl.halves(3, ("ssn",))
    made = {
        "twins, a number each": febrl.housemates(one, other, truth, twins=True),
        "twins without a number": febrl.housemates(*plain, twins=True),
        "people of one home without a number": febrl.housemates(*plain, twins=False),
    }
    same = _twice(one, truth)
    elder = {"birth_date": _texts([_earlier(date, 28) for date in _turned(same["birth_date"])])}
    made["father and son of one name and home, a number each"] = _pair(same, same | elder | {"ssn": _turned(same["ssn"])})
    made["father and son without a number"] = _pair(_less(same, "ssn"), _less(same | elder, "ssn"))
    lent = {name: _turned(same[name]) for name in ("first_name", "birth_date")}
    made["one number, lent within a family"] = _pair(same, same | lent)
    moved = {name: _turned(same[name]) for name in ("ssn", "street", "city", "zip") if name in same}
    made["one name and birth date, two numbers and homes"] = _pair(same, same | moved)
    rng = np.random.default_rng(1)
    unknown = _unknown(rng, len(same["last_name"]))
    made["unknown people of each list's own stand-ins"] = _pair(unknown, _unknown(rng, len(same["last_name"])))
    first = {"birth_date": _texts([_new_year(date) for date in same["birth_date"]])}
    shared = {name: same[name] for name in ("last_name", "city", "zip")} | first
    others = {name: shared[name] for name in shared} | {"first_name": _turned(same["first_name"])}
    made["one family name and ZIP, 1 January for all"] = _pair(shared | {"first_name": same["first_name"]}, others)
    return made


def _twice(people: ListPeople, truth: Truth) -> dict[str, Texts]:
    return {name: values[truth.a].copy() for name, values in people.identifiers.items()}


def _pair(one: Mapping[str, Texts], other: Mapping[str, Texts]) -> tuple[ListPeople, ListPeople]:
    size = len(one["last_name"])
    keys = _texts([str(at) for at in range(size)])
    first = ListPeople("a", keys, dict(one), {}, None, size)
    return first, replace(first, name="b", identifiers={name: other[name] for name in one})


def _texts(values: list[str | None] | list[str]) -> Texts:
    made: Texts = np.empty(len(values), dtype=object)
    made[:] = values
    return made


def _turned(values: Texts) -> Texts:
    """Give everybody another's value: the next but a third of the list's."""
    return np.roll(values, len(values) // 3)


def _less(identifiers: Mapping[str, Texts], name: str) -> dict[str, Texts]:
    return {field: values for field, values in identifiers.items() if field != name}


def _earlier(date: str | None, years: int) -> str | None:
    """Move a birth date back; where nobody living was born then, forward."""
    if date is None or not re.match(r"\d{4}", date):
        return date
    year = int(date[:4])
    return f"{year - years if year - years > EARLIEST else year + years}{date[4:]}"


def _new_year(date: str | None) -> str | None:
    return date if date is None or not re.match(r"\d{4}", date) else f"{date[:4]}-01-01"


def _unknown(rng: np.random.Generator, size: int) -> dict[str, Texts]:
    """Give people of whom nothing is known, as clerks write it."""
    words = {
        "first_name": ("Unknown", "Baby Boy", "Newborn", "John", "Test", "Male Child", "Refused"),
        "last_name": ("Unknown", "Doe", "Patient", "Child", "Respondent", "Unkown"),
        "birth_date": ("1900-01-01", "1901-01-01", "9999-99-99", "1980-01-01"),
        "ssn": ("999-99-9999", "000-00-0000", "123-45-6789", "111-11-1111"),
        "street": ("Homeless", "General Delivery", "Unknown", "Confidential"),
        "zip": ("00000", "99999", "55401"),
    }
    return {name: _texts(list(rng.choice(np.array(values, dtype=object), size))) for name, values in words.items()}
