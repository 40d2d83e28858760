"""Made-up formulas, stacked groups and people of a group, for tests of any population."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from hypothesis import strategies as st

NAMES = ("place", "trade", "young", "children", "age", "paid")
"""The columns of every group."""


def formulas(groups: tuple[str, ...]) -> st.SearchStrategy[str]:
    """Give formulas over groups."""
    return st.recursive(
        st.sampled_from(groups),
        lambda inner: st.one_of(
            st.tuples(inner, st.sampled_from(["and", "or", "and not"]), inner).map(lambda t: f"({t[0]} {t[1]} {t[2]})"),
            inner.map(lambda one: f"not {one}"),
        ),
        max_leaves=6,
    )


@st.composite
def stacks(draw: st.DrawFn, owners: dict[str, str]) -> dict[str, list[str]]:
    """Give groups of different agencies that are one together, under one or two names."""
    found: dict[str, list[str]] = {}
    left = list(draw(st.permutations(sorted(owners))))
    for name in ("x", "y")[: draw(st.integers(1, 2))]:
        parts: list[str] = []
        for group in left:
            if len(parts) < draw(st.integers(2, 3)) and owners[group] not in {owners[part] for part in parts}:
                parts.append(group)
        if len(parts) > 1:
            found[name] = parts
            left = [group for group in left if group not in parts]
    return found


def frame_of(people: int, rng: np.random.Generator) -> pd.DataFrame:
    """Give so many people with values of every type, some of them missing."""
    rows = []
    for _ in range(people):
        row: list[Any] = [
            str(rng.choice(["north", "south", "east"])),
            str(rng.choice(["a", "b"])),
            bool(rng.integers(2)),
            int(rng.integers(-1, 3)),
        ]
        row += [int(rng.integers(-120, 121)), int(rng.integers(0, 100))]
        rows.append([None if rng.random() < 0.2 else value for value in row])
    return pd.DataFrame(rows, columns=list(NAMES), dtype=object)
