"""The similarity pass under encryption links whom a rehearsal in the clear links, on damaged lists."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import numpy.typing as npt
import pytest

from tallystick.core.linkage.matching.matching import Matches, match_tags
from tallystick.core.linkage.passes.bands import PeopleGrams, band_columns
from tallystick.core.linkage.passes.passes import build_ladder
from tallystick.core.linkage.passes.spellings import build_spelled_columns
from tallystick.core.linkage.passes.tokens import token_columns
from tallystick.crypto import kernel, masks, paillier, tags
from tallystick.crypto.randomness import SystemRandomness
from tallystick.crypto.statistic.states import AgencySetup
from tallystick.lab.linking.clear import Hasher, clear_tags
from tallystick.lab.linking.people import ListPeople
from tallystick.lab.linking.trial import Trial, run_trial
from tests.febrl import damaged
from tests.protocol.bus import Bus
from tests.protocol.cases import JOB, Side, all_pairs, desk_setup, paillier_key, setups

Int64s = npt.NDArray[np.int64]
LINK = ("default", "similarity-no-twins")
NAMES = ("housing", "labor")


@pytest.fixture(autouse=True)
def _one_paillier_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paillier, "generate", paillier_key)


class SecretFirst:
    """The system's generator, but for what is taken first: a rehearsal's key of bands."""

    def __init__(self, secret: bytes) -> None:
        self._first = [secret]

    def take(self, length: int) -> bytes:
        return self._first.pop() if self._first else SystemRandomness().take(length)


@dataclass(frozen=True)
class Linked:
    """A run: the pairs that share a slot, the opened number of them, and by agency the secrets and tokens that its machine asked for."""

    pairs: set[tuple[int, int]]
    number: int
    secrets: dict[str, list[bytes]]
    bands: dict[str, dict[str, bytes]]


def linked_under_encryption(lists: tuple[ListPeople, ListPeople], trial: Trial, decoys: int, attempt: int = 1) -> Linked:
    """Run the machines and the matching over the trial's passes."""
    assert trial.plan is not None
    sides = {name: Side({}, np.ones((1, one.count), dtype=np.int64)) for name, one in zip(NAMES, lists, strict=True)}
    computation = all_pairs(*NAMES, sides, bound=1)
    slots: dict[str, Int64s] = {}
    made = {}
    secrets: dict[str, list[bytes]] = {name: [] for name in NAMES}
    given: dict[str, dict[str, bytes]] = {}

    def bands_of(name: str, grams: PeopleGrams, secret: bytes) -> Mapping[str, tags.TokenColumn]:
        secrets[name].append(secret)
        columns = dict(grams.bands(secret))
        given[name] = {band: column.data for band, column in columns.items()}
        return columns

    prepared = setups(sides, computation, desk=NAMES[0], decoys=decoys, attempt=attempt)
    for side, ((name, setup), one) in enumerate(zip(prepared.items(), lists, strict=True)):
        grams = PeopleGrams(trial.plan, one.identifiers, one.count)
        made[name] = replace(
            setup, passes=build_spelled_columns(trial.recipes, side, one.identifiers, one.count, None, SystemRandomness()),
            bands_of=partial(bands_of, name, grams),
            ladder=build_ladder(trial.recipes, trial.plan), columns=noted(slots, setup),
        )  # fmt: skip
    desk = desk_setup(sides, computation, desk=NAMES[0], attempt=attempt)
    opened = Bus(made, desk, rounds=trial.plan.rounds(decoys)).run()
    _, a, b = np.intersect1d(slots[NAMES[0]], slots[NAMES[1]], return_indices=True)
    pairs = set(zip(a.tolist(), b.tolist(), strict=True))
    return Linked(pairs, opened.values[0], secrets, given)


def noted(slots: dict[str, Int64s], setup: AgencySetup) -> Callable[[Int64s, int], Int64s]:
    """Note the slots of an agency's people as its columns are laid."""

    def columns(of_person: Int64s, table_size: int) -> Int64s:
        slots[setup.me] = of_person
        return setup.columns(of_person, table_size)

    return columns


