"""A node's list, the ring, and the tags: who matches, and what the lists' sizes and order say."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tallystick.crypto import codec, kernel, masks, tags
from tallystick.crypto import hash_to_curve as h2c
from tallystick.crypto.decoys import coins, decoy_shapes
from tallystick.crypto.errors import LocalFault, PeerFault
from tallystick.crypto.padding import padme
from tallystick.crypto.points import find_repeated
from tallystick.crypto.randomness import SeededRandomness, SystemRandomness
from tests.passes import SIMILARITY, ladder_of

Points = npt.NDArray[np.uint8]
Tokens = Sequence[bytes | None]
JOB = b"j" * 32
SECRET = b"s" * 32


def column(tokens: Tokens) -> tags.TokenColumn:
    """Give a column; None is missing."""
    offsets = np.concatenate(([0], np.cumsum([len(token or b"") for token in tokens]))).astype(np.int64)
    return tags.TokenColumn(
        b"".join(token or b"" for token in tokens), offsets, np.array([token is not None for token in tokens], bool)
    )


def listed(
    passes: Mapping[str, Tokens],
    scalar: bytes,
    *,
    decoys: int = 0,
    coin_key: bytes = b"c" * 32,
    seed: bytes | None = None,
    bands: int = 0,
    least: int = 0,
) -> tags.OwnList:
    """Give a node's list."""
    return tags.own_list(
        {name: column(tokens) for name, tokens in passes.items()},
        len(next(iter(passes.values()))),
        ladder=ladder_of(list(passes), bands=bands, least=least),
        secret=SECRET,
        job_digest=JOB,
        coin_key=coin_key,
        decoys=decoys,
        scalar=scalar,
        randomness=SystemRandomness() if seed is None else SeededRandomness(seed),
    )


def tags_of_two(
    left: Mapping[str, Tokens], right: Mapping[str, Tokens], decoys: int = 0, *, bands: int = 0, least: int = 0
) -> tuple[list[Points], list[tags.OwnList]]:
    """Run the ring of two agencies: each masks, the other masks and makes tags."""
    scalars = [masks.new_scalar(SystemRandomness()) for _ in range(2)]
    own = [
        listed(side, scalar, decoys=decoys, coin_key=bytes([i]) * 32, bands=bands, least=least)
        for i, (side, scalar) in enumerate(zip((left, right), scalars, strict=True))
    ]
    made = [
        np.stack([tags.compute_tags(kernel.mask(other, at), JOB, name) for at, name in zip(mine.points, left, strict=True)])
        for mine, other in zip(own, scalars[::-1], strict=True)
    ]
    return made, own


def coincident(left: Points, right: Points) -> list[tuple[int, int]]:
    """Give the pairs of rows whose tags coincide."""
    where = {row.tobytes(): i for i, row in enumerate(left)}
    return [(where[row.tobytes()], j) for j, row in enumerate(right) if row.tobytes() in where]


def test_a_row_is_the_masked_hash_of_secret_pass_and_token(path: str) -> None:
    scalar = masks.new_scalar(SystemRandomness())
    own = listed({"ssn": [b"123", b"4567"], "name": [b"ada", None]}, scalar)
    for index, name, person, token in [(0, "ssn", 0, b"123"), (0, "ssn", 1, b"4567"), (1, "name", 0, b"ada")]:
        u = h2c.hash_to_curve(codec.frame(SECRET, name.encode(), token), tags.DST)[0]
        expected = kernel.mask(scalar, np.frombuffer(h2c.encode_coordinate(u), dtype=np.uint8).reshape(1, 32))
        row = int(np.flatnonzero(own.persons == person)[0])
        assert own.points[index, row].tobytes() == expected.tobytes()


def test_a_tag_is_bound_to_job_and_pass() -> None:
    point = np.zeros((1, 32), dtype=np.uint8)
    prefix = b"\0\0\0\x07TS1 tag" + b"\0\0\0\x20" + JOB + b"\0\0\0\x03ssn"
    assert tags.compute_tags(point, JOB, "ssn").tobytes() == hashlib.sha256(prefix + bytes(32)).digest()[:16]
    others = [tags.compute_tags(point, job, name).tobytes() for job, name in ((JOB, "ssn"), (b"i" * 32, "ssn"), (JOB, "name"))]
    assert len(set(others)) == 3


