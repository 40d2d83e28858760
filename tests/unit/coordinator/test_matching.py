"""Matching against a slow reading of its rules, and against the order of everything."""

from __future__ import annotations

from collections import Counter
from itertools import combinations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tallystick.coordinator.matching import Matches, match_tags
from tallystick.coordinator.slots import assign_slots, shuffle_table
from tallystick.core.errors import Broken
from tallystick.crypto.randomness import SeededRandomness, SystemRandomness

Lists = list[list[list[int]]]
"""Per agency, per pass, the token of each row; a negative one is nobody else's."""


def tags_of(lists: Lists) -> list[npt.NDArray[np.uint8]]:
    """Give tags whose first eight bytes are all equal, so that the other eight must be looked at too."""
    out = []
    for agency, passes in enumerate(lists):
        rows = len(passes[0])
        tags = np.zeros((len(passes), rows, 16), dtype=np.uint8)
        for step, tokens in enumerate(passes):
            for row, token in enumerate(tokens):
                unique = 10**6 + (agency * 1000 + step) * 1000 + row
                value = token if token >= 0 else unique
                tags[step, row, 8:] = np.frombuffer(value.to_bytes(8, "little"), dtype=np.uint8)
        out.append(tags)
    return out


def slowly(lists: Lists) -> tuple[set[frozenset[tuple[int, int]]], list[int], list[int]]:
    """Give (clusters, links by pass, ties by pass) by the rules in the module's docstring, with dicts and loops."""
    cluster = {(a, r): frozenset([(a, r)]) for a, passes in enumerate(lists) for r in range(len(passes[0]))}
    links, ties = [], []
    for step in range(len(lists[0])):
        found, refused = [], 0
        for a, b in combinations(range(len(lists)), 2):
            free = {
                x: [r for r in range(len(lists[x][step])) if all(agency != y for agency, _ in cluster[x, r])]
                for x, y in ((a, b), (b, a))
            }
            seen = {x: Counter(lists[x][step][r] for r in rows if lists[x][step][r] >= 0) for x, rows in free.items()}
            for token in seen[a].keys() & seen[b].keys():
                if seen[a][token] == seen[b][token] == 1:
                    pair = [next((x, r) for r in free[x] if lists[x][step][r] == token) for x in (a, b)]
                    found.append((pair[0], pair[1]))
                else:
                    refused += 1
        merged = dict(cluster)
        for one, other in found:
            union = merged[one] | merged[other]
            for row in union:
                merged[row] = union
        made = 0
        for one, _ in found:
            made += max(Counter(agency for agency, _ in merged[one]).values()) == 1
        cluster |= {row: union for row, union in merged.items() if max(Counter(agency for agency, _ in union).values()) == 1}
        links.append(made)
        ties.append(refused + len(found) - made)
    return {c for c in cluster.values() if len(c) > 1}, links, ties


def clusters_of(result: Matches) -> set[frozenset[tuple[int, int]]]:
    """Give the clusters as sets of (agency, row)."""
    found: dict[int, set[tuple[int, int]]] = {}
    for agency, numbers in enumerate(result.cluster):
        for row, number in enumerate(numbers.tolist()):
            if number >= 0:
                found.setdefault(number, set()).add((agency, row))
    assert sorted(found) == list(range(result.clusters))
    return {frozenset(cluster) for cluster in found.values()}


@st.composite
def lists(draw: st.DrawFn) -> Lists:
    agencies, passes = draw(st.integers(2, 4)), draw(st.integers(1, 3))
    token = st.integers(-2, 6)
    sizes = [draw(st.integers(0, 7)) for _ in range(agencies)]
    return [[draw(st.lists(token, min_size=size, max_size=size)) for _ in range(passes)] for size in sizes]


@settings(max_examples=500, deadline=None)
@given(lists())
def test_matching_follows_its_rules(case: Lists) -> None:
    result = match_tags(tags_of(case))
    clusters, links, ties = slowly(case)
    assert clusters_of(result) == clusters
    assert (list(result.links), list(result.ties)) == (links, ties)
    for cluster in clusters:
        assert len({agency for agency, _ in cluster}) == len(cluster)
    for a, b in combinations(range(len(case)), 2):
        mine, theirs = result.pairs(a, b)
        expected = {(dict(c)[a], dict(c)[b]) for c in clusters if a in dict(c) and b in dict(c)}
        assert set(zip(mine.tolist(), theirs.tolist(), strict=True)) == expected


@settings(max_examples=400, deadline=None)
@given(lists(), st.randoms(use_true_random=False))
def test_the_order_of_rows_and_agencies_does_not_matter(case: Lists, random: np.random.Generator) -> None:
    agencies = list(range(len(case)))
    random.shuffle(agencies)
    orders = [list(range(len(passes[0]))) for passes in case]
    for order in orders:
        random.shuffle(order)
    shuffled = [[[tokens[row] for row in orders[agency]] for tokens in case[agency]] for agency in agencies]
    first, second = match_tags(tags_of(case)), match_tags(tags_of(shuffled))
    back = {
        frozenset((agencies[position], orders[agencies[position]][row]) for position, row in cluster)
        for cluster in clusters_of(second)
    }
    assert back == clusters_of(first)
    assert (first.links, first.ties) == (second.links, second.ties)


