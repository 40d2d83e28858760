"""Duplicates within a list: who becomes one person, who never does, and that order says nothing."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tallystick.core.linkage.matching.apart import Apart
from tallystick.core.linkage.matching.duplicates import BETWEEN, MOST, DuplicateEvidence, Duplicates, duplicates
from tallystick.core.linkage.passes.ladders import passes_for
from tallystick.core.linkage.passes.recipes import parse_recipe
from tallystick.lab.county.population import people_of
from tallystick.lab.county.write import generate
from tallystick.lab.linking.headers import guess_fields
from tallystick.lab.linking.people import header_of, read_people

FIELDS = ("ssn", "first_name", "last_name", "birth_date", "sex")
ANA = ("212-45-6781", "Ana", "Lopez", "1990-05-02", "F")
STRICT = ("ssn+birth_date", "ssn+last_name:4+first_name:1")
Row = tuple[Any, ...]


def columns(rows: Sequence[Row]) -> dict[str, Any]:
    return {name: np.array([row[at] for row in rows], dtype=object) for at, name in enumerate(FIELDS)}


def found(rows: Sequence[Row], recipes: Sequence[str] = STRICT, declared: Sequence[DuplicateEvidence] = ()) -> Duplicates:
    return duplicates(columns(rows), len(rows), [parse_recipe(text) for text in recipes], declared)


def same(*keys: int) -> DuplicateEvidence:
    return DuplicateEvidence("id", np.array(keys), np.zeros(len(keys), dtype=np.int64))


def changed(row: Row = ANA, **change: Any) -> Row:
    return tuple(change.get(name, value) for name, value in zip(FIELDS, row, strict=True))


def test_keys_with_one_token_are_one_person_under_the_first_key() -> None:
    rows = [changed(ssn=None), ANA, changed(ssn="403-11-2096"), changed(last_name="Lopez Diaz"), changed(birth_date=None)]
    result = found(rows)
    assert result.person.tolist() == [0, 1, 2, 1, 1]
    assert result.merged == {"ssn+birth_date": 1, "ssn+last_name:4+first_name:1": 1}
    assert (result.keys, result.people) == (5, 3)
    assert result.contradicted == result.json_value()["common"] == {}


def test_what_is_missing_or_denied_is_no_evidence() -> None:
    for ssn in (None, "", "000-00-0000", "123-45-6789", "078-05-1120"):
        assert found([changed(ssn=ssn), changed(ssn=ssn)]).people == 2


@pytest.mark.parametrize(
    ("other", "reason"),
    [
        (changed(ssn="212-45-6782"), "ssn"),
        (changed(birth_date="1990-05-03"), "birth_date"),
        (changed(first_name="Maria"), "first_name"),
        (changed(first_name="M"), "first_name"),
    ],
)
def test_people_who_contradict_each_other_are_never_one(other: Row, reason: str) -> None:
    """Twins share nearly everything, and sometimes by a clerk's mistake their numbers."""
    for recipes in (STRICT, ("ssn",), ("last_name+birth_date+first_name:1",), ()):
        result = found([ANA, other], recipes, [same(0, 1)])
        assert (result.people, result.contradicted) == (2, {reason: 1})


@pytest.mark.parametrize(
    ("first", "second", "merged"),
    [
        ("William", "Bill", True),
        ("William", "W", True),
        ("Robert", "Robrt", True),  # by ear
        ("Robert", "Ropert", True),  # a slip
        ("Daniel", "Dnaiel", True),
        ("Robert", "Rupprecht", False),
        ("Jaden", "Hayden", False),
        ("Lopez", "Ana", False),
    ],
)
def test_first_names_that_are_one_name(first: str, second: str, *, merged: bool) -> None:
    pair = [changed(first_name=first), changed(first_name=second)]
    assert (found(pair).people == 1) == merged


def test_names_exchanged_are_the_same_names() -> None:
    assert found([ANA, changed(first_name="Lopez", last_name="Ana")]).people == 1


def test_a_slip_needs_a_number_and_a_sound_the_same_sex() -> None:
    slip = [changed(ssn=None, first_name="Robert"), changed(ssn=None, first_name="Ropert")]
    assert found(slip, (), [same(0, 1)]).contradicted == {"first_name": 1}
    brother = changed(ssn=None, first_name="Daniel", sex="M")
    sister = changed(ssn=None, first_name="Danielle", sex="F")
    assert found([brother, sister], ("first_sound+last_name+birth_date",)).contradicted == {"first_name": 1}
    assert found([brother, changed(sister, sex=None)], ("first_sound+last_name+birth_date",)).people == 1


def test_datasets_with_initials_alone_tell_them_apart() -> None:
    identifiers = {"ssn": np.array([ANA[0]] * 3, dtype=object), "first_initial": np.array(["A", "B", None], dtype=object)}
    apart = Apart(identifiers)
    pairs = np.array([[0, 0, 1], [1, 2, 2]])
    assert [Apart.REASONS[code] if code >= 0 else None for code in apart.reasons(*pairs)] == ["first_name", None, None]