tokens = st.lists(st.sampled_from([None, b"a", b"b", b"c", b"ab", b"bc", b"a" * 200]), min_size=1, max_size=6)


@settings(max_examples=40, deadline=None)
@given(tokens, tokens)
def test_s10_exactly_the_tokens_that_are_present_and_single_on_both_sides_match(left: Tokens, right: Tokens) -> None:
    """A missing token never matches, not even another missing one; an ambiguous one matches nobody."""
    (one, two), (own, other) = tags_of_two({"ssn": left}, {"ssn": right})
    found = {(int(own.persons[i]), int(other.persons[j])) for i, j in coincident(one[0], two[0])}
    single = [{t for t, n in Counter(side).items() if t is not None and n == 1} for side in (left, right)]
    assert found == {(left.index(token), right.index(token)) for token in single[0] & single[1]}
    assert not find_repeated(one[0]).any()
    assert not find_repeated(two[0]).any()


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 5), st.integers(1, 5))
def test_s10_people_with_nothing_usable_never_match(left: int, right: int) -> None:
    (one, two), _ = tags_of_two({"ssn": [None] * left, "name": [None] * left}, {"ssn": [None] * right, "name": [None] * right})
    assert not find_repeated(np.concatenate([*one, *two])).any()


def test_s10_data_under_an_unusable_flag_is_ignored() -> None:
    flags = np.array([True, False, True])
    hidden = tags.TokenColumn(b"--aXXXc--", np.array([2, 3, 6, 7], dtype=np.int64), flags)
    data, offsets = hidden.usable_only()
    assert (bytes(data), offsets.tolist()) == (b"ac", [0, 1, 2])
    scalar = masks.new_scalar(SystemRandomness())
    made = tags.own_list(
        {"ssn": hidden},
        3,
        ladder=ladder_of(["ssn"]),
        secret=SECRET,
        job_digest=JOB,
        coin_key=b"",
        decoys=0,
        scalar=scalar,
        randomness=SystemRandomness(),
    )
    plain = listed({"ssn": [b"a", b"XXX", b"c"]}, scalar)
    assert sorted(int(made.persons[i]) for i, _ in coincident(made.points[0], plain.points[0])) == [0, 2]


def test_s10_an_empty_token_cannot_be_usable() -> None:
    with pytest.raises(LocalFault) as caught:
        column([b"a", b"", None])
    assert caught.value.rule == "token-empty"


@pytest.mark.parametrize("offsets", [[], [0], [0, 1], [0, 2, 1], [-1, 1, 2], [0, 1, 4], [0, 1, 2, 3]])
def test_a_column_that_does_not_fit_its_data_is_refused(offsets: list[int]) -> None:
    with pytest.raises(LocalFault) as caught:
        tags.TokenColumn(b"abc", np.array(offsets, dtype=np.int64), np.array([True, True]))
    assert caught.value.rule == "tokens-shape"


def test_passes_of_different_people_are_refused() -> None:
    with pytest.raises(LocalFault) as caught:
        _ = listed({"ssn": [b"a", b"b"], "name": [b"a"]}, masks.new_scalar(SystemRandomness())).points
    assert caught.value.rule == "tokens-people"


def test_decoys_match_first_at_their_own_pass_and_then_as_their_shape_says() -> None:
    """As many as both coins chose, each in the pattern that every node draws for it, and in no other."""
    ladder = ["strict", "middle", "loose"]
    nobody: dict[str, Tokens] = {name: [None] for name in ladder}
    (one, two), (own, other) = tags_of_two(nobody, nobody, decoys=24)
    patterns = patterns_of(one, two)
    assert all(own.persons[i] == other.persons[j] == tags.NOBODY for i, j in patterns)
    expected: Counter[tuple[int, ...]] = Counter()
    for name in ladder:
        both = coins(bytes(32), JOB, name, 24) & coins(b"\x01" * 32, JOB, name, 24)
        shapes = decoy_shapes(SECRET, name, ladder_of(ladder), 24)
        expected += Counter(tuple(np.flatnonzero(shape).tolist()) for shape in shapes.T[both])
    assert Counter(patterns.values()) == expected
    assert {pattern[0] for pattern in expected} == {0, 1, 2}
    assert {(0, 2), (0, 1, 2)} <= set(expected)