def test_a_chain_that_would_join_two_rows_of_one_agency_is_refused_whole() -> None:
    # pass 1 links A0-B0 and A1-C0; pass 2 would link B0-C0, which would put A0 and A1 into one cluster
    case = [[[1, 2], [-1, -1]], [[1], [7]], [[2], [7]]]
    result = match_tags(tags_of(case))
    assert clusters_of(result) == {frozenset({(0, 0), (1, 0)}), frozenset({(0, 1), (2, 0)})}
    assert (result.links, result.ties) == ((2, 0), (0, 1))


def test_s10_a_tie_links_nobody_and_a_later_pass_may_still() -> None:
    case = [[[5, 5, 6], [1, 2, 3]], [[5, 6], [2, 9]]]
    result = match_tags(tags_of(case))
    assert clusters_of(result) == {frozenset({(0, 2), (1, 1)}), frozenset({(0, 1), (1, 0)})}
    assert (result.links, result.ties) == ((1, 1), (1, 0))


def test_a_hundred_thousand_rows() -> None:
    random = np.random.default_rng(5)
    n, shared = 100_000, 30_000
    a = random.integers(0, 256, (2, n, 16), dtype=np.uint8)
    b = random.integers(0, 256, (2, n, 16), dtype=np.uint8)
    rows_a, rows_b = random.permutation(n)[:shared], random.permutation(n)[:shared]
    half = shared // 2
    b[0, rows_b[:half]] = a[0, rows_a[:half]]
    b[1, rows_b[half:]] = a[1, rows_a[half:]]
    result = match_tags([a, b])
    assert (result.clusters, result.links, result.ties) == (shared, (half, half), (0, 0))
    mine, theirs = result.pairs(0, 1)
    assert dict(zip(mine.tolist(), theirs.tolist(), strict=True)) == dict(zip(rows_a.tolist(), rows_b.tolist(), strict=True))


@pytest.mark.parametrize(
    "shapes", [[(1, 2, 16)], [(1, 2, 16), (2, 2, 16)], [(1, 2, 16), (1, 2, 15)], [(1, 2, 17), (1, 2, 17)], [(2, 16), (2, 16)]]
)
def test_lists_that_do_not_fit_together_are_refused(shapes: list[tuple[int, ...]]) -> None:
    with pytest.raises(Broken):
        match_tags([np.zeros(shape, dtype=np.uint8) for shape in shapes])


# --- slots -----------------------------------------------------------------------------------------------------------------------


@settings(max_examples=200, deadline=None)
@given(lists(), st.integers(0, 1000))
def test_slots_coincide_exactly_for_clusters(case: Lists, seed: int) -> None:
    result = match_tags(tags_of(case))
    sizes = [len(passes[0]) for passes in case]
    slots, table_size = assign_slots(result, sizes, shuffle_table(sizes, SeededRandomness(seed.to_bytes(2, "big"))))
    assert table_size == sum(sizes)
    assert [slot.dtype for slot in slots] == [np.dtype(np.uint32)] * len(sizes)
    at: dict[int, set[tuple[int, int]]] = {}
    for agency, column in enumerate(slots):
        assert len(set(column.tolist())) == len(column) == sizes[agency]
        for row, slot in enumerate(column.tolist()):
            assert 0 <= slot < table_size
            at.setdefault(slot, set()).add((agency, row))
    assert {frozenset(rows) for rows in at.values() if len(rows) > 1} == clusters_of(result)


def test_an_agencys_slots_do_not_say_who_matched() -> None:
    everyone = [[list(range(50))], [list(range(50))]]
    nobody = [[[-1] * 50], [[-1] * 50]]
    counts = {}
    for name, case in (("everyone", everyone), ("nobody", nobody)):
        result = match_tags(tags_of(case))
        source = SeededRandomness(name.encode())
        drawn = [assign_slots(result, [50, 50], shuffle_table([50, 50], source))[0][0] for _ in range(400)]
        counts[name] = np.bincount(np.concatenate(drawn), minlength=100)
    # 200 of 400 are expected in each of 100 slots, with variance 100; chi-square with 99 degrees of freedom
    # stays below 160 but once in 10,000 runs
    for seen in counts.values():
        assert float(((seen - 200) ** 2).sum()) / 100 < 160


def test_slots_for_other_lists_are_refused() -> None:
    result = match_tags(tags_of([[[1]], [[1]]]))
    with pytest.raises(Broken):
        assign_slots(result, [1, 2], shuffle_table([1, 2], SystemRandomness()))
    with pytest.raises(Broken):
        assign_slots(result, [1, 1], shuffle_table([1, 2], SystemRandomness()))