def test_one_who_could_be_either_of_two_joins_neither() -> None:
    """The middle one has no birth date: it could be either of two people whose dates differ."""
    rows = [ANA, changed(birth_date=None), changed(birth_date="1991-01-01")]
    result = found(rows, ("ssn",))
    assert result.people == 3
    assert result.contradicted == {"birth_date": 1, BETWEEN: 2}


def test_stricter_evidence_is_kept_where_looser_fails() -> None:
    rows = [ANA, ANA, changed(birth_date=None), changed(birth_date="1991-01-01")]
    result = found(rows, ("ssn+birth_date", "ssn"))
    assert result.person.tolist() == [0, 0, 2, 3]
    assert result.merged == {"ssn+birth_date": 1, "ssn": 0}


def test_chains_are_followed() -> None:
    ids = [DuplicateEvidence("id", np.array([0, 1, 1, 2, 2, 3]), np.array([7, 7, 8, 8, 9, 9]))]
    rows = [changed(ssn=None)] * 5
    result = found(rows, (), ids)
    assert result.person.tolist() == [0, 0, 0, 0, 4]
    assert result.json_value() == {"keys": 5, "people": 2, "merged": {"id": 3}, "contradicted": {}, "common": {}}


def test_a_value_that_many_share_is_a_default() -> None:
    rows = [changed(ssn=None)] * (MOST + 1)
    result = found(rows, (), [same(*range(MOST + 1))])
    assert (result.people, result.common) == (MOST + 1, {"id": 1})
    assert found(rows[:MOST], (), [same(*range(MOST))]).people == 1


def test_no_person_becomes_larger_than_the_limit_by_chains() -> None:
    count = MOST + 1
    links = np.arange(count - 1)
    chain = DuplicateEvidence("id", np.concatenate([links, links + 1]), np.concatenate([links, links]))
    result = found([changed(ssn=None)] * count, (), [chain])
    assert (result.people, result.contradicted) == (count, {BETWEEN: count - 1})


def test_an_empty_list_and_no_evidence() -> None:
    assert found([]).people == 0
    assert found([ANA, ANA], ()).people == 2


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from([None, "212-45-6781", "403-11-2096"]),
            st.sampled_from([None, "Ana", "Anna", "Bill", "William", "Zoe"]),
            st.sampled_from(["Lopez", "Ana"]),
            st.sampled_from([None, "1990-05-02", "1990-02-05"]),
            st.sampled_from([None, "F", "M"]),
        ),
        max_size=14,
    ),
    st.randoms(use_true_random=False),
)
def test_order_says_nothing_and_nobody_who_contradicts_another_is_with_them(rows: list[Row], random: Any) -> None:
    recipes = (*STRICT, "ssn", "first_name+last_name+birth_date")
    result = found(rows, recipes)
    order = list(range(len(rows)))
    random.shuffle(order)
    again = found([rows[at] for at in order], recipes)
    assert (again.merged, again.contradicted, again.common) == (result.merged, result.contradicted, result.common)
    back = np.array(order, dtype=np.int64)[again.person] if rows else again.person
    groups: dict[int, set[int]] = {}
    for at, key in enumerate(order):
        groups.setdefault(int(back[at]), set()).add(key)
    assert {frozenset(group) for group in groups.values()} == {
        frozenset(np.flatnonzero(result.person == root).tolist()) for root in result.person.tolist()
    }
    first, second = np.triu_indices(len(rows), 1)
    together = result.person[first] == result.person[second]
    assert (Apart(columns(rows)).reasons(first, second)[together] < 0).all()
    assert (result.person <= np.arange(len(rows))).all()


def test_two_keys_of_a_countys_clients_are_found_and_twins_stay_two(tmp_path: Path) -> None:
    county = generate(tmp_path, 3_000, 5)
    path = tmp_path / "hmis_entries.csv"
    people = read_people(path, guess_fields(header_of(path)), "personal_id")
    with county.truth.open(encoding="utf-8", newline="") as file:
        person = {row["key"]: int(row["person"]) for row in csv.DictReader(file) if row["dataset"] == path.stem}
    truth = np.array([person[key] for key in people.keys])
    twin = people_of(3_000, np.random.default_rng(np.random.SeedSequence(5).spawn(4)[0])).twin
    assert (twin[truth] >= 0).sum() > 20, "there are twins to be told apart"
    for ladder, least in (("strict", 0.4), ("default", 0.6)):
        recipes = passes_for([ladder], None, people.identifiers, people.identifiers, people=(people.count,) * 2)[0]
        result = duplicates(people.identifiers, people.count, recipes)
        together = np.flatnonzero(result.person != np.arange(people.count))
        assert (truth[together] == truth[result.person[together]]).all()
        assert len(together) >= least * (people.count - len(set(truth.tolist())))
