"""What cells say to an agency that reads them: the rows of SECURITY.md on a desk with data, and on an agency that deviates.

Nothing here is prevented in this version. These tests keep the words of that table true: they fail once an attack fails, and then
the table must change.
"""

from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt
import pytest

from tallystick.core.disclosure.profiles import PROFILES
from tallystick.core.linkage.matching.matching import match_tags
from tallystick.crypto import paillier
from tests.protocol.bus import Bus
from tests.protocol.cases import Side, all_pairs, desk_setup, paillier_key, setups

Columns = npt.NDArray[np.int64]
VALUES = np.array([52_000, 31_000, 78_000, 45_000], dtype=np.int64)
MINE, THEIRS = ["ann", "bob", "eve"], ["bob", "joe", "ann", "sue"]
K = PROFILES["cms"].min_cell


@pytest.fixture(autouse=True)
def _one_paillier_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paillier, "generate", paillier_key)


def opened(columns: Columns, *, everywhere: int | None = None) -> list[int]:
    """Give the cells that the agency `mine` opens as the desk, for each of its columns: Σ over its people, and Σ of the other's values.

    Args:
        columns: of `mine`, a number for each person.
        everywhere: a number that `mine` puts into every slot that is not its own, in place of nothing.
    """
    sides = {
        "mine": Side({"name": MINE}, columns),
        "theirs": Side({"name": THEIRS}, np.stack([np.ones(len(THEIRS), dtype=np.int64), VALUES])),
    }
    computation = all_pairs("mine", "theirs", sides, bound=10**9)
    ready = setups(sides, computation, desk="mine")
    if everywhere is not None:
        honest = ready["mine"].columns

        def laid(slots: npt.NDArray[np.int64], table_size: int) -> Columns:
            made = honest(slots, table_size)
            others = np.setdiff1d(np.arange(table_size), slots)
            made[:, others] = everywhere
            return made

        ready["mine"] = dataclasses.replace(ready["mine"], columns=laid)
    return list(Bus(ready, desk_setup(sides, computation, desk="mine")).run().values)


def test_a_desk_reads_membership_and_value_of_a_group_of_one_of_its_own() -> None:
    # one group a person, as an honest agency's own `by` column may have it
    cells = opened(np.eye(3, dtype=np.int64))
    assert cells == [1, 78_000, 1, 52_000, 0, 0]  # ann and bob are there, with what they earn; eve is not


def test_a_weight_in_place_of_a_one_makes_a_cell_of_one_person_large_enough_to_be_shown() -> None:
    count, total = opened(np.array([[K, 0, 0]], dtype=np.int64))
    assert not PROFILES["cms"].is_small(count)
    assert total / count == 78_000  # ann's, and the mean of a cell of eleven


def test_different_weights_tell_many_people_apart_in_one_sum() -> None:
    count, _ = opened(np.array([[1, 2, 4]], dtype=np.int64))
    assert [name for bit, name in enumerate(MINE) if count >> bit & 1] == ["ann", "bob"]


def test_numbers_at_slots_that_are_not_its_own_reach_people_whom_an_agency_cannot_name() -> None:
    count, total = opened(np.zeros((1, 3), dtype=np.int64), everywhere=1)
    assert (count, total) == (2, 31_000 + 45_000)  # joe and sue, whom it does not have


def test_a_row_asks_for_another_person_at_each_pass() -> None:
    lists = [
        np.stack([_tags(step, people) for step, people in enumerate(passes)]) for passes in (["ann", "sue"], ["bob sue"] * 2)
    ]
    assert match_tags(lists).pairs(0, 1)[1].tolist() == [
        1
    ]  # it asks for ann at the first pass, who is not there, and for sue at the second


def _tags(step: int, people: str) -> npt.NDArray[np.uint8]:
    return np.stack([np.frombuffer(f"{step}{name}".ljust(16).encode(), dtype=np.uint8) for name in people.split()])
