"""S-11 with a similarity pass, between real processes over gRPC: every number is that of the links of a rehearsal in the clear."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import pandas as pd
import pytest

from tallystick.client.linking.trial import rehearsed
from tallystick.core.agreement.model import Agreement
from tallystick.core.job.model import Question
from tallystick.crypto.randomness import SystemRandomness
from tests.febrl import FIELDS, Damaged, damaged
from tests.oracle import expected_rows

TALLY: Final = [sys.executable, "-m", "tallystick.client.cli"]
LINK: Final = ["default", "similarity-no-twins"]
PEOPLE, BLOCK = 260, 44
"""People, and how many of them, in the order of their keys, are a block: blocks by blocks show who was linked with whom, roughly."""

ASKED: Final = {
    "with": {"link": "default"},
    "strict": {"link": "strict"},
}
JOB: Final[dict[str, Any]] = {
    "agreement": "febrl",
    "purpose": "rehearsal",
    "people": {"org": {"agency": "original", "dataset": "originals"}, "dup": {"agency": "duplicate", "dataset": "duplicates"}},
    "join": "org inner dup",
    "measures": ["count"],
    "by": ["org.block", "dup.block"],
}


def write(folder: Path, lists: Damaged) -> None:
    """Write both files, the lab file and the jobs."""
    agencies = {}
    for agency, dataset, frame in (("original", "originals", lists.left), ("duplicate", "duplicates", lists.right)):
        frame.assign(block=frame.index // BLOCK).to_csv(folder / f"{dataset}.csv", index=False)
        entry = {
            "source": {"csv": f"{dataset}.csv"},
            "person": "rec_id",
            "people": len(frame),
            "identifiers": FIELDS,
            "columns": {"block": {"type": "integer", "min": 0, "max": (PEOPLE - 1) // BLOCK}},
            "rows_per_person": 1,
        }
        agencies[agency] = {"datasets": {dataset: entry}}
    terms = {"disclosure": {"min_cell": 0}, "link": ["strict", *LINK], "decoys": 8}
    (folder / "lab.yaml").write_text(json.dumps({"agencies": agencies, "agreement": terms}), encoding="utf-8")
    for name, changes in ASKED.items():
        (folder / f"{name}.yaml").write_text(json.dumps({**JOB, **changes}), encoding="utf-8")


@pytest.fixture(name="lists", scope="module")
def both() -> Damaged:
    return damaged(PEOPLE)


@pytest.fixture(name="results", scope="module")
def lab_run(lists: Damaged, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    folder = tmp_path_factory.mktemp("febrl3")
    write(folder, lists)
    command = [*TALLY, "lab", "run", "lab.yaml", *(f"{name}.yaml" for name in ASKED), "--out", "out.json"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=280, check=False)
    assert done.returncode == 0, done.stderr
    return dict(zip(ASKED, json.loads((folder / "out.json").read_text(encoding="utf-8")), strict=True))


@pytest.mark.parametrize(("name", "link"), [("with", LINK), ("strict", ["strict"])])
def test_s11_every_number_is_that_of_the_links_in_the_clear(
    results: dict[str, dict[str, Any]], lists: Damaged, name: str, link: list[str]
) -> None:
    trial = rehearsed(*lists.people(), link, SystemRandomness())
    question = Question.read({**JOB, **ASKED[name]}, what=name)
    agreement = Agreement.read(results[name]["proof"]["body"]["agreement"]["body"], what="agreement")
    people = {
        group: pd.DataFrame({"block": pd.Series(frame.index // BLOCK, dtype=object)})
        for group, frame in (("org", lists.left), ("dup", lists.right))
    }
    links = list(zip(trial.a.tolist(), trial.b.tolist(), strict=True))
    assert results[name]["rows"] == expected_rows(question, agreement, people, links)
    assert results[name]["linkage"]["matched"] == len(links)
    similar = trial.passes[-1].links if name == "with" else 0
    assert (similar > 10) == (name == "with")


def test_what_the_coordinator_sees_of_it_was_said_before(results: dict[str, dict[str, Any]]) -> None:
    told = {name: "\n".join(result["leakage"]["coordinator"]) for name, result in results.items()}
    assert "bands of the similarity pass two anonymous rows coincide" in told["with"]
    assert "similarity" not in told["strict"]
