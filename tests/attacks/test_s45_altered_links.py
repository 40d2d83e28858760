"""S-45: links that a coordinator parts or invents are noticed, at the chance that SECURITY.md states, and no honest table is.

The coordinator sees anonymous tags. Here it parts all links but one person's, parts one link of forty or of more, swaps two, shuffles all,
and links rows that nothing links. It picks them at random, as it does not know decoys from people.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tallystick.crypto import tags
from tests.attacks.tables import Lists, Pairs, Tokens, cheap_curve, made_lists

DECOYS = 1024
SHARED = 40
ALONE = 60
"""People of each list that the other has, and has not."""
TABLES = 12
TRIES = 250
"""Tables, and ways in which each is altered, of the statistical tests."""


@pytest.fixture(scope="module")
def tables() -> Iterator[list[Lists]]:
    """Give jobs of one pass, over the same people."""
    with pytest.MonkeyPatch.context() as patch:
        cheap_curve(patch)
        yield [made_lists(town(), decoys=DECOYS, seed=b"s45 %d" % number) for number in range(TABLES)]


def town(shared: int = SHARED, alone: int = ALONE) -> list[Tokens]:
    return [{"ssn": [*map(str, range(shared)), *(f"{side}{one}" for one in range(alone))]} for side in "ab"]


Alter = Callable[[Lists, np.random.Generator], tuple[Pairs, bool]]
"""Gives other links, and whether they concern a link of rows that the audit marks: a decoy's that is parted, or two that are linked."""


def part_one(lists: Lists, rng: np.random.Generator) -> tuple[Pairs, bool]:
    pairs, at = lists.pairs(), int(rng.integers(len(lists.pairs())))
    return pairs[:at] + pairs[at + 1 :], lists.of_decoys()[at]


def swap_two(lists: Lists, rng: np.random.Generator) -> tuple[Pairs, bool]:
    pairs, (i, j) = lists.pairs(), rng.choice(len(lists.pairs()), 2, replace=False).tolist()
    pairs[i], pairs[j] = (pairs[i][0], pairs[j][1]), (pairs[j][0], pairs[i][1])
    return pairs, lists.of_decoys()[i] or lists.of_decoys()[j]


def invent_one(lists: Lists, rng: np.random.Generator) -> tuple[Pairs, bool]:
    a, b = (int(rng.choice(lists.free(agency))) for agency in (0, 1))
    return [*lists.pairs(), (a, b)], bool(lists.own[0].persons[a] < 0 and lists.own[1].persons[b] < 0)


@pytest.mark.parametrize("alter", [part_one, swap_two, invent_one])
def test_s45_an_altered_table_is_noticed_exactly_if_it_concerns_a_marked_row(tables: list[Lists], alter: Alter) -> None:
    rng = np.random.default_rng(45)
    seen = [0, 0]
    for lists in tables:
        for _ in range(60):
            pairs, concerned = alter(lists, rng)
            seen[concerned] += 1
            assert (lists.difference(pairs) != 0) == concerned
    assert min(seen) > 0


def test_s45_a_link_of_forty_that_is_parted_is_noticed_in_0_87_of_tables(tables: list[Lists]) -> None:
    """With 1,024 decoys about 256 are linked beside forty people: 256/296."""
    rng = np.random.default_rng(40)
    noticed, expected = 0, 0.0
    for lists in tables:
        assert len(lists.pairs()) - sum(lists.of_decoys()) == SHARED
        expected += sum(lists.of_decoys()) / len(lists.pairs()) / TABLES
        noticed += sum(lists.difference(part_one(lists, rng)[0]) != 0 for _ in range(TRIES))
    deviation = math.sqrt(expected * (1 - expected) / (TABLES * TRIES))
    assert abs(noticed / (TABLES * TRIES) - expected) < 4 * deviation
    assert abs(expected - 0.87) < 0.01


def test_s45_one_link_of_a_thousand_is_noticed_in_a_fifth_of_tables_and_a_hundred_always() -> None:
    rng = np.random.default_rng(1000)
    with pytest.MonkeyPatch.context() as patch:
        cheap_curve(patch)
        lists = made_lists(town(1000, 100), decoys=DECOYS, seed=b"thousand")
    pairs, decoys = lists.pairs(), sum(lists.of_decoys())
    chance = decoys / len(pairs)
    assert 0.17 < chance < 0.24
    noticed = sum(lists.difference(part_one(lists, rng)[0]) != 0 for _ in range(600)) / 600
    assert abs(noticed - chance) < 4 * math.sqrt(chance * (1 - chance) / 600)
    for _ in range(50):
        kept = set(rng.permutation(len(pairs))[100:].tolist())
        assert lists.difference([pair for at, pair in enumerate(pairs) if at in kept])