@pytest.mark.parametrize("decoys", [0, 12])
def test_s11_encrypted_similarity_links_whom_the_clear_rehearsal_links(decoys: int) -> None:
    lists = damaged(260).people()
    found = linked_under_encryption(lists, run_trial(*lists, LINK, SystemRandomness()), decoys)
    secret = found.secrets[NAMES[0]][0]
    trial = run_trial(*lists, LINK, SecretFirst(secret))
    assert found.pairs == set(zip(trial.a.tolist(), trial.b.tolist(), strict=True))
    assert found.number == len(found.pairs)
    assert trial.passes[-1].recipe == "similarity"
    assert trial.passes[-1].links > 0  # bands are drawn anew each run, so how many it finds varies
    assert sum(one.links for one in trial.passes[:-1]) > 60


def test_s43_bands_are_made_under_the_job_secret_once_an_attempt() -> None:
    """Both agencies of an attempt make the same tokens of the same record; another attempt makes others, of every person at every band."""
    one, _ = damaged(30).people()
    lists = (one, replace(one, name="copy"))
    trial = run_trial(*lists, LINK, SystemRandomness())
    first, again = (linked_under_encryption(lists, trial, 4, attempt=attempt) for attempt in (1, 2))
    seen = []
    for run in (first, again):
        (secret,), (same,) = (run.secrets[name] for name in NAMES)
        assert secret == same
        assert len(secret) == 32
        assert run.bands[NAMES[0]] == run.bands[NAMES[1]]
        seen.append((secret, run.bands[NAMES[0]]))
    (secret, bands), (other, others) = seen
    assert secret != other
    assert trial.plan is not None
    usable = PeopleGrams(trial.plan, one.identifiers, one.count).usable
    assert usable.sum() > 20
    for name in trial.plan.passes:
        tokens = [np.frombuffer(of[name], dtype=">u4").reshape(one.count, -1)[usable] for of in (bands, others)]
        assert not (tokens[0] == tokens[1]).any()
    assert first.pairs == again.pairs == {(at, at) for at in range(one.count)}


def test_three_agencies_corrected_tags_cluster_whom_tags_in_the_clear_cluster() -> None:
    """Decoys included: those that two or three agencies chose are clusters of rows that are nobody."""
    one, two = damaged(120).people()
    three = ListPeople(
        "third", two.keys, {**two.identifiers, "last_name": one.identifiers["last_name"][: two.count]}, {}, None, two.rows
    )
    lists = (one, two, three)
    trial = run_trial(one, two, ("strict", "similarity"), SystemRandomness())
    assert trial.plan is not None
    plan, decoys, hasher, secret = trial.plan, 6, Hasher(SystemRandomness()), b"s" * 32
    columns = [
        token_columns([recipe.of_side(0) for recipe in trial.recipes], people.identifiers, people.count)
        | band_columns(plan, people.identifiers, people.count, secret)
        for people in lists
    ]
    clear = match_tags([clear_tags(made, hasher, side).tags for side, made in enumerate(columns)], plan.rounds(0))
    drawn = [masks.split_scalar(SystemRandomness()) for _ in lists]
    persons, made_tags = [], []
    for at, (made, people, (_, own_scalar, correction)) in enumerate(zip(columns, lists, drawn, strict=True)):
        own = tags.own_list(
            made, people.count, ladder=build_ladder(trial.recipes, plan),
            secret=secret, job_digest=JOB, coin_key=bytes([at]) * 32, decoys=decoys, scalar=own_scalar,
            randomness=SystemRandomness(),
        )  # fmt: skip
        points = own.points
        for other in range(1, len(lists)):
            scalar = drawn[(at + other) % len(lists)][0]
            points = np.stack([kernel.mask(scalar, one_pass) for one_pass in points])
        made_tags.append(tags.correct_tags(points, correction, job_digest=JOB, passes=tuple(made), sender="north"))
        persons.append(own.persons)
    found = match_tags(made_tags, plan.rounds(decoys))
    everybody = [np.arange(people.count, dtype=np.int64) for people in lists]
    expected = clusters(clear, everybody)
    assert clusters(found, persons) == expected
    assert {len(cluster) for cluster in expected} == {2, 3}
    assert clear.links[-1] > 5
    assert found.clusters > clear.clusters


def clusters(matches: Matches, persons: list[Int64s]) -> set[frozenset[tuple[int, int]]]:
    """Give who is together, as (agency, person); clusters of decoys left out."""
    together: dict[int, set[tuple[int, int]]] = {}
    for agency, (cluster, person) in enumerate(zip(matches.cluster, persons, strict=True)):
        for row in np.flatnonzero((cluster >= 0) & (person >= 0)):
            together.setdefault(int(cluster[row]), set()).add((agency, int(person[row])))
    return {frozenset(members) for members in together.values()}
