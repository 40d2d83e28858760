"""S-11 with a similarity pass, between real processes over gRPC: every number is that of the links of a rehearsal in the clear."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import pandas as pd

from tallystick.core.agreement.model import Agreement
from tallystick.core.job.model import Question
from tallystick.crypto.randomness import SystemRandomness
from tallystick.lab.linking.trial import rehearsed
from tests.febrl import FIELDS, Damaged, damaged
from tests.oracle import expected_rows

TALLY: Final = [sys.executable, "-m", "tallystick.client.cli"]
LINK: Final = ["default", "similarity-no-twins"]
PEOPLE, BLOCK = 260, 44
"""People, and how many of them, in the order of their keys, are a block: blocks by blocks show who was linked with whom, roughly."""

JOB: Final[dict[str, Any]] = {
    "agreement": "febrl",
    "purpose": "rehearsal",
    "people": {"org": {"agency": "original", "dataset": "originals"}, "dup": {"agency": "duplicate", "dataset": "duplicates"}},
    "join": "org inner dup",
    "link": "default",
    "measures": ["count"],
    "by": ["org.block", "dup.block"],
}


def write(folder: Path, lists: Damaged) -> None:
    """Write both files, the lab file and the job."""
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
    terms = {"disclosure": {"min_cell": 0}, "link": LINK, "decoys": 8}
    (folder / "lab.yaml").write_text(json.dumps({"agencies": agencies, "agreement": terms}), encoding="utf-8")
    (folder / "job.yaml").write_text(json.dumps(JOB), encoding="utf-8")


def test_s11_every_number_is_that_of_the_links_in_the_clear(tmp_path: Path) -> None:
    lists = damaged(PEOPLE)
    write(tmp_path, lists)
    command = [*TALLY, "lab", "run", "lab.yaml", "job.yaml", "--out", "out.json"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=280, check=False)
    assert done.returncode == 0, done.stderr
    result = json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))
    trial = rehearsed(*lists.people(), LINK, SystemRandomness())
    agreement = Agreement.read(result["proof"]["body"]["agreement"]["body"], what="agreement")
    people = {
        group: pd.DataFrame({"block": pd.Series(frame.index // BLOCK, dtype=object)})
        for group, frame in (("org", lists.left), ("dup", lists.right))
    }
    links = list(zip(trial.a.tolist(), trial.b.tolist(), strict=True))
    assert result["rows"] == expected_rows(Question.read(JOB, what="job"), agreement, people, links)
    assert result["linkage"]["matched"] == len(links)
    assert trial.passes[-1].links > 10
    assert any("bands of the similarity pass two anonymous rows coincide" in line for line in result["leakage"]["coordinator"])
