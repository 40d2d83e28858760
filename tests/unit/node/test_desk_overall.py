"""Statistics of the whole table at the desk: they are of what leaves it, rounded and with hidden cells hidden."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy import stats

from tallystick.core.disclosure.leakage import leakage_statement
from tallystick.core.overall import list_operations
from tallystick.node.assignment import Assignment
from tests.cells import names
from tests.governance import agreement
from tests.unit.node.test_desk import Room, assignment, opened

REGIONS = ("north", "south", "east", "west")
COUNTS = {(region, employed): 63 + 17 * at + 48 * employed for at, region in enumerate(REGIONS) for employed in (False, True)}
LABEL = "association(tanf.region, tanf.employed)"


def part_of(profile: str) -> Assignment:
    terms = agreement(link=["strict", "default"], decoys=0, operations=list(list_operations()), disclosure={"profile": profile})
    pair = ["tanf.region", "tanf.employed"]
    return assignment(terms, by=pair, overall=[{"association": pair}])


def released(part: Assignment, counts: Mapping[Any, int]) -> dict[str, Any]:
    plan = part.contract.plan
    base = opened(part, {})
    values: dict[tuple[int, str], int] = {(-1, "matched"): sum(counts.values())}
    for at, levels in enumerate(plan.rows):
        values[at, "count"] = counts.get(levels, 0)
    for at, levels in enumerate(plan.groups):
        some = counts.get(levels, 0)
        values |= {(-2 - at, "matched"): some, (-2 - at, "people"): 3 * some}
    values |= {(-1, f"{what}(tanf)"): 3 * sum(counts.values()) for what in ("people", "usable")}
    merged = [values.get(name, value) for name, value in zip(names(plan), base.values, strict=True)]
    return Room().made(part, replace(base, values=tuple(merged)))


@pytest.mark.parametrize("profile", ["open", "cms", "opensafely"])
def test_a_statistic_of_the_whole_table_is_that_of_the_rows_that_leave(profile: str) -> None:
    body = released(part_of(profile), COUNTS)
    (found,) = body["overall"]
    cells = np.array([row["count"] for row in body["rows"]]).reshape(len(REGIONS), 2)
    assert (cells.tolist() == [[COUNTS[region, yes] for yes in (False, True)] for region in REGIONS]) == (
        profile != "opensafely"
    )
    assert found["label"] == LABEL
    assert found["value"] == pytest.approx(stats.contingency.association(cells, method="cramer"), rel=1e-12)
    assert found["details"]["n"] == cells.sum()


def test_s19_nothing_is_worked_out_of_a_hidden_cell() -> None:
    body = released(part_of("cms"), COUNTS | {("north", False): 4})
    (found,) = body["overall"]
    assert found == {
        "label": LABEL, "statistic": "association", "value": None, "undefined": "a cell of the two columns is hidden",
    }  # fmt: skip


def test_the_leakage_statement_names_it() -> None:
    part = part_of("cms")
    said = leakage_statement(part.contract.job, part.contract.agreement)["ana"]
    assert f"worked out of these released cells and of nothing else: {LABEL}" in said
