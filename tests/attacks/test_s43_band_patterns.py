"""S-43: patterns of similarity bands name nobody, and recognise nobody in another job.

A coordinator sees in which bands two anonymous rows coincide. It has a dictionary (a voter roll, and of each of its people the plausible
slips), makes every guess's pattern, and looks for the nearest; and it looks for a job's patterns in the next job. Controls show that
both attacks work where band keys are known or stay the same, as they did when hash functions were public.

The real tokens, lists, decoys and matching; SHA-256 in the curve's place, for what is counted here are rows.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
import numpy.typing as npt
import pytest

from tallystick.core.linkage.matching.matching import match_tags
from tallystick.core.linkage.passes.bands import PeopleGrams
from tallystick.core.linkage.passes.ladders import SIMILARITY
from tallystick.core.linkage.passes.passes import build_ladder
from tallystick.core.linkage.passes.recipes import parse_recipe
from tallystick.core.linkage.passes.similarity import SimilarityPlan, plan_of
from tallystick.core.linkage.passes.tokens import token_columns
from tallystick.crypto import kernel, tags
from tallystick.crypto.randomness import SeededRandomness

FIELDS: Final = ("first_name", "last_name", "birth_date", "street", "zip")
LINKED, OTHERS, DECOYS = 300, 200, 256
NAMED_AT, RECOGNISED_AT = 1, 2
"""Bands by which a pattern may differ from a guess: a band is lost where a list holds its token twice."""
AT_ONCE: Final = 50_000

Person = Mapping[str, str]
Patterns = npt.NDArray[np.uint64]
Int64s = npt.NDArray[np.int64]


@dataclass(frozen=True)
class View:
    """What the coordinator makes of a job's tags; and, for the test, whose rows they are.

    Attributes:
        bands: (linked pairs,) the bands in which each coincides, a bit each.
        exact: (linked pairs, exact recipes) where each coincides.
        who: (linked pairs,) the person of the left list, -1 for a decoy.
    """

    bands: Patterns
    exact: npt.NDArray[np.bool_]
    who: Int64s

    @property
    def people(self) -> int:
        """How many pairs are people."""
        return int((self.who >= 0).sum())

    @property
    def numbers(self) -> Int64s:
        """In how many bands each pair coincides."""
        return np.bitwise_count(self.bands).astype(np.int64)


@dataclass(frozen=True)
class World:
    """A voter roll, and two lists of people of it.

    Attributes:
        plan: of the similarity pass.
        roll: everybody.
        chosen: (LINKED,) which of them are in both lists.
        left: these, as the roll has them.
        right: these, each with one slip.
        more: people who are in no list yet.
    """

    plan: SimilarityPlan
    roll: list[Person]
    chosen: Int64s
    left: list[Person]
    right: list[Person]
    more: list[Person]


@pytest.fixture(autouse=True)
def _no_curve(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernel, "hash_to_curve", cheap_hash)
    monkeypatch.setattr(kernel, "mask", lambda scalar, points, workers=1: points)


def cheap_hash(dst: bytes, prefix: bytes, data: bytes, offsets: Int64s, workers: int = 1) -> npt.NDArray[np.uint8]:
    """Put SHA-256 in the curve's place."""
    view = memoryview(data)
    digests = [hashlib.sha256(prefix + bytes(view[a:b])).digest() for a, b in pairwise(offsets.tolist())]
    return np.frombuffer(b"".join(digests), dtype=np.uint8).reshape(-1, 32).copy()


def population(count: int, seed: int) -> list[Person]:
    """Give made-up people with a county's share of common names."""
    rng = np.random.default_rng(seed)
    syllables = [
        "ma", "ri", "jo", "an", "el", "ka", "th", "er", "lo", "ben", "da", "vi",
        "son", "wil", "li", "am", "sa", "rah", "to", "ny", "che", "ster", "mor", "gan",
    ]  # fmt: skip

    def words(number: int, low: int, high: int) -> list[str]:
        return ["".join(rng.choice(syllables, rng.integers(low, high + 1))) for _ in range(number)]

    first, last, streets = words(400, 2, 3), words(2000, 2, 4), words(600, 2, 4)
    drawn = {
        "first_name": [first[at] for at in rng.integers(0, len(first), count)],
        "last_name": [last[at] for at in rng.integers(0, len(last), count)],
        "birth_date": [
            f"{year}-{month:02d}-{day:02d}"
            for year, month, day in zip(
                rng.integers(1940, 2010, count), rng.integers(1, 13, count), rng.integers(1, 29, count), strict=True
            )
        ],
        "street": [
            f"{number} {streets[at]} street"
            for number, at in zip(rng.integers(1, 999, count), rng.integers(0, len(streets), count), strict=True)
        ],
        "zip": [str(zip_code) for zip_code in rng.integers(10_000, 10_400, count)],
    }
    return [dict(zip(FIELDS, values, strict=True)) for values in zip(*(drawn[name] for name in FIELDS), strict=True)]


