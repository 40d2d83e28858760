"""How far one record moves links and tables: the bounds of `core/statistics/noise.py`, tried on all small lists."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations_with_replacement, product

import numpy as np
import pytest

from tallystick.core.job.keep import parse_keep
from tallystick.core.job.population import Population
from tallystick.core.linkage.matching.matching import match_tags
from tallystick.core.statistics.noise import count_changed_links, count_moved

Row = tuple[int, ...]
"""A token for each pass; 0: none, as a token that two rows of a list share."""


def make_tags(rows: Sequence[Row], passes: int, side: int) -> np.ndarray:
    """Give a list's tags as the coordinator sees them: what a row lacks, or shares, is random."""
    tags = np.zeros((passes, len(rows), 16), dtype=np.uint8)
    for step in range(passes):
        shared = Counter(row[step] for row in rows)
        for at, row in enumerate(rows):
            token = row[step]
            if token and shared[token] == 1:
                tags[step, at, 0] = token
            else:
                tags[step, at] = [1 + side, step, at, *[255] * 13]
    return tags


def link(left: Sequence[Row], right: Sequence[Row], passes: int) -> set[tuple[int, int]]:
    """Give the links, by places in the lists."""
    if not left or not right:
        return set()
    matches = match_tags([make_tags(left, passes, 0), make_tags(right, passes, 1)])
    return set(zip(*(side.tolist() for side in matches.pairs(0, 1)), strict=True))


def differ(left: Sequence[Row], right: Sequence[Row], passes: int) -> int:
    """Give how many links differ without the first list's last row."""
    return len(link(left, right, passes) ^ link(left[:-1], right, passes))


def all_lists(passes: int, most: int, tokens: int) -> Iterator[tuple[list[Row], list[Row]]]:
    """Give all pairs of lists of up to so many rows; the order of a list does not matter but for its last row."""
    rows = list(product(range(tokens + 1), repeat=passes))
    for mine in range(most):
        for rest in combinations_with_replacement(rows, mine):
            for last in rows:
                for theirs in range(1, most + 1):
                    for right in combinations_with_replacement(rows, theirs):
                        yield [*rest, last], list(right)


@pytest.mark.parametrize(
    ("passes", "most", "tokens"),
    [(1, 3, 2), (2, 2, 1), pytest.param(2, 2, 2, marks=pytest.mark.slow), pytest.param(3, 2, 1, marks=pytest.mark.slow)],
)
def test_s20_one_record_changes_no_more_links_than_the_bound_on_all_small_lists(passes: int, most: int, tokens: int) -> None:
    tried = 0
    for left, right in all_lists(passes, most, tokens):
        assert differ(left, right, passes) <= count_changed_links(passes)
        tried += 1
    assert tried > 100


def build_worst(passes: int) -> tuple[list[Row], list[Row]]:
    """Give lists that reach the bound: at each pass the last row of the first list shares its token with one of a pair, and each stirred
    row has a partner of its own, whom it finds in one world."""
    sides: tuple[list[list[int]], list[list[int]]] = ([], [])
    added = [0] * passes
    stirred: list[tuple[int, list[int]]] = []
    token = 0
    for step in range(passes):
        after: list[tuple[int, list[int]]] = []
        for side, row in stirred:
            token += 1
            partner = [0] * passes
            row[step] = partner[step] = token
            sides[1 - side].append(partner)
            after.append((1 - side, partner))
        token += 1
        for side in (0, 1):
            one = [0] * passes
            one[step] = added[step] = token
            sides[side].append(one)
            after.append((side, one))
        stirred = after
    return [tuple(row) for row in (*sides[0], added)], [tuple(row) for row in sides[1]]


@pytest.mark.parametrize("passes", [1, 2, 3, 4])
def test_s20_lists_reach_the_bound(passes: int) -> None:
    left, right = build_worst(passes)
    assert differ(left, right, passes) == count_changed_links(passes) == (1, 4, 9, 16)[passes - 1]


def test_s20_random_lists_with_few_tokens_stay_below_the_bound() -> None:
    source = random.Random(20)
    for _ in range(500):
        passes = source.randint(1, 3)
        sizes = (source.randint(1, 9), source.randint(1, 9))
        left, right = ([tuple(source.randint(0, 5) for _ in range(passes)) for _ in range(size)] for size in sizes)
        assert differ(left, right, passes) <= count_changed_links(passes)


FORMULAS = {"a and b": "both", "a": "first", "a or b": "other", "a and not b": "other"}


def count_rows(
    formula: str, left: Sequence[Row], right: Sequence[Row], links: Iterable[tuple[int, int]]
) -> Counter[tuple[object, object]]:
    """Count the people of a table by a level of each list: the last token of a row stands for it; None for nobody."""
    pairs = dict(links)
    others = set(pairs.values())
    slots: list[tuple[object, object]] = [
        (row[-1], right[pairs[at]][-1] if at in pairs else None) for at, row in enumerate(left)
    ]
    slots += [(None, row[-1]) for at, row in enumerate(right) if at not in others]
    kept = {
        "a and b": [slot for slot in slots if None not in slot],
        "a": [slot for slot in slots if slot[0] is not None],
        "a or b": slots,
        "a and not b": [slot for slot in slots if slot[0] is not None and slot[1] is None],
    }
    return Counter(kept[formula])


@pytest.mark.parametrize("formula", FORMULAS)
def test_s20_one_record_moves_a_table_no_further_than_is_said(formula: str) -> None:
    population = Population(parse_keep(formula, ["a", "b"]), (("a", "one"), ("b", "two")))
    assert population.shape == FORMULAS[formula]
    source = random.Random(7)
    worst = 0
    cases = [build_worst(2), build_worst(3)]
    for _ in range(500):
        one, other = ([(source.randint(0, 4), source.randint(0, 4)) for _ in range(source.randint(1, 6))] for _ in range(2))
        cases.append((list(one), list(other)))
    for left, right in cases:
        passes = len(left[0])
        marked = [[(*row, at % 3) for at, row in enumerate(rows)] for rows in (left, right)]
        tables = [
            count_rows(formula, rows, marked[1], link(left[: len(rows)], right, passes)) for rows in (marked[0], marked[0][:-1])
        ]
        moved = sum(abs(tables[0][key] - tables[1][key]) for key in tables[0].keys() | tables[1].keys())
        assert moved <= count_moved(population, passes)
        worst = max(worst, moved)
    assert worst >= count_changed_links(2)  # the bound is of this size