def test_decoys_of_a_similarity_pass_are_those_of_one_pass() -> None:
    """Every band has its own tokens of them; they match at no exact pass, and in as many bands as the plan asks for or more."""
    ladder, bands, least = ["strict", "loose"], 6, 3
    nobody: dict[str, Tokens] = {name: [None] for name in (*ladder, *(f"band {at}" for at in range(bands)))}
    (one, two), _ = tags_of_two(nobody, nobody, decoys=40, bands=bands, least=least)
    assert one.shape[1] == two.shape[1] == tags.rows_of(1, 3, 40)
    patterns = patterns_of(one, two)
    similar = [pattern for pattern in patterns.values() if pattern[0] >= len(ladder)]
    both = coins(bytes(32), JOB, SIMILARITY, 40) & coins(b"\x01" * 32, JOB, SIMILARITY, 40)
    assert len(similar) == both.sum() > 0
    assert {len(pattern) for pattern in similar} <= set(range(least, bands + 1))
    exact = [pattern for pattern in patterns.values() if pattern[0] < len(ladder)]
    assert {sum(step >= len(ladder) for step in pattern) for pattern in exact} >= {1, least, bands}


def test_bands_and_need_that_no_similarity_pass_has_are_refused() -> None:
    for bands, least in [(2, 0), (2, 3), (0, 1), (2, -1)]:
        with pytest.raises(LocalFault) as caught:
            listed({name: [b"a"] for name in "abc"}, b"", bands=bands, least=least)
        assert caught.value.rule == "ladder-malformed"


def patterns_of(one: Points, two: Points) -> dict[tuple[int, int], tuple[int, ...]]:
    """Give at which passes each pair of rows coincides."""
    patterns: dict[tuple[int, int], tuple[int, ...]] = {}
    for step in range(len(one)):
        for pair in coincident(one[step], two[step]):
            patterns[pair] = (*patterns.get(pair, ()), step)
    return patterns


def _cheap_curve(monkeypatch: pytest.MonkeyPatch) -> None:
    """Put SHA-256 in the curve's place: what follows is about rows and order only."""

    def cheap(dst: bytes, prefix: bytes, data: bytes, offsets: npt.NDArray[np.int64], workers: int = 1) -> Points:
        view, ends = memoryview(data), offsets.tolist()
        digests = (hashlib.sha256(view[a:b]).digest() for a, b in pairwise(ends))
        return np.frombuffer(b"".join(digests), dtype=np.uint8).reshape(-1, 32)

    monkeypatch.setattr(kernel, "hash_to_curve", cheap)
    monkeypatch.setattr(kernel, "mask", lambda scalar, points, workers: points)


