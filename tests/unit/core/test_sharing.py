"""Who shares a hash with whom in one list."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tallystick.core.linkage.passes.hashing import groups_of

PERSON = st.tuples(st.integers(0, 2), st.integers(0, 2), st.booleans())


@given(st.lists(PERSON, max_size=25))
def test_who_shares_a_hash_has_one_number_and_everybody_else_has_none(people: list[tuple[int, int, bool]]) -> None:
    hashes = np.array([person[:2] for person in people], dtype=np.uint64).reshape(-1, 2)
    groups = groups_of(hashes, np.array([usable for *_, usable in people], dtype=np.bool_)).tolist()
    for mine, me in zip(people, groups, strict=True):
        others = [other for yours, other in zip(people, groups, strict=True) if mine == yours and mine[2]]
        assert (me >= 0) == (len(others) > 1)
        assert len(others) < 2 or {at for at, group in enumerate(groups) if group == me} == {
            at for at, yours in enumerate(people) if yours == mine
        }