def test_s45_a_person_who_is_isolated_is_noticed_always(tables: list[Lists]) -> None:
    for lists in tables:
        people = [pair for pair, decoy in zip(lists.pairs(), lists.of_decoys(), strict=True) if not decoy]
        for one in people:
            assert lists.difference([one])


def test_s45_links_that_are_all_dealt_anew_are_noticed(tables: list[Lists]) -> None:
    rng = np.random.default_rng(3)
    for lists in tables:
        firsts, seconds = map(np.array, zip(*lists.pairs(), strict=True))
        assert lists.difference(list(zip(firsts.tolist(), rng.permutation(seconds).tolist(), strict=True)))


def test_s45_deviations_do_not_make_up_for_each_other(tables: list[Lists]) -> None:
    """As many decoys are linked as before; a sum of ones would be the same."""
    for lists in tables:
        pairs, decoys = lists.pairs(), lists.of_decoys()
        parted = decoys.index(True)
        lonely = [next(int(row) for row in lists.free(at) if lists.own[at].decoys[row] > tags.NO_DECOY) for at in (0, 1)]
        assert lists.difference([*pairs[:parted], *pairs[parted + 1 :], (lonely[0], lonely[1])])
        i, j = [at for at, decoy in enumerate(decoys) if decoy][:2]
        pairs[i], pairs[j] = (pairs[i][0], pairs[j][1]), (pairs[j][0], pairs[i][1])
        assert lists.difference(pairs)


def test_s45_padding_counts_as_decoys_that_must_stay_alone(tables: list[Lists]) -> None:
    for lists in tables:
        padding, other = (
            next(int(row) for row in lists.free(at) if own.persons[row] < 0 and own.decoys[row] == tags.NO_DECOY)
            for at, own in enumerate(lists.own)
        )
        assert lists.difference([*lists.pairs(), (padding, other)])


def test_s45_limit_people_among_themselves_and_what_changes_no_cell_go_unseen(tables: list[Lists]) -> None:
    """The stated limit: the audit knows decoys and padding, and no people, so that it can tell nothing of them."""
    lists = tables[0]
    pairs, decoys = lists.pairs(), lists.of_decoys()
    person = decoys.index(False)
    assert not lists.difference(pairs[:person] + pairs[person + 1 :])
    free = [[int(row) for row in lists.free(at) if lists.own[at].persons[row] >= 0] for at in (0, 1)]
    assert not lists.difference([*pairs, (free[0][0], free[1][0])])
    nobody = [next(int(row) for row in lists.free(at) if lists.own[at].persons[row] < 0) for at in (0, 1)]
    assert not lists.difference([*pairs, (free[0][0], nobody[1])])
    assert not lists.difference([*pairs, (nobody[0], free[1][0])])
    assert lists.difference([*pairs, (nobody[0], nobody[1])])


# honest tables


NAMES = st.sampled_from([None, "1", "2", "3", "4", "5"])


@st.composite
def jobs(draw: st.DrawFn) -> tuple[list[Tokens], int, int, int, bytes]:
    """Give agencies' tokens by pass, decoys, bands, the fewest bands of a link, and a seed; recipes may have other spellings."""
    agencies = draw(st.integers(2, 3))
    recipes = draw(
        st.lists(st.sampled_from(["ssn", "name", "name@0.1", "name@1.0", "name@1.1"]), min_size=1, max_size=5, unique=True)
    )
    bands = draw(st.sampled_from([0, 0, 3, 5]))
    passes = [*recipes, *(f"band-{number}" for number in range(bands))]
    people: list[Tokens] = []
    for _ in range(agencies):
        count = draw(st.integers(1, 12))
        people.append({name: draw(st.lists(NAMES, min_size=count, max_size=count)) for name in passes})
    decoys = draw(st.sampled_from([0, 1, 2, 17, 40]))
    return people, decoys, bands, draw(st.integers(1, bands)) if bands else 0, draw(st.binary(max_size=4))


