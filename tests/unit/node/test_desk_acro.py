"""The profile `acro` against ACRO's documented checks: never looser, and where it is stricter, why (tests/vectors/acro.json)."""

from __future__ import annotations

import json
import random
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import numpy as np
import pytest

from tallystick.core.measure import Asked, Undefined
from tallystick.core.moments import Moment, Sum
from tests.unit.node.test_desk import REGIONS, assignment
from tests.unit.node.test_desk_measures import row
from tests.unit.node.test_desk_profiles import AGE, released, terms

VECTORS: Final = json.loads((Path(__file__).parents[2] / "vectors" / "acro.json").read_text(encoding="utf-8"))
AMPLE: Final = 60
"""Years of each person of the other regions: so many that nothing of them is dominated."""


def spell(cell: dict[str, Any]) -> list[int]:
    return [value for value, many in cell["values"] for _ in range(many)]


def find_acro_failures(values: list[int]) -> list[str]:
    """Give the names of ACRO's checks that a cell fails, by their documented definitions and default numbers."""
    top, total = sorted(values, reverse=True), sum(values)
    failures = ["zero"] if not values else ["threshold"] if len(values) < 10 else []
    if not failures and total > 0:
        failures += ["nk-rule"] if Fraction(sum(top[:2]), total) > Fraction(9, 10) else []
        failures += ["p-ratio"] if Fraction(total - sum(top[:2]), top[0]) < Fraction(1, 10) else []
    return failures


def find_verdicts(cells: list[list[int]]) -> list[str | None]:
    """Give why the desk hides the sum of each cell, one a region; None where it shows it."""
    part = assignment(terms("acro"), measures=["count", {"sum": AGE}])
    filled = [*cells, *([[AMPLE] * 130] * (len(REGIONS) - len(cells)))]
    matched = {region: len(values) for region, values in zip(REGIONS, filled, strict=True)}
    body = released(part, matched, {AGE: {region: sum(values) for region, values in zip(REGIONS, filled, strict=True)}})
    found = (row(body, region) for region in REGIONS[: len(cells)])  # type: ignore[arg-type]
    return [one["suppressed"] if one[f"sum({AGE})"] is None else None for one in found]


@pytest.mark.parametrize("cell", VECTORS["cells"], ids=lambda one: one["name"])
def test_a_cell_of_acro_s_has_its_outcome_or_one_that_is_explained(cell: dict[str, Any]) -> None:
    assert find_acro_failures(spell(cell)) == cell["acro"]
    (verdict,) = find_verdicts([spell(cell)])
    assert verdict == cell["ours"]
    assert ((verdict is None) != (not cell["acro"])) == ("why" in cell)


def test_no_cell_that_acro_suppresses_is_shown() -> None:
    """240 cells, four a table; of those that ACRO shows, the ones with sums of many people are shown here, too."""
    draw = random.Random(14)
    agreed = shown = stricter = 0
    for _ in range(60):
        cells = [
            [
                min(120, int(draw.paretovariate(draw.choice([0.4, 1, 3])) * draw.choice([1, 5, 40])))
                for _ in range(draw.choice([4, 9, 10, 14, 40, 200]))
            ]
            for _ in range(4)
        ]
        for values, verdict in zip(cells, find_verdicts(cells), strict=True):
            failures = find_acro_failures(values)
            assert verdict is not None or not failures, values
            agreed += bool(failures)
            shown += verdict is None
            stricter += verdict is not None and not failures
    assert min(agreed, shown, stricter) > 25


@pytest.mark.parametrize("model", VECTORS["models"], ids=lambda one: one["name"])
def test_a_regression_needs_acro_s_residual_degrees_of_freedom(model: dict[str, Any]) -> None:
    people, columns = model["people"], tuple(f"a.x{at}" for at in range(model["columns"]))
    asked = Asked("regression", columns)
    values = np.random.default_rng(7).integers(0, 100, (people, len(columns)))
    opened: dict[Moment, int] = {
        moment: int(np.prod([values[:, columns.index(name)] for name in moment.columns], axis=0).sum())
        if isinstance(moment, Sum)
        else people
        for moment in asked.moments
    }
    found = asked.value(opened)
    assert ("undefined" if isinstance(found, Undefined) else "value") == model["ours"]
    assert (people - len(columns) >= 10) == (model["acro"] == "pass")
