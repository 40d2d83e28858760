"""Rounds of a similarity pass: held to a slow reading of their rule, and to lists of people who are there and people who are not."""

from __future__ import annotations

from collections import Counter
from itertools import combinations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tallystick.core.errors import Broken
from tallystick.core.linkage.matching.matching import Matches, match_tags
from tallystick.core.linkage.passes import rounds
from tallystick.core.linkage.passes.rounds import RoundCounts, Rounds

Lists = list[list[list[int]]]
"""Per agency, per pass, the token of each row; a negative one is nobody else's."""
Row = tuple[int, int]


def tags_of(lists: Lists) -> list[npt.NDArray[np.uint8]]:
    made = []
    for agency, passes in enumerate(lists):
        tags = np.zeros((len(passes), len(passes[0]), 2), dtype=np.uint64)
        for step, tokens in enumerate(passes):
            for row, token in enumerate(tokens):
                tags[step, row] = (step, token) if token >= 0 else (10**9 + agency, row)
        made.append(tags.view(np.uint8).reshape(*tags.shape[:2], 16))
    return made


def pairs_of(result: Matches) -> set[tuple[int, int]]:
    return set(zip(*(rows.tolist() for rows in result.pairs(0, 1)), strict=True))


# --- the rule, read slowly -------------------------------------------------------------------------------------------------------


class Slowly:
    """The rule in loops and dicts, for one exact pass and the bands after it."""

    def __init__(self, lists: Lists, rule: Rounds) -> None:
        self.lists, self.rule = lists, rule
        self.cluster = {(a, r): frozenset([(a, r)]) for a, passes in enumerate(lists) for r in range(len(passes[0]))}
        self.merge([pair for a, b in combinations(range(len(lists)), 2) for pair in self.alike(0, a, b)])
        self.counts = Counter(
            pair
            for a, b in combinations(range(len(lists)), 2)
            for band in range(1, rule.bands + 1)
            for pair in self.alike(band, a, b)
        )

    def alike(self, step: int, a: int, b: int) -> list[tuple[Row, Row]]:
        one, two = self.lists[a][step], self.lists[b][step]
        return [
            ((a, one.index(token)), (b, two.index(token)))
            for token in set(one) & set(two)
            if token >= 0 and one.count(token) == two.count(token) == 1
        ]

    def free(self, pair: tuple[Row, Row]) -> bool:
        one, two = pair
        return all(x[0] != two[0] for x in self.cluster[one]) and all(x[0] != one[0] for x in self.cluster[two])

    def merge(self, links: list[tuple[Row, Row]]) -> int:
        merged = dict(self.cluster)
        for one, two in links:
            union = merged[one] | merged[two]
            merged |= dict.fromkeys(union, union)
        whole = {row for row, union in merged.items() if max(Counter(a for a, _ in union).values()) == 1}
        self.cluster |= {row: merged[row] for row in whole}
        return sum(one in whole for one, _ in links)

    def proposed(self, number: int) -> list[tuple[Row, Row]]:
        able = {pair: n for pair, n in self.counts.items() if n >= number and self.free(pair)}
        found = []
        for pair, n in able.items():
            rivals = [
                m
                for other, m in able.items()
                if other != pair
                and {other[0][0], other[1][0]} == {pair[0][0], pair[1][0]}
                and (other[0] == pair[0] or other[1] == pair[1])
            ]
            if all(m < n for m in rivals):
                found.append(pair)
        return found

    def run(self) -> tuple[set[frozenset[Row]], int]:
        spent, fewest = 0.0, self.rule.need
        for number in range(self.rule.need, max(self.rule.least, min(2, self.rule.need)) - 1, -1):
            if number < self.rule.need:
                links = self.proposed(number)
                if not links:
                    continue
                apart = [
                    n for (one, two), n in self.counts.items() if two not in self.cluster[one] and not self.free((one, two))
                ]
                fewer = sum(n < number for n in apart)
                waiting = sum(n < number for pair, n in self.counts.items() if self.free(pair))
                expected = (waiting + 1) * (len(apart) - fewer + 1) / fewer if fewer else float("inf")
                linked = sum(
                    {a, b} <= {x for x, _ in union}
                    for union in set(self.cluster.values())
                    for a, b in combinations(range(len(self.lists)), 2)
                )
                if expected + spent > rounds.SHARE * linked or expected > rounds.ODDS * len(links):
                    break
                spent += expected
            while self.merge(self.proposed(number)):
                fewest = number
        return {union for union in self.cluster.values() if len(union) > 1}, fewest


@st.composite
def cases(draw: st.DrawFn) -> tuple[Lists, Rounds]:
    agencies, bands = draw(st.integers(2, 3)), draw(st.integers(1, 5))
    token, sizes = st.integers(-2, 8), [draw(st.integers(1, 8)) for _ in range(agencies)]
    lists = [[draw(st.lists(token, min_size=size, max_size=size)) for _ in range(1 + bands)] for size in sizes]
    need = draw(st.integers(1, bands))
    return lists, Rounds(bands, need, draw(st.integers(1, need)))


