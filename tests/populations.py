"""Made-up formulas, stacked groups and people of a group, for tests of any population."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from hypothesis import strategies as st

from tallystick.core.agreement.model import Agreement
from tallystick.core.job.model import Question
from tallystick.core.statistics.columns import PersonColumn
from tallystick.core.statistics.declared import find_column
from tests.oracle import bin_of

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


def derivations() -> st.SearchStrategy[dict[str, str]]:
    """Give derived columns `band`, `few` and `kind` of the columns of a group."""
    edges = st.lists(st.integers(-110, 119), min_size=1, max_size=3, unique=True).map(sorted)
    return st.tuples(edges, st.integers(0, 3), st.integers(-100, 100)).map(
        lambda drawn: {
            "band": f"bin(age, {', '.join(map(str, drawn[0]))})",
            "few": f"cap(children, {drawn[1]})",
            "kind": f"case(age >= {drawn[2]} and young, 'first', children < 1, 'second', 'rest')",
        }
    )


def add_derived(frame: pd.DataFrame, derive: Mapping[str, str]) -> pd.DataFrame:
    """Give people with what `derivations` says of them, worked out from what it means alone."""
    if not derive:
        return frame
    edges = [int(edge) for edge in re.findall(r"-?\d+", derive["band"])]
    (most,), (least, _) = ([int(number) for number in re.findall(r"-?\d+", derive[name])] for name in ("few", "kind"))

    def tell(row: Any) -> tuple[str | None, int | None, str | None]:
        grown = None if row.age is None else row.age >= least
        first = False if grown is False or row.young is False else None if None in {grown, row.young} else True
        second = None if row.children is None else row.children < 1
        kind = None if first is None else "first" if first else None if second is None else "second" if second else "rest"
        return (
            None if row.age is None else bin_of(row.age, edges),
            None if row.children is None else min(row.children, most),
            kind,
        )

    told = [tell(row) for row in frame.itertuples()]
    columns = {name: pd.Series([one[at] for one in told], dtype=object) for at, name in enumerate(("band", "few", "kind"))}
    return frame.assign(**columns)


def derived_columns(asked: Question, terms: Agreement, group: str, frame: pd.DataFrame) -> dict[str, PersonColumn]:
    """Give the derived columns of a frame as a node would give them to the plan."""
    found = {}
    for name in asked.people[group].derive:
        levels = find_column(asked, terms, f"{asked.find_part_name(group)}.{name}").values
        cells = [None if cell is None or cell != cell else cell for cell in frame[name].tolist()]
        coded = [7 if cell is None else levels.index(cell) if levels is not None else int(cell) for cell in cells]
        missing = np.array([cell is None for cell in cells], dtype=np.bool_)
        found[name] = PersonColumn(np.array(coded, dtype=np.int64), missing, levels)
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
