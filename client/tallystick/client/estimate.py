"""What a job will cost, from the sizes of its groups: masks, ciphertexts and bytes, by the same rules as the parties."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np

from tallystick.core.agreement.model import Agreement
from tallystick.core.errors import Invalid
from tallystick.core.job.model import Question
from tallystick.core.job.passes import passes_of
from tallystick.core.statistics.computation import computation_of
from tallystick.core.statistics.planner import plan
from tallystick.crypto import kernel
from tallystick.crypto.bfv import ANSWER_BYTES, COLUMN_BYTES
from tallystick.crypto.statistic.audit import audit_layout
from tallystick.crypto.tags import rows_of

POINT: Final = 32
TAG: Final = 16
_SAMPLE: Final = 2048


@dataclass(frozen=True)
class WorkEstimate:
    """Work and traffic of one attempt of a job, all parties together.

    Attributes:
        people: of each group, as told.
        passes: linkage passes; the bands of a similarity pass are one.
        bands: of the similarity pass; 0 without one.
        masks: X25519 multiplications.
        similarity_masks: how many of them the similarity pass takes.
        products: sums of products under encryption.
        ciphertexts: BFV ciphertexts, both ways, those of the decoy audit among them.
        cells: numbers that are opened at the desk.
        bytes: points, tags and ciphertexts on the wire, before sealing.
    """

    people: dict[str, int]
    passes: int
    bands: int
    masks: int
    similarity_masks: int
    products: int
    ciphertexts: int
    cells: int
    bytes: int

    def json_value(self) -> dict[str, Any]:
        """Give it as a JSON value."""
        return asdict(self)


def mask_seconds() -> float:
    """Measure one X25519 multiplication on one core of this machine: the best of three batches."""
    points = np.zeros((_SAMPLE, POINT), dtype=np.uint8)
    points[:, 0] = 9  # the base point
    best = float("inf")
    for _ in range(3):
        start = time.perf_counter()
        kernel.mask(bytes([64]) * POINT, points)
        best = min(best, time.perf_counter() - start)
    return best / _SAMPLE


def estimate_work(question: Question, agreement: Agreement, people: Mapping[str, int]) -> WorkEstimate:
    """Give the work of a question over groups of so many people.

    Raises:
        Invalid: `job-invalid`: a size is missing, or one names no group; and as `plan` and `passes_of`.
        Refused: `sum-too-large`, `table-too-large`.
    """
    strangers = sorted(people.keys() ^ question.people.keys())
    if strangers:
        raise Invalid(
            "job-invalid", f"sizes and groups differ: {', '.join(strangers)}", hint="--people GROUP=NUMBER for each group"
        )
    passes = passes_of(question, agreement)
    rows = sum(rows_of(count, len(passes.told), agreement.decoys) for count in people.values())
    points = rows * len(passes.names)
    planned = plan(question, agreement, passes.told)
    agencies = {"left": question.people[planned.left].agency, "right": question.people[planned.right].agency}
    computation = computation_of(planned, {"left": agencies["left"], "right": agencies["right"]})
    layouts = [computation.layout(one, rows, rows) for one in computation.term_plan.multiplications]
    if agreement.decoys:
        layouts.append(audit_layout(rows, len(passes.exact) * agreement.decoys))
    sent, returned = sum(one.sent_ciphertexts for one in layouts), sum(one.returned_ciphertexts for one in layouts)
    traffic = points * (POINT + TAG) + sent * COLUMN_BYTES + returned * ANSWER_BYTES
    return WorkEstimate(
        people=dict(people),
        passes=len(passes.told),
        bands=passes.bands,
        masks=2 * points,  # each list by its owner and by the other agency
        similarity_masks=2 * rows * passes.bands,
        products=len(planned.products),
        ciphertexts=sent + returned,
        cells=len(planned.cells),
        bytes=traffic,
    )