@settings(max_examples=700, deadline=None)
@given(cases())
def test_rounds_follow_their_rule(case: tuple[Lists, Rounds]) -> None:
    lists, rule = case
    with (
        pytest.MonkeyPatch.context() as patch
    ):  # so lenient that lists of a few rows have further rounds, and some still have not
        patch.setattr(rounds, "SHARE", 1.0)
        patch.setattr(rounds, "ODDS", 0.7)
        result = match_tags(tags_of(lists), rule)
        expected, fewest = Slowly(lists, rule).run()
    found: dict[int, set[Row]] = {}
    for agency, numbers in enumerate(result.cluster):
        for row, number in enumerate(numbers.tolist()):
            if number >= 0:
                found.setdefault(number, set()).add((agency, row))
    assert {frozenset(rows) for rows in found.values()} == expected
    assert result.fewest == fewest


# --- people ----------------------------------------------------------------------------------------------------------------------


def lists_of(
    linked: int = 2_000, free: int = 12, *, bands: int = 16, chance: float = 2e-5, together: int = 4, seed: int = 1
) -> Lists:
    """Give two lists of people who are linked exactly, and of `free` more in each: the same people, who coincide in few bands.

    Any two of all these people coincide in a band with a chance, and free partners in `together` bands for certain.
    """
    rng = np.random.default_rng(seed)
    rows = linked + free
    lists: Lists = [[[*range(linked), *[-1] * free]] for _ in "ab"]
    for band in range(bands):
        tokens = [[-1] * rows, [-1] * rows]
        for row in range(linked, rows):
            if (row + band) % bands < together:
                tokens[0][row] = tokens[1][row] = 10**6 + row
        number = rng.binomial(rows * rows, chance)
        left = [int(row) for row in rng.permutation(rows) if tokens[0][row] < 0][:number]
        right = [int(row) for row in rng.permutation(rows) if tokens[1][row] < 0][:number]
        for at, (one, two) in enumerate(zip(left, right, strict=False)):
            if one != two:
                tokens[0][one] = tokens[1][two] = at
        for side, made in zip(lists, tokens, strict=True):
            side.append(made)
    return lists


def test_few_bands_do_when_few_rows_are_free() -> None:
    lists = lists_of()
    rule = Rounds(16, 8, 2)
    result = match_tags(tags_of(lists), rule)
    assert pairs_of(result) == {(row, row) for row in range(2_012)}
    assert result.links == (2_000, 12)
    assert result.fewest == 4
    assert match_tags(tags_of(lists), Rounds(16, 8, 5)).links == (2_000, 0)  # but never fewer than the plan's least


def test_few_bands_do_not_when_few_rows_are_linked() -> None:
    """Nothing is known of how often two people coincide, and nearly everybody may have a partner or none."""
    for linked, free in ((0, 12), (30, 12), (300, 1_700)):
        result = match_tags(tags_of(lists_of(linked, free)), Rounds(16, 8, 2))
        assert result.links[-1] == 0
        assert result.fewest == 8


def test_people_who_are_nobodys_partner_are_not_linked_by_few_bands() -> None:
    """Half of each list is somebody else: of 1,000 such in each, none is linked by accident, though some coincide in two bands."""
    lists = lists_of(linked=1_000, free=1_000, bands=16, chance=3e-4, together=0, seed=3)
    result = match_tags(tags_of(lists), Rounds(16, 6, 2))
    assert result.links[-1] == 0
    assert match_tags(tags_of(lists), Rounds(16, 2, 2)).links[-1] > 0


def test_rows_of_nobody_change_nothing() -> None:
    """Decoys that one list has alone, and padding, coincide with none: the rule counts pairs that coincide, not rows."""
    lists = lists_of()
    padded = [[[*tokens, *[-1] * 3_000] for tokens in side] for side in lists]
    assert match_tags(tags_of(padded), Rounds(16, 8, 2)).links == match_tags(tags_of(lists), Rounds(16, 8, 2)).links


def test_decoys_are_not_taken_for_people() -> None:
    """Links that are decoys, as many as are expected, do not make a round safer; nor do decoys that it would link."""
    lists = lists_of()
    assert match_tags(tags_of(lists), Rounds(16, 8, 2, decoys=3_900)).links[-1] == 0
    assert Rounds(16, 8, 2, decoys=400).decoy_links(3) == 300
    assert Rounds(16, 8, 2, decoys=60).decoys_each == 1
    assert Rounds(16, 8, 2, decoys=60).decoys_left(5) == 3
    assert match_tags(tags_of(lists), Rounds(16, 8, 2, decoys=800)).links[-1] == 0  # twelve of a number of bands are expected


def test_what_is_seen_decides() -> None:
    assert RoundCounts(apart_enough=0, apart_fewer=0, free_fewer=0, proposed=10, links=10**6).accidental == float("inf")
    seen = RoundCounts(apart_enough=4, apart_fewer=1_000, free_fewer=99, proposed=20, links=10_000)
    assert seen.accidental == pytest.approx(0.5)
    assert seen.allows(0.0)
    assert not seen.allows(4.6)  # with what earlier rounds expect, above one link in two thousand
    assert not RoundCounts(4, 1_000, 99, proposed=4, links=10_000).allows(0.0)
    assert not RoundCounts(4, 1_000, 99, proposed=20, links=900).allows(0.0)


@pytest.mark.parametrize("numbers", [(0, 0, 0), (4, 0, 0), (4, 5, 1), (4, 2, 3), (4, 2, 0), (4, 2, 2, -1)])
def test_numbers_that_do_not_fit_are_refused(numbers: tuple[int, ...]) -> None:
    with pytest.raises(Broken):
        Rounds(*numbers)
    assert list(Rounds(4, 1, 1).numbers) == [1]
    assert list(Rounds(8, 4, 1).numbers) == [4, 3, 2]
