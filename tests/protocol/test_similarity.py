"""The similarity pass under encryption links whom a rehearsal in the clear links, on damaged lists."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest

from tallystick.core.linkage.matching import Matches, matched
from tallystick.core.linkage.similarity import band_columns
from tallystick.core.linkage.tokens import token_columns
from tallystick.crypto import masks, paillier, tags
from tallystick.crypto.randomness import SystemRandomness
from tallystick.crypto.statistic.states import AgencySetup
from tallystick.lab.linking.clear import Hasher, clear_tags
from tallystick.lab.linking.people import People
from tallystick.lab.linking.trial import Trial, rehearsed
from tests.febrl import damaged
from tests.protocol.bus import Bus
from tests.protocol.cases import JOB, Side, all_pairs, desk_setup, paillier_key, setups

Int64s = npt.NDArray[np.int64]
LINK = ("default", "similarity-no-twins")
NAMES = ("housing", "labor")


@pytest.fixture(autouse=True)
def _one_paillier_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paillier, "generate", paillier_key)


def linked_under_encryption(lists: tuple[People, People], trial: Trial, decoys: int) -> tuple[set[tuple[int, int]], int]:
    """Run the machines and the matching over the trial's passes; give the pairs that share a slot, and the opened number of them."""
    assert trial.plan is not None
    sides = {name: Side({}, np.ones((1, one.count), dtype=np.int64)) for name, one in zip(NAMES, lists, strict=True)}
    computation = all_pairs(*NAMES, sides, bound=1)
    slots: dict[str, Int64s] = {}
    made = {}
    for (name, setup), one in zip(setups(sides, computation, desk=NAMES[0], decoys=decoys).items(), lists, strict=True):
        passes = token_columns(trial.recipes, one.identifiers, one.count) | band_columns(trial.plan, one.identifiers, one.count)
        made[name] = replace(setup, passes=passes, bands=trial.plan.bands, least=trial.plan.least, columns=noted(slots, setup))
    opened = Bus(made, desk_setup(sides, computation, desk=NAMES[0]), rounds=trial.plan.rounds(decoys)).run()
    _, a, b = np.intersect1d(slots[NAMES[0]], slots[NAMES[1]], return_indices=True)
    return set(zip(a.tolist(), b.tolist(), strict=True)), opened.values[0]


def noted(slots: dict[str, Int64s], setup: AgencySetup) -> Callable[[Int64s, int], Int64s]:
    """Note the slots of an agency's people as its columns are laid."""

    def columns(of_person: Int64s, table_size: int) -> Int64s:
        slots[setup.me] = of_person
        return setup.columns(of_person, table_size)

    return columns


@pytest.mark.parametrize("decoys", [0, 12])
def test_s11_encrypted_similarity_links_whom_the_clear_rehearsal_links(decoys: int) -> None:
    lists = damaged(260).people()
    trial = rehearsed(*lists, LINK, SystemRandomness())
    found, number = linked_under_encryption(lists, trial, decoys)
    assert found == set(zip(trial.a.tolist(), trial.b.tolist(), strict=True))
    assert number == len(found)
    assert trial.passes[-1].recipe == "similarity"
    assert trial.passes[-1].links > 10
    assert sum(one.links for one in trial.passes[:-1]) > 60


def test_three_agencies_corrected_tags_cluster_whom_tags_in_the_clear_cluster() -> None:
    """Decoys included: those that two or three agencies chose are clusters of rows that are nobody."""
    one, two = damaged(120).people()
    three = People(
        "third", two.keys, {**two.identifiers, "last_name": one.identifiers["last_name"][: two.count]}, {}, None, two.rows
    )
    lists = (one, two, three)
    trial = rehearsed(one, two, LINK, SystemRandomness())
    assert trial.plan is not None
    plan, decoys, hasher = trial.plan, 6, Hasher(SystemRandomness())
    columns = [
        token_columns(trial.recipes, people.identifiers, people.count) | band_columns(plan, people.identifiers, people.count)
        for people in lists
    ]
    clear = matched([clear_tags(made, hasher, side).tags for side, made in enumerate(columns)], plan.rounds(0))
    drawn = [masks.corrected_scalars(SystemRandomness()) for _ in lists]
    persons, made_tags = [], []
    for at, (made, people, (_, own_scalar, correction)) in enumerate(zip(columns, lists, drawn, strict=True)):
        own = tags.own_list(
            made, people.count, secret=b"s" * 32, job_digest=JOB, coin_key=bytes([at]) * 32, decoys=decoys, scalar=own_scalar,
            randomness=SystemRandomness(), bands=plan.bands, least=plan.least,
        )  # fmt: skip
        points = own.points
        for other in range(1, len(lists)):
            scalar = drawn[(at + other) % len(lists)][0]
            points = np.stack([tags.remasked(one_pass, scalar) for one_pass in points])
        made_tags.append(tags.corrected_tags(points, correction, job_digest=JOB, passes=tuple(made), sender="north"))
        persons.append(own.persons)
    found = matched(made_tags, plan.rounds(decoys))
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
