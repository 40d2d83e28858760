"""Febrl4's linkage through the whole encrypted path: jobs of a network link whom a rehearsal links, and find as many.

Without decoys, which a rehearsal has none of: those that both lists have count among what a round would link, so with them a job's last
round may be another one. Longer than the default suite allows (up to 48 recipes and 256 bands of 5,000 people):
`pytest -m slow tests/e2e/test_febrl4_linkage.py`.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
import pytest

from benchmarks.febrl import febrl4
from tallystick.core.linkage.passes.ladders import ladder
from tallystick.crypto.randomness import SystemRandomness
from tallystick.lab.linking.people import ListPeople
from tallystick.lab.linking.trial import run_trial

TALLY: Final = [sys.executable, "-m", "tallystick.client.cli"]
WORD: Final = "no-households"
EXACT: Final = [*ladder("loose", (WORD,)), WORD]
"""Recipes alone: the ladder by its name ends with a similarity pass."""
MOST: Final = 1_000
SEED: Final = 4
FEW: Final = 10
"""Links by which a job and a rehearsal of a similarity pass may differ: each draws its own keys of the bands."""


def written(folder: Path, name: str, people: ListPeople, numbers: np.ndarray[Any, np.dtype[np.int64]]) -> dict[str, Any]:
    """Write a list and a made-up number of each person; give its dataset."""
    frame = pd.DataFrame({"key": people.keys, **people.identifiers, "number": numbers})
    frame.to_csv(folder / f"{name}.csv", index=False)
    return {
        "source": {"csv": f"{name}.csv"},
        "person": "key",
        "people": people.count,
        "identifiers": {field: field for field in people.identifiers},
        "columns": {"number": {"type": "integer", "min": 0, "max": MOST}},
        "rows_per_person": 1,
    }


@pytest.mark.slow
@pytest.mark.parametrize(
    ("link", "without", "recall"),
    [(EXACT, (), 0.993), (["loose", WORD], (), 0.998), (["loose", WORD], ("ssn",), 0.996)],
    ids=["recipes", "with similarity", "with similarity, no soc_sec_id"],
)
def test_a_network_links_febrl4_as_the_rehearsal_does(
    tmp_path: Path, link: list[str], without: tuple[str, ...], recall: float
) -> None:
    first, second, truth = febrl4(without)
    numbers = [np.random.default_rng((SEED, side)).integers(0, MOST + 1, one.count) for side, one in enumerate((first, second))]
    lab = {
        "agencies": {
            name: {"datasets": {name: written(tmp_path, name, people, number)}}
            for name, people, number in zip(("originals", "duplicates"), (first, second), numbers, strict=True)
        },
        "agreement": {"disclosure": {"min_cell": 0}, "link": link, "decoys": 0},
    }
    job = {
        "agreement": "febrl",
        "purpose": "rehearsal",
        "people": {name: {"agency": name, "dataset": name} for name in ("originals", "duplicates")},
        "keep": "originals and duplicates",
        "measures": ["count", {"sum": "originals.number"}, {"sum": "duplicates.number"}],
    }
    if "loose" in link:
        job["link"] = "loose"
    (tmp_path / "lab.yaml").write_text(json.dumps(lab), encoding="utf-8")
    (tmp_path / "job.yaml").write_text(json.dumps(job), encoding="utf-8")
    done = subprocess.run(
        [*TALLY, "lab", "run", "lab.yaml", "job.yaml", "--out", "out.json"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=1_200,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    result = json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))
    trial = run_trial(first, second, link, SystemRandomness(), truth)
    (row,) = result["rows"]
    assert trial.score is not None
    expected = [len(trial.a), int(numbers[0][trial.a].sum()), int(numbers[1][trial.b].sum())]
    differ = FEW if "loose" in link else 0
    for name, number, most in zip(
        ("count", "sum(originals.number)", "sum(duplicates.number)"), expected, (1, MOST, MOST), strict=True
    ):
        assert abs(row[name] - number) <= differ * most, name
    assert trial.score.found / (trial.score.found + trial.score.wrong) >= 0.9995
    assert trial.score.found / truth.people >= recall