def test_s07_a_list_leaves_in_random_order(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rank correlation of the order of people with the order of rows, at 200,000 people: its deviation is 0.0022."""
    _cheap_curve(monkeypatch)
    people = 200_000
    names = [i.to_bytes(4, "big") for i in range(people)]
    own = listed({"ssn": names, "name": names}, b"", decoys=100, seed=b"order")
    rows = np.flatnonzero(own.persons != tags.NOBODY)
    assert sorted(own.persons[rows].tolist()) == list(range(people))
    assert abs(np.corrcoef(own.persons[rows], rows)[0, 1]) < 0.01
    assert abs(np.corrcoef(own.persons != tags.NOBODY, np.arange(len(own.persons)))[0, 1]) < 0.01
    for at in own.points:  # the same order at every pass
        assert at[rows[7]].tobytes() == hashlib.sha256(names[own.persons[rows[7]]]).digest()
    again = listed({"ssn": names[:1_000]}, b"", seed=b"a").persons, listed({"ssn": names[:1_000]}, b"", seed=b"b").persons
    assert abs(np.corrcoef(*again)[0, 1]) < 0.15


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 40), st.integers(1, 3), st.integers(0, 20), st.binary(min_size=1, max_size=8))
def test_s07_the_length_of_a_list_depends_on_the_bucket_only(people: int, passes: int, decoys: int, coin_key: bytes) -> None:
    """Not on coins, on how many tokens are missing or ambiguous, or on whether there are n or n + 1 people in a bucket."""
    bucket = padme(people + passes * decoys)
    with pytest.MonkeyPatch.context() as patch:
        _cheap_curve(patch)
        for token in (None, b"same"):
            side = {f"pass {i}": column([token] * people) for i in range(passes)}
            own = tags.own_list(
                side, people, ladder=ladder_of(list(side)), secret=SECRET, job_digest=JOB, coin_key=coin_key, decoys=decoys, scalar=b"",
                randomness=SystemRandomness(),
            )  # fmt: skip
            assert own.points.shape == (passes, bucket, 32)
            assert own.persons.shape == (bucket,)
            assert (own.persons != tags.NOBODY).sum() == people
    assert tags.rows_of(people, passes, decoys) == bucket
    if padme(people + passes * decoys + 1) == bucket:
        assert tags.rows_of(people + 1, passes, decoys) == bucket


def test_s07_n_and_n_plus_one_people_send_as_many_bytes() -> None:
    lengths = {
        listed({"ssn": [b"%d" % i for i in range(n)]}, masks.new_scalar(SystemRandomness())).points.nbytes
        for n in (97, 98, 104)
    }
    assert lengths == {104 * 32}


def test_the_job_secret_needs_every_contribution_and_no_order() -> None:
    common = {"north": b"n" * 32, "south": b"s" * 32}
    secret = tags.job_secret(common, JOB, 1)
    assert len(secret) == 32
    assert secret == tags.job_secret(dict(reversed(common.items())), JOB, 1)
    others = [
        tags.job_secret({"north": b"n" * 32, "south": b"t" * 32}, JOB, 1),
        tags.job_secret({"north": b"s" * 32, "south": b"n" * 32}, JOB, 1),
        tags.job_secret({**common, "west": b"w" * 32}, JOB, 1),
        tags.job_secret(common, b"i" * 32, 1),
        tags.job_secret(common, JOB, 2),
    ]
    assert len({secret, *others}) == 6


@pytest.mark.parametrize(
    ("common", "rule"),
    [({}, "contributions-too-few"), ({"north": bytes(32)}, "contributions-too-few"),
     ({"north": bytes(32), "south": bytes(31)}, "contribution-length"),
     ({"north": bytes(32), "south": b""}, "contribution-length")],
)  # fmt: skip
def test_a_job_secret_of_too_little_is_refused(common: dict[str, bytes], rule: str) -> None:
    with pytest.raises(LocalFault) as caught:
        tags.job_secret(common, JOB, 1)
    assert caught.value.rule == rule


def test_a_bad_correction_is_its_senders_fault() -> None:
    points = np.zeros((1, 1, 32), dtype=np.uint8)
    with pytest.raises(PeerFault) as caught:
        tags.correct_tags(points, b"\xff" * 32, job_digest=JOB, passes=["ssn"], sender="north")
    assert (caught.value.rule, caught.value.sender) == ("correction-invalid", "north")


def test_tokens_of_other_passes_than_the_ladders_are_refused() -> None:
    for names in (["loose", "strict"], ["strict"], ["strict", "loose", "more"]):
        with pytest.raises(LocalFault) as caught:
            tags.own_list(
                {name: column([b"a"]) for name in names}, 1, ladder=ladder_of(["strict", "loose"]), secret=SECRET,
                job_digest=JOB, coin_key=b"", decoys=0, scalar=b"", randomness=SystemRandomness(),
            )  # fmt: skip
        assert caught.value.rule == "tokens-passes"
