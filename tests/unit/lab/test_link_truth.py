"""What a rehearsal finds, against the truth: people are counted, not their keys; and truth files that are none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tallystick.core.errors import Invalid
from tallystick.core.linkage.matching.duplicates import Duplicates
from tallystick.lab.linking.people import ListPeople
from tallystick.lab.linking.score import Score, scores
from tallystick.lab.linking.truth import Kept, Truth, read_truth


def people(name: str, persons: dict[str, int]) -> ListPeople:
    """Give a list from the person of each of its keys."""
    keys = sorted(persons)
    labels = np.array([persons[key] for key in keys], dtype=np.int64)
    first = np.array([labels.tolist().index(label) for label in labels], dtype=np.int64)
    merged = Duplicates(first, {"test": len(keys) - len(set(labels.tolist()))}, {}, {})
    index = np.unique(first, return_inverse=True)[1].astype(np.int64)
    return ListPeople(name, np.array(keys, dtype=object), {}, {}, "id", len(keys), index, merged)


def judged(truth: Truth, links: list[tuple[int, int]], count_b: int) -> Score:
    a, b = (np.array([link[side] for link in links], dtype=np.int64) for side in (0, 1))
    return scores(truth, truth.true_of(a, b, count_b), np.zeros(len(links), dtype=np.int64), 1)[1]


def read(folder: Path, text: str, first: ListPeople, second: ListPeople) -> Truth:
    path = folder / "truth.csv"
    path.write_text(text, encoding="utf-8")
    return read_truth(path, first, second)


# --- counting ------------------------------------------------------------------------------------------------------------------------

PAIRS = "left,right\nk1,x\nk2,x\nk3,y\n"
PERSONS = "key,person,dataset\nk1,p,a\nk2,p,a\nk3,q,a\nx,p,b\ny,q,b\nx,p,elsewhere\n"


@pytest.mark.parametrize("text", [PAIRS, PERSONS])
@pytest.mark.parametrize(
    ("persons", "links", "expected", "kept"),
    [
        # two keys of one person: one to find, and once
        ({"k1": 0, "k2": 0, "k3": 1}, [(0, 0), (1, 1)], (2, 0, 0), (0, 0)),
        ({"k1": 0, "k2": 0, "k3": 1}, [(0, 0)], (1, 0, 1), (0, 0)),
        # not merged: either key finds the person
        ({"k1": 0, "k2": 1, "k3": 2}, [(1, 0)], (1, 0, 1), (0, 1)),
        ({"k1": 0, "k2": 1, "k3": 2}, [(0, 1)], (0, 1, 2), (0, 1)),
        # two people merged into one: whoever is linked, the other is missed
        ({"k1": 0, "k2": 1, "k3": 0}, [(0, 0)], (1, 0, 1), (1, 1)),
        ({"k1": 0, "k2": 1, "k3": 0}, [(0, 1)], (1, 0, 1), (1, 1)),
    ],
)
def test_true_people_are_counted_once(
    tmp_path: Path,
    text: str,
    persons: dict[str, int],
    links: list[tuple[int, int]],
    expected: tuple[int, ...],
    kept: tuple[int, int],
) -> None:
    truth = read(tmp_path, text, people("a", persons), people("b", {"x": 0, "y": 1}))
    score = judged(truth, links, 2)
    assert (score.found, score.wrong, score.missed) == expected
    assert truth.kept == (Kept(*kept), Kept(0, 0))
    assert truth.people == 2


def test_who_is_twice_in_both_lists_is_found_once_and_no_link_is_wrong(tmp_path: Path) -> None:
    truth = read(tmp_path, "a,b\nk1,x1\nk2,x2\nk1,x2\n", people("a", {"k1": 0, "k2": 1}), people("b", {"x1": 0, "x2": 1}))
    score = judged(truth, [(0, 0), (1, 1)], 2)
    assert (score.found, score.wrong, score.missed, score.again) == (1, 0, 0, 1)
    value = score.json_value()
    assert (value["precision"], value["recall"]) == (1.0, 1.0)


keys = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 5)), min_size=1, max_size=7)


@settings(max_examples=150, deadline=None)
@given(keys, keys, st.randoms(use_true_random=False), st.integers(1, 3))
def test_scores_are_those_of_counting_by_hand(
    one: list[tuple[int, int]], two: list[tuple[int, int]], rng: Any, steps: int
) -> None:
    """Each key is (its person in the list, its true person); the links are any that are one-to-one."""
    sides = []
    for side in (one, two):
        number = {label: at for at, label in enumerate(sorted({label for label, _ in side}))}
        sides.append([(number[label], true) for label, true in side])
    pairs = [(a, b, t) for a, t in sides[0] for b, other in sides[1] if t == other]
    a, b, true = (np.array([pair[at] for pair in pairs], dtype=np.int64) for at in range(3))
    truth = Truth(a, b, true)
    counts = [max(label for label, _ in side) + 1 for side in sides]
    rows = [rng.sample(range(count), min(counts)) for count in counts]
    links = list(zip(*rows, strict=True))
    at = [rng.randrange(steps) for _ in links]
    link_a, link_b = (np.array([link[side] for link in links], dtype=np.int64) for side in (0, 1))
    found = truth.true_of(link_a, link_b, counts[1])
    by_pass, total = scores(truth, found, np.array(at, dtype=np.int64), steps)

    everybody = sorted({t for _, _, t in pairs})
    right = {link: min((t for *pair, t in pairs if tuple(pair) == link), default=None) for link in links}
    assert [None if one < 0 else everybody[one] for one in found.tolist()] == [right[link] for link in links]
    seen: set[int] = set()
    for step, score in enumerate(by_pass):
        here = [right[link] for link, where in zip(links, at, strict=True) if where == step]
        new = {t for t in here if t is not None} - seen
        seen |= new
        assert (score.found, score.wrong, score.missed) == (len(new), here.count(None), len(everybody) - len(seen))
        assert score.right == len(here) - here.count(None)
    assert (total.found, total.missed) == (len(seen), len(everybody) - len(seen))
    assert total.right + total.wrong == len(links)


def test_without_numbers_whom_pairs_connect_is_one_person() -> None:
    truth = Truth(np.array([0, 1, 3]), np.array([0, 0, 1]))
    assert truth.people == 2
    assert truth.numbers.tolist() == [0, 0, 1]
    assert truth.holds(np.array([1, 3, 0]), np.array([0, 1, 1]), 2).tolist() == [True, True, False]
    assert Truth(np.array([], dtype=np.int64), np.array([], dtype=np.int64)).true_of(
        np.array([0]), np.array([0]), 1
    ).tolist() == [-1]


# --- files ---------------------------------------------------------------------------------------------------------------------------

FIRST, SECOND = people("a", {"k1": 0, "k2": 1}), people("b", {"x": 0, " y": 1})


def test_rows_that_name_no_key_are_counted(tmp_path: Path) -> None:
    truth = read(tmp_path, "a,b\nk1,x\nk2,y\nk9,x\nk8,z\n", FIRST, SECOND)
    assert (truth.people, truth.unused) == (2, 2)
    persons = "dataset,key,person\na,k1,p\nb,x,p\na,k9,p\nc,k9,p\n"
    assert read(tmp_path, persons, FIRST, SECOND).unused == 1


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        ("a,b\nk1,x\nk2,\n", "file-format", "row 2 lacks a or b"),
        ("a,b\n,x\nk1, \n", "file-format", "row 1 lacks a or b, and so do 1 more"),
        ("k1,x\nk2,y\n", "file-format", "begins with keys"),
        ("dataset,key,person\na,k1,p\na,k1,q\nb,x,p\n", "file-format", "gives a key to two people"),
        ("dataset,key,person\na,k1,\nb,x,p\n", "file-format", "row 1 lacks dataset or key or person"),
        ("dataset,key,person\na,k1,p\nc,x,p\n", "source-columns", "no row of dataset b"),
        ("dataset,key,person\na,k1,p\nb,x,q\n", "source-columns", "no pair"),
        ("a,b\nk9,z\n", "source-columns", "no pair"),
        ("a,b\n", "source-columns", "no pair"),
        ("a\nk1\n", "file-format", "no truth file"),
        ("a,b\nk1,x,1\n", "file-format", "line 2 has 3 fields, the header has 2"),
        ("", "file-format", "empty"),
    ],
)
def test_a_truth_file_that_does_not_serve_is_refused_without_its_contents(
    tmp_path: Path, text: str, code: str, words: str
) -> None:
    with pytest.raises(Invalid) as refusal:
        read(tmp_path, text, FIRST, SECOND)
    assert refusal.value.code == code
    assert words in refusal.value.message
    assert refusal.value.__context__ is None
    assert not any(key in refusal.value.message + refusal.value.hint for key in ("k1", "k2", "k9", ",x"))


def test_semicolons_part_fields_as_commas_do(tmp_path: Path) -> None:
    found = read(tmp_path, PAIRS.replace(",", ";"), FIRST, SECOND)
    assert found.people == read(tmp_path, PAIRS, FIRST, SECOND).people