def slips(person: Person) -> list[Person]:
    """Give the plausible slips: a letter of a name lost, two of them swapped, another month of birth."""
    made: list[Person] = []
    for field in ("first_name", "last_name"):
        text = person[field]
        made += [{**person, field: text[:at] + text[at + 1 :]} for at in range(len(text))]
        made += [
            {**person, field: text[:at] + text[at + 1] + text[at] + text[at + 2 :]}
            for at in range(len(text) - 1)
            if text[at] != text[at + 1]
        ]
    year, month, day = person["birth_date"].split("-")
    return made + [{**person, "birth_date": f"{year}-{other:02d}-{day}"} for other in range(1, 13) if other != int(month)]


def world(people: int, kind: str = "similarity") -> World:
    rng = np.random.default_rng(people)
    roll = population(people, 7)
    chosen = rng.choice(people, LINKED, replace=False)
    left = [roll[at] for at in chosen]
    right = [options[rng.integers(len(options))] for options in map(slips, left)]
    plan = plan_of(FIELDS, FIELDS, 100_000, kind)
    assert plan.bands <= 64
    return World(plan, roll, chosen, left, right, population(2 * OTHERS, 8))


def columns(people: Sequence[Person]) -> dict[str, list[str]]:
    return {name: [person[name] for person in people] for name in FIELDS}


def words(bands: npt.NDArray[np.bool_]) -> Patterns:
    """Give (bands, rows) as one number a row."""
    return np.asarray((bands.T.astype(np.uint64) << np.arange(len(bands), dtype=np.uint64)).sum(axis=1, dtype=np.uint64))


def secret_of(job: str) -> bytes:
    """Give a job's secret, which the coordinator has not."""
    return hashlib.sha256(f"secret of {job}".encode()).digest()


def run(
    plan: SimilarityPlan, left: Sequence[Person], right: Sequence[Person], job: str, secret: bytes, exact: Sequence[str] = ()
) -> View:
    """Tag two lists as their nodes do, and match them as the coordinator does."""
    digest = hashlib.sha256(job.encode()).digest()
    recipes = [parse_recipe(name) for name in exact]
    lists, persons = [], []
    for side, people in (("a", left), ("b", right)):
        raw = columns(people)
        passes = tags.PassTokens(token_columns(recipes, raw, len(people)), PeopleGrams(plan, raw, len(people)).bands(secret))
        own = tags.own_list(
            passes, len(people), ladder=build_ladder(recipes, plan),
            secret=secret, job_digest=digest, coin_key=side.encode() * 32, decoys=DECOYS, scalar=b"",
            randomness=SeededRandomness(digest + side.encode()),
        )  # fmt: skip
        lists.append(
            np.stack([tags.compute_tags(points, digest, name) for points, name in zip(own.points, passes, strict=True)])
        )
        persons.append(own.persons)
    a, b = match_tags(lists, plan.rounds(DECOYS)).pairs(0, 1)
    same = (lists[0][:, a] == lists[1][:, b]).all(axis=2)
    assert (persons[0][a] == persons[1][b]).all()
    return View(words(same[len(exact) :]), same[: len(exact)].T, persons[0][a])


# --- what the coordinator does -----------------------------------------------------------------------------------------------------


def tokens(plan: SimilarityPlan, people: Sequence[Person], keys: bytes) -> npt.NDArray[np.uint32]:
    """Give (bands, people, elements): what each band takes of a record under these keys."""
    bands = PeopleGrams(plan, columns(people), len(people)).bands(keys)
    return np.stack([np.frombuffer(bands[name].data, dtype=">u4").reshape(len(people), -1) for name in plan.passes])


def dictionary(of: World, keys: bytes) -> tuple[Patterns, Int64s]:
    """Give the pattern of every slip of everybody in the roll, and whose it is."""
    plan, base = of.plan, tokens(of.plan, of.roll, keys)
    patterns, owners = [], []
    for owner, guess in _parts(of.roll):
        made = tokens(plan, guess, keys)
        patterns.append(words((made == base[:, owner]).all(axis=2)))
        owners.append(owner)
    return np.concatenate(patterns), np.concatenate(owners)


def _parts(roll: Sequence[Person]) -> Iterator[tuple[Int64s, list[Person]]]:
    owners: list[int] = []
    guesses: list[Person] = []
    for at, person in enumerate(roll):
        made = slips(person)
        guesses += made
        owners += [at] * len(made)
        if len(guesses) >= AT_ONCE or at == len(roll) - 1:
            yield np.array(owners, dtype=np.int64), guesses
            owners, guesses = [], []


