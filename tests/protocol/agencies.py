"""Two agencies' identifiers in clear; who is linked through the whole encrypted path, from the agreement's words to opened products."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final

import numpy as np

from tallystick.core.job.passes import Passes, passes_of
from tallystick.core.linkage.passes.bands import PeopleGrams
from tallystick.core.linkage.passes.spellings import build_spelled_columns
from tallystick.crypto.randomness import SystemRandomness
from tallystick.crypto.tags import TokenColumn
from tests.governance import agreement, question
from tests.protocol.bus import Bus
from tests.protocol.cases import Side, all_pairs, column_pairs, desk_setup, setups

LEFT: Final = "human-services"
RIGHT: Final = "labor"
"""The two agencies; datasets `tanf` and `wages` are theirs, whatever they hold in a test."""

Person = Mapping[str, str | None]
Records = Sequence[Person]

KEY: Final = bytes(range(32))


@dataclass(frozen=True)
class Linked:
    """What was linked, and by what.

    Attributes:
        pairs: (row of the left list, row of the right list), as the opened cells say.
        passes: the passes of the job.
    """

    pairs: set[tuple[int, int]]
    passes: Passes


def linked(
    left: Records, right: Records, *, link: str | Sequence[str] = "default", decoys: int = 6, people: int = 100_000
) -> Linked:
    """Link two lists through both nodes' machines, the coordinator's matching and the desk, in memory.

    Every person has a column of its own, and every product of two of them is opened: 1 where the two are linked. Bands are made under `KEY`
    in place of the job secret, which is another one in every run: of people who are nearly alike a few are linked under some secrets only.

    Args:
        left: a person's identifiers; every person names the same ones, and None is missing.
        right: the other list.
        link: a ladder, or an agreement's words.
        decoys: of each pass.
        people: how many people each dataset declares at most.
    """
    lists = {LEFT: left, RIGHT: right}
    words = (link,) if isinstance(link, str) else tuple(link)
    datasets: dict[str, Any] = {
        name: {"agency": agency, "columns": {}, "identifiers": list(lists[agency][0]), "people": people}
        for name, agency in (("tanf", LEFT), ("wages", RIGHT))
    }
    under = agreement(datasets=datasets, link=list(words), decoys=decoys, stewards={})
    asked = question(
        people={"tanf": {"agency": LEFT, "dataset": "tanf"}, "wages": {"agency": RIGHT, "dataset": "wages"}},
        link=next((word for word in words if word in {"strict", "default", "loose"}), None),
        measures=["count"],
        by=[],
    )
    passes = passes_of(asked, under)
    sides = {name: Side({}, np.eye(len(records), dtype=np.int64)) for name, records in lists.items()}
    computation = all_pairs(LEFT, RIGHT, sides, bound=1)
    made = {}
    for side, name in enumerate((LEFT, RIGHT)):
        setup = setups(sides, computation, desk=LEFT, decoys=decoys)[name]
        raw = {field: np.array([person[field] for person in lists[name]], dtype=object) for field in lists[name][0]}
        tokens = build_spelled_columns(passes.exact, side, raw, len(lists[name]), None, SystemRandomness())
        made[name] = replace(setup, passes=tokens, ladder=passes.ladder)
        if passes.similarity is not None:
            made[name] = replace(made[name], bands_of=partial(_bands, PeopleGrams(passes.similarity, raw, len(lists[name]))))
    opened = Bus(
        made, desk_setup(sides, computation, desk=LEFT), rounds=passes.rounds(decoys), budget=passes.budget(decoys)
    ).run()
    assert set(opened.values) <= {0, 1}
    return Linked(
        {pair for pair, value in zip(column_pairs(computation, LEFT, RIGHT), opened.values, strict=True) if value}, passes
    )


def _bands(grams: PeopleGrams, secret: bytes) -> Mapping[str, TokenColumn]:
    assert secret != KEY
    return grams.bands(KEY)