@settings(max_examples=150, deadline=None)
@given(jobs())
def test_s45_no_honest_table_is_refused(job: tuple[list[Tokens], int, int, int, bytes]) -> None:
    people, decoys, bands, least, seed = job
    with pytest.MonkeyPatch.context() as patch:
        cheap_curve(patch)
        lists = made_lists(people, decoys=decoys, seed=seed, bands=bands, least=least)
    for one in range(len(people)):
        for other in range(len(people)):
            if one != other:
                assert not lists.difference(one=one, other=other)


@settings(max_examples=60, deadline=None)
@given(jobs(), st.data())
def test_s45_a_decoy_that_is_parted_is_noticed_whatever_else_there_is(
    job: tuple[list[Tokens], int, int, int, bytes], data: st.DataObject
) -> None:
    people, decoys, bands, least, seed = job
    with pytest.MonkeyPatch.context() as patch:
        cheap_curve(patch)
        lists = made_lists(people[:2], decoys=decoys, seed=seed, bands=bands, least=least)
    pairs = lists.pairs()
    assert not lists.difference(pairs)
    of_decoys = [at for at, decoy in enumerate(lists.of_decoys()) if decoy]
    if of_decoys:
        parted = data.draw(st.sampled_from(of_decoys))
        assert lists.difference([pair for at, pair in enumerate(pairs) if at != parted])


# passes that are left out


@settings(max_examples=100, deadline=None)
@given(jobs(), st.data())
def test_s45_no_honest_table_is_refused_whatever_passes_are_left_out(
    job: tuple[list[Tokens], int, int, int, bytes], data: st.DataObject
) -> None:
    people, decoys, bands, least, seed = job
    made = sorted(data.draw(st.sets(st.sampled_from(range(len(people[0]) - bands)))))
    with pytest.MonkeyPatch.context() as patch:
        cheap_curve(patch)
        lists = made_lists(people, decoys=decoys, seed=seed, bands=bands, least=least, made=made)
    for one in range(len(people)):
        for other in range(len(people)):
            if one != other:
                assert not lists.difference(one=one, other=other)


def two_passes(made: list[int], bands: int = 0) -> Lists:
    people: list[Tokens] = [
        {
            name: [f"{name}{n}" if n < SHARED else f"{side}{n}" for n in range(SHARED + ALONE)]
            for name in ("ssn", "name", *(f"b{n}" for n in range(bands)))
        }
        for side in "ab"
    ]
    with pytest.MonkeyPatch.context() as patch:
        cheap_curve(patch)
        return made_lists(people, decoys=DECOYS, seed=b"left out", bands=bands, least=min(bands, 2), made=made)


def test_s45_a_pass_that_is_made_cannot_be_said_to_be_left_out() -> None:
    """Its decoys that are linked with each other are marked, and have no slot behind the table."""
    lists = two_passes([0, 1])
    said = np.array([False, True])
    assert not lists.difference()
    assert lists.difference(said=(said, said))


def test_s45_a_pass_that_is_left_out_cannot_be_said_to_be_made_nor_made_to_one_agency_alone() -> None:
    lists = two_passes([0])
    nothing, second = np.zeros(2, dtype=np.bool_), np.array([False, True])
    assert not lists.difference()
    assert lists.difference(said=(nothing, nothing))
    assert not lists.difference(said=(second, nothing)), "what one agency expects alone has no partner in either sum"
    parted = [pair for pair, decoy in zip(lists.pairs(), lists.of_decoys(), strict=True) if not decoy]
    assert lists.difference(parted, said=(second, nothing))


def test_s45_limit_beside_a_similarity_pass_decoys_of_a_pass_said_to_be_left_out_are_not_audited() -> None:
    lists = two_passes([0, 1], bands=4)
    said = np.array([False, True])
    assert not lists.difference()
    own = [lists.decoys_of(side, said) for side in (0, 1)]
    gone = [
        at for at, (a, b) in enumerate(lists.pairs()) if own[0][a] == own[1][b] == tags.OF_SIMILARITY and lists.of_decoys()[at]
    ]
    parted = [pair for at, pair in enumerate(lists.pairs()) if at not in gone]
    assert gone
    assert not lists.difference(parted, said=(said, said))
    assert lists.difference(parted)
