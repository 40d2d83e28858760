"""S-11 with a similarity pass, between real processes over gRPC: every number is that of the links of rehearsals in the clear.

Bands are drawn under the job secret, which no test can have of these processes, and a few pairs are linked under some secrets only. So the
numbers lie between the links of all rehearsals and those of any. That machines link exactly whom a rehearsal under their own secret links:
`tests/protocol/test_similarity.py`.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any, Final

import pandas as pd

from tallystick.core.agreement.model import Agreement
from tallystick.core.job.model import Question
from tallystick.crypto.randomness import SeededRandomness
from tallystick.lab.linking.trial import run_trial
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
    "keep": "org and dup",
    "link": "default",
    "measures": ["count"],
    "by": ["org.block", "dup.block"],
}


REHEARSALS, SLACK = 12, 2
"""Keys that are tried, and links that may be outside of what they give: three are, in fewer than one job of a thousand."""


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
    trials = [run_trial(*lists.people(), LINK, SeededRandomness(bytes([key]))) for key in range(REHEARSALS)]
    links = [set(zip(trial.a.tolist(), trial.b.tolist(), strict=True)) for trial in trials]
    certain, possible = set.intersection(*links), set.union(*links)
    assert len(certain) > 0.9 * len(possible)
    agreement = Agreement.read(result["proof"]["body"]["agreement"]["body"], what="agreement")
    people = {
        group: pd.DataFrame({"block": pd.Series(frame.index // BLOCK, dtype=object)})
        for group, frame in (("org", lists.left), ("dup", lists.right))
    }
    least = expected_rows(Question.read(JOB, what="job"), agreement, people, sorted(certain))
    assert [row | {"count": None} for row in result["rows"]] == [row | {"count": None} for row in least]
    most = Counter((left // BLOCK, right // BLOCK) for left, right in possible)
    outside = 0
    for row, low in zip(result["rows"], least, strict=True):
        outside += max(0, low["count"] - row["count"], row["count"] - most[row["org.block"], row["dup.block"]])
    assert outside <= SLACK
    assert result["linkage"]["matched"] == sum(row["count"] for row in result["rows"])
    assert all(trial.passes[-1].links > 0 for trial in trials)
    assert any("bands of the similarity pass two anonymous rows coincide" in line for line in result["leakage"]["coordinator"])
