"""The similarity pass under encryption links whom a rehearsal in the clear links, on damaged lists."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest

from tallystick.client.linking.people import People
from tallystick.client.linking.trial import Trial, rehearsed
from tallystick.core.linkage.similarity import band_columns
from tallystick.core.linkage.tokens import token_columns
from tallystick.crypto import paillier
from tallystick.crypto.randomness import SystemRandomness
from tallystick.crypto.statistic.states import AgencySetup
from tests.febrl import damaged
from tests.protocol.bus import Bus
from tests.protocol.cases import Side, all_pairs, desk_setup, paillier_key, setups

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
        made[name] = replace(setup, passes=passes, bands=trial.plan.bands, need=trial.plan.need, columns=noted(slots, setup))
    opened = Bus(made, desk_setup(sides, computation, desk=NAMES[0])).run()
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
