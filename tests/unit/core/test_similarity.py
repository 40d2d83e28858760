"""The similarity pass: its grams and signatures against slow ones, its matching against a slow reading of the rules."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tallystick.core.errors import Broken, Invalid, Refused
from tallystick.core.linkage.fields.normalise import normalise
from tallystick.core.linkage.matching.banding import coinciding, only_best
from tallystick.core.linkage.matching.matching import match_tags
from tallystick.core.linkage.passes.bands import band_columns
from tallystick.core.linkage.passes.coincidence import (
    GRAMS,
    NAMES_APART,
    Pairs,
    damage_pairs,
    different_people,
    housemates,
    weight,
)
from tallystick.core.linkage.passes.grams import gram_table, grams, minima
from tallystick.core.linkage.passes.ladders import SIMILARITY
from tallystick.core.linkage.passes.rounds import Rounds
from tallystick.core.linkage.passes.similarity import BANDS, DAMAGES, MANY, MOST_TWINS, WRONG, SimilarityPlan, plan_of

FULL = ("first_name", "last_name", "birth_date", "street", "city", "zip")
NAMES = ("first_name", "last_name", "birth_date")
SECRET = bytes(range(32))


def jaccard(field: str, one: str, other: str) -> float:
    a, b = grams(field, one), grams(field, other)
    return len(a & b) / len(a | b)


# --- grams and signatures --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("field", "one", "other", "shared", "held"),
    [
        ("first_name", "ANN", "ANNE", 3, 6),  # ^A AN NN N$ and ^A AN NN NE E$
        ("last_name", "A", "A", 2, 2),
        ("birth_date", "19870304", "19870403", 3, 3),  # month and day exchanged
        ("birth_date", "19870304", "19870305", 1, 5),
        ("birth_date", "19870304", "19880304", 1, 5),
        ("ssn", "742043218", "742043219", 6, 8),
        ("zip", "55101", "55102", 3, 5),
        ("ssn", "111222111", "222111222", 0, 14),  # the same triples in other places
    ],
)
def test_grams_that_two_values_share(field: str, one: str, other: str, shared: int, held: int) -> None:
    a, b = grams(field, one), grams(field, other)
    assert (len(a & b), len(a | b)) == (shared, held)


def test_every_field_has_grams_of_the_shortest_value_on() -> None:
    for field in GRAMS:
        for value in ("19870304",) if field == "birth_date" else ("1", "12", "123456789", "É" * 60, "\U0001f600X"):
            assert grams(field, value)


def test_signatures_agree_as_often_as_values_share_grams() -> None:
    elements = [(0, band) for band in range(4000)]
    for field, one, other in (
        ("first_name", "KATHERINE", "CATHERINE"),
        ("street", "12MAINST", "12MAPLEST"),
        ("ssn", "742043218", "742043281"),
    ):
        both = minima(field, gram_table(field, [one, other]), elements, 2, SECRET)
        assert float((both[0] == both[1]).mean()) == pytest.approx(jaccard(field, one, other), abs=0.03)


def test_signatures_do_not_depend_on_the_other_values() -> None:
    elements = [(place, band) for place in (0, 1) for band in range(5)]
    alone = minima("last_name", gram_table("last_name", ["REED"]), elements, 3, SECRET)
    among = minima("last_name", gram_table("last_name", ["A", "REED", "GARCIALOPEZ" * 4]), elements, 3, SECRET)
    assert among[1].tolist() == alone[0].tolist()
    # a change of any rule is a new version: two agencies of different releases would find nobody
    assert alone[0].tolist() == GOLDEN


GOLDEN = [204977416, 216392845, 315297019, 112509224, 869126795, 546843072, 315204727, 383046437, 142574793, 24286733]


# --- pairs -----------------------------------------------------------------------------------------------------------------------

Coincidences = list[list[tuple[int, int]]]


def slowly(bands: Coincidences, need: int) -> tuple[set[tuple[int, int]], int]:
    counts = {pair: n for pair, n in Counter(pair for band in bands for pair in band).items() if n >= need}
    best = [
        {row: max(n for pair, n in counts.items() if pair[side] == row) for row in {pair[side] for pair in counts}}
        for side in (0, 1)
    ]
    both = {pair for pair, n in counts.items() if best[0][pair[0]] == n == best[1][pair[1]]}
    taken = {
        pair
        for pair in both
        if all(sum(other[side] == pair[side] and n == counts[pair] for other, n in counts.items()) == 1 for side in (0, 1))
    }
    return taken, len(both) - len(taken)


@st.composite
def coincidences(draw: st.DrawFn) -> Coincidences:
    pair = st.tuples(st.integers(0, 4), st.integers(0, 4))
    return draw(st.lists(st.lists(pair, max_size=6, unique=True), max_size=6))


@settings(max_examples=500, deadline=None)
@given(coincidences(), st.integers(1, 4))
def test_best_pairs_follow_their_rule(bands: Coincidences, need: int) -> None:
    arrays = [tuple(np.array([pair[side] for pair in band], dtype=np.int64) for side in (0, 1)) for band in bands]
    a, b, counts = coinciding(((one, two) for one, two in arrays), 5)
    a, b, counts = a[counts >= need], b[counts >= need], counts[counts >= need]
    taken, ties = only_best(a, b, counts)
    a, b = a[taken], b[taken]
    expected, refused = slowly(bands, need)
    assert set(zip(a.tolist(), b.tolist(), strict=True)) == expected
    assert ties == refused
    assert len(set(a.tolist())) == len(a) == len(set(b.tolist()))


def tags_of(lists: list[list[list[int]]]) -> list[np.ndarray]:
    """Turn tokens into tags; negative ones are missing."""
    made = []
    for agency, passes in enumerate(lists):
        tags = np.zeros((len(passes), len(passes[0]), 2), dtype=np.uint64)
        for step, tokens in enumerate(passes):
            for row, token in enumerate(tokens):
                tags[step, row] = (token, 0) if token >= 0 else (row, 10 + agency)
        made.append(tags.view(np.uint8).reshape(len(passes), len(passes[0]), 16))
    return made


def test_bands_come_after_the_strict_passes_and_link_free_rows_only() -> None:
    # one exact pass, then three bands
    a = [[1, -1, -1], [5, 5 + 10, 7], [6, 16, 8], [-1, 17, 9]]
    b = [[1, -1], [15, 7], [16, 8], [5, -1]]
    exact = match_tags(tags_of([a, b]), Rounds(3, 2, 2))
    assert list(zip(*(rows.tolist() for rows in exact.pairs(0, 1)), strict=True)) == [(0, 0), (2, 1)]
    assert (exact.links, exact.ties) == ((1, 1), (0, 0))
    # were row 0 of b free, row 1 of a would be its only best
    a[0][0] = -1
    freed = match_tags(tags_of([a, b]), Rounds(3, 2, 2))
    assert list(zip(*(rows.tolist() for rows in freed.pairs(0, 1)), strict=True)) == [(1, 0), (2, 1)]
    assert match_tags(tags_of([a, b]), Rounds(3, 3, 3)).links == (0, 0)


def test_a_cluster_of_three_agencies_has_one_row_of_each() -> None:
    a, b, c = [[3, -1], [4, -1]], [[3, 9], [4, 9]], [[3, -1], [4, -1]]
    result = match_tags(tags_of([a, b, c]), Rounds(2, 2, 2))
    assert result.clusters == 1
    assert [numbers.tolist() for numbers in result.cluster] == [[0, -1], [0, -1], [0, -1]]


@pytest.mark.parametrize(("bands", "need", "least"), [(4, 2, 2), (2, 0, 0), (2, 3, 1), (2, 1, 2), (0, 1, 1), (-1, 0, 0)])
def test_bands_that_cannot_be_are_refused(bands: int, need: int, least: int) -> None:
    with pytest.raises(Broken):
        match_tags(tags_of([[[1], [1]], [[1], [1]]])[:2], Rounds(bands, need, least))


# --- plans -----------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", SIMILARITY)
@pytest.mark.parametrize("people", [500, 5_000, 30_000])
@pytest.mark.parametrize("fields", [FULL, NAMES, (*FULL, "ssn")])
def test_a_plan_expects_few_accidental_links(fields: tuple[str, ...], people: int, kind: str) -> None:
    plan = plan_of(fields, (*fields, "phone"), people, kind)
    assert set(plan.fields) == set(fields)
    assert 0 < plan.accidental <= WRONG * people
    assert plan.bands in (MANY if kind == "similarity-no-households" and people <= 16_000 else BANDS)
    assert 2 <= plan.need <= plan.bands
    assert plan == plan_of(fields, fields, people, kind)
    assert len(set(plan.passes)) == plan.bands
    assert {name for element in plan.elements for name in element} == set(fields)


def test_the_word_says_who_must_not_be_linked() -> None:
    plans = {kind: plan_of(FULL, FULL, 5_000, kind) for kind in SIMILARITY}
    fields = plans["similarity"].fields
    chance = {
        kind: [
            float(pairs.tails(plan.elements, plan.bands)[plan.need])
            for pairs in (housemates(fields, twins=False), housemates(fields, twins=True))
        ]
        for kind, plan in plans.items()
    }
    found = {
        kind: float(damage_pairs(fields, DAMAGES).tails(plan.elements, plan.bands, 5_000)[plan.least])
        for kind, plan in plans.items()
    }
    assert chance["similarity"][0] < 0.03
    assert chance["similarity"][1] <= MOST_TWINS
    assert chance["similarity-no-twins"][0] < 0.03 < 0.9 < chance["similarity-no-twins"][1]
    assert chance["similarity-no-households"][0] > 0.5
    # housemates and twins are kept apart in every round
    for kind, plan in plans.items():
        mates, twins = (
            float(housemates(fields, twins=both).tails(plan.elements, plan.bands)[plan.least]) for both in (False, True)
        )
        assert kind == "similarity-no-households" or mates < 0.03
        assert kind != "similarity" or twins <= MOST_TWINS
    # who may rule out more finds more
    assert found["similarity"] < found["similarity-no-twins"] < found["similarity-no-households"]
    with pytest.raises(Invalid):
        plan_of(FULL, FULL, 5_000, "similarity-no-strangers")


# --- the model -------------------------------------------------------------------------------------------------------------------


def test_bands_coincide_as_often_as_the_model_says() -> None:
    elements = (("first_name", "birth_date"), ("last_name", "street"))
    pairs = Pairs(np.array([1.0]), {name: np.array([share]) for name, share in SHARES.items()})
    one, other = ({name: [values[side]] for name, values in WRITTEN.items()} for side in (0, 1))
    for name, share in SHARES.items():
        assert jaccard(name, *(normalise(name, side[name]).values[0] for side in (one, other))) == pytest.approx(share)
    plan = SimilarityPlan(tuple(WRITTEN), 4_000, elements, 1, "similarity", 2, 0.0, 1)
    first, second = (list(band_columns(plan, side, 1, SECRET).values()) for side in (one, other))
    seen = np.mean([a.data == b.data for a, b in zip(first, second, strict=True)])
    expected = np.prod(
        [
            sum(weight(n) * len(grams(n, value(one, n)) & grams(n, value(other, n))) for n in element)
            / sum(weight(n) * len(grams(n, value(one, n)) | grams(n, value(other, n))) for n in element)
            for element in elements
        ]
    )
    assert seen == pytest.approx(expected, abs=0.03)
    # the model takes usual lengths
    assert float(pairs.band(elements)[0]) == pytest.approx(expected, abs=0.08)
    # what common grams make ambiguous coincides less
    assert 0 < float(pairs.band(elements, 10_000)[0]) < float(pairs.band(elements, 100)[0]) < float(pairs.band(elements)[0])


def test_names_of_different_people_have_the_tail_that_links_twins() -> None:
    assert sum(chance for chance, _ in NAMES_APART) == pytest.approx(1.0)
    # about as much overlap in all as the two levels that other fields have
    assert sum(chance * share for chance, share in NAMES_APART) == pytest.approx(0.031, abs=0.002)
    twins = housemates(("first_name", "last_name"), twins=True)
    assert twins.overlap["first_name"].tolist() == [share for _, share in NAMES_APART]
    assert set(twins.overlap["last_name"].tolist()) == {1.0}


def test_tails_are_those_of_a_binomial_mixture() -> None:
    pairs = Pairs(np.array([0.75, 0.25]), {"first_name": np.array([0.0, 1.0])})
    assert pairs.tails((("first_name",),), 3).tolist() == pytest.approx([1.0, 0.25, 0.25, 0.25])
    half = Pairs(np.array([1.0]), {"first_name": np.array([0.5])})
    assert half.tails((("first_name",),), 2).tolist() == pytest.approx([1.0, 0.75, 0.25])
    apart = different_people(("first_name", "zip"))
    assert float(apart.chance.sum()) == pytest.approx(1.0)
    assert float(apart.chance[(apart.overlap["first_name"] == 1) & (apart.overlap["zip"] == 1)].sum()) == pytest.approx(
        2**-13.5
    )


WRITTEN = {
    "first_name": ("Annabel", "Anabel"),
    "birth_date": ("1987-03-04", "1987-03-05"),
    "last_name": ("Whitfield", "Whitfeild"),
    "street": ("12 Main St", "12 Main St"),
}
SHARES = {"first_name": 7 / 8, "birth_date": 1 / 5, "last_name": 7 / 13, "street": 1.0}


def value(side: dict[str, list[str]], name: str) -> str:
    return normalise(name, side[name]).values[0]


def test_more_people_need_more_and_some_fields_do_not_do() -> None:
    few, many = plan_of(NAMES, NAMES, 1000), plan_of(NAMES, NAMES, 30_000)
    assert (len(many.elements), many.need) > (len(few.elements), few.need)
    for people in (50_000, 50_000_000):  # of the first, nobody's fields say enough for a token
        with pytest.raises(Refused) as weak:
            plan_of(NAMES, NAMES, people)
        assert weak.value.code == "link-weak"
    for left, right in ((("ssn", "last_name"), FULL), (("first_name", "last_name"), ("first_name", "last_name")), ((), ())):
        with pytest.raises(Invalid) as none:
            plan_of(left, right, 1000)
        assert none.value.code == "link-impossible"


# --- tokens ----------------------------------------------------------------------------------------------------------------------


def coincide(plan: SimilarityPlan, one: dict[str, str], other: dict[str, str]) -> int:
    """Give in how many bands two people coincide; -1 where one has no token."""
    raw = {name: [one.get(name), other.get(name)] for name in plan.fields}
    columns = band_columns(plan, raw, 2, SECRET)
    if not all(column.usable.all() for column in columns.values()):
        return -1
    width = [column.offsets[1] for column in columns.values()]
    return sum(column.data[:end] == column.data[end:] for column, end in zip(columns.values(), width, strict=True))


ANN = {
    "first_name": "Annabel",
    "last_name": "Whitfield",
    "birth_date": "1987-03-04",
    "street": "12 Main St",
    "city": "Troy",
    "zip": "55101",
}
TYPED = ANN | {"first_name": "Anabel", "last_name": "Whitfeild", "birth_date": "1987-04-03", "zip": "55110"}
SPOUSE = ANN | {"first_name": "Gregory", "birth_date": "1984-11-23"}
TWIN = ANN | {"first_name": "Gregory"}


def test_typing_errors_are_found_and_housemates_are_not() -> None:
    plan = plan_of(FULL, FULL, 5000)
    assert coincide(plan, ANN, ANN) == plan.bands
    assert coincide(plan, ANN, TYPED) >= plan.need
    assert 0 <= coincide(plan, ANN, SPOUSE) < plan.need
    assert coincide(plan, ANN, ANN | {"birth_date": ""}) >= plan.need


def test_twins_are_told_apart_where_the_plan_says_so() -> None:
    lenient = plan_of(FULL, FULL, 5000, "similarity-no-twins")
    assert coincide(lenient, ANN, TWIN) >= lenient.need  # what its word says does not happen
    strict = plan_of(FULL, FULL, 5000)
    assert 0 <= coincide(strict, ANN, TWIN) < strict.need
    assert coincide(strict, ANN, TYPED | {"zip": "55101"}) >= strict.need


def test_a_person_of_whom_too_little_is_known_has_no_token() -> None:
    plan = plan_of(FULL, FULL, 5000)
    for lacking in (
        {},
        {"first_name": "Annabel", "last_name": "Whitfield"},
        {name: ANN[name] for name in ("street", "city", "zip", "last_name")},
        {name: ANN[name] for name in ("first_name", "birth_date")},
    ):
        assert coincide(plan, lacking, lacking) == -1
    with pytest.raises(Invalid):
        band_columns(plan, {"first_name": ["a"]}, 1, SECRET)