def nearest(one: np.uint64, many: Patterns, owners: Int64s, within: int) -> int | None:
    """Give the only owner of the patterns nearest to one; None if none is near enough, or several people's are."""
    far = np.bitwise_count(many ^ one)
    least = int(far.min())
    found = np.unique(owners[far == least])
    return int(found[0]) if least <= within and len(found) == 1 else None


def named(of: World, view: View, keys: bytes) -> int:
    """Give how many linked pairs the coordinator names rightly by its dictionary."""
    patterns, owners = dictionary(of, keys)
    truth = np.where(view.who >= 0, of.chosen[view.who], -1)
    return sum(
        nearest(one, patterns, owners, NAMED_AT) == who for one, who in zip(view.bands, truth.tolist(), strict=True) if who >= 0
    )


def recognised(first: View, second: View) -> int:
    """Give how many pairs of a second job the coordinator rightly says to be a certain pair of the first."""
    found = (
        (nearest(one, first.bands, first.who, RECOGNISED_AT), who)
        for one, who in zip(second.bands, second.who.tolist(), strict=True)
    )
    return sum(guess == who for guess, who in found if 0 <= who < LINKED // 2)


def second_job(of: World, secret: bytes) -> View:
    """Run a job of half of the people, in the same places of their lists, and of others."""
    half, more = LINKED // 2, of.more
    return run(of.plan, of.left[:half] + more[:OTHERS], of.right[:half] + more[OTHERS:], "second", secret)


def attack(of: World) -> tuple[int, int, int]:
    """Give how many pairs are people, how many of them are named, and how many of a second job recognised."""
    first, second = (run(of.plan, of.left, of.right, "first", secret_of("first")), second_job(of, secret_of("second")))
    assert second.people > LINKED // 4
    return first.people, named(of, first, hashlib.sha256(b"any keys: these are not known").digest()), recognised(first, second)


# --- what comes of it --------------------------------------------------------------------------------------------------------------


def test_s43_a_voter_roll_names_nobody_and_no_pair_is_recognised() -> None:
    people, names, again = attack(world(3_000))
    assert people > 200
    assert names == 0
    assert again == 0


def test_s43_control_known_keys_name_people_and_kept_keys_recognise_them() -> None:
    """The same attacks, where hash functions are as good as public: a test that could not fail would say nothing."""
    of = world(3_000)
    first, second = run(of.plan, of.left, of.right, "first", secret_of("first")), second_job(of, secret_of("first"))
    assert named(of, first, secret_of("first")) > 100
    assert recognised(first, second) > 80


@pytest.mark.slow
def test_s43_a_voter_roll_of_30_000_names_nobody() -> None:
    of = world(30_000)
    people, names, again = attack(of)
    assert people > 200
    assert names == 0
    assert again == 0
    first = run(of.plan, of.left, of.right, "first", secret_of("first"))
    assert named(of, first, secret_of("first")) > 80


@pytest.mark.slow
@pytest.mark.parametrize("kind", SIMILARITY[1:])
def test_s43_nor_do_the_other_words_for_what_lists_hold(kind: str) -> None:
    people, names, again = attack(world(3_000, kind))
    assert people > 200
    assert names == 0
    assert again == 0


def test_what_is_left_of_bands_is_in_how_many_two_rows_coincide() -> None:
    """SECURITY.md, "The similarity pass": the number is about the same in every job over the same records."""
    of = world(1_000)
    first, second = (run(of.plan, of.left, of.right, job, secret_of(job)) for job in ("first", "second"))
    numbers = np.full((2, LINKED), -1)
    for row, view in zip(numbers, (first, second), strict=True):
        row[view.who[view.who >= 0]] = view.numbers[view.who >= 0]
    both = (numbers >= 0).all(axis=0)
    assert both.sum() > 150
    assert np.corrcoef(numbers[:, both])[0, 1] > 0.5
    assert (numbers[0, both] != numbers[1, both]).mean() > 0.5


def test_what_is_left_of_exact_recipes_is_that_a_rare_pattern_can_be_followed() -> None:
    """SECURITY.md, "Rows with a rare pattern": at which recipes two rows coincide is the same in every job, whatever the secret."""
    of = world(1_000)
    recipes = (
        "first_name+last_name+birth_date", "first_name+last_name+birth_date+zip", "last_name+birth_date+street",
        "first_name+birth_date+zip", "first_name+last_name+zip",
    )  # fmt: skip
    first, second = (run(of.plan, of.left, of.right, job, secret_of(job), recipes) for job in ("first", "second"))
    patterns = [
        {who: tuple(row) for who, row in zip(view.who.tolist(), view.exact, strict=True) if who >= 0}
        for view in (first, second)
    ]
    both = patterns[0].keys() & patterns[1].keys()
    assert len(both) > 250
    linked = [who for who in both if any(patterns[0][who])]
    assert len({patterns[0][who] for who in linked}) >= 3
    assert all(patterns[0][who] == patterns[1][who] for who in linked)
