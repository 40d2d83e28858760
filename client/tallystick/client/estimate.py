"""What a job will cost, from the sizes of its groups: masks, ciphertexts and bytes, by the same rules as the parties."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

from tallystick.core.agreement.model import Agreement
from tallystick.core.errors import Invalid
from tallystick.core.job.model import Question
from tallystick.core.job.passes import passes_of
from tallystick.core.statistics.computation import computation_of
from tallystick.core.statistics.planner import bounds_prime_counts, plan
from tallystick.crypto.bfv import DATA_PRIMES, RETURNED_PRIMES, chunk_bytes
from tallystick.crypto.padding import padme
from tallystick.crypto.products import Layout
from tallystick.crypto.tags import rows_of

POINT: Final = 32
TAG: Final = 16


@dataclass(frozen=True)
class Estimate:
    """Work and traffic of one attempt of a job, all parties together.

    Attributes:
        people: of each group, as told.
        passes: linkage passes.
        masks: X25519 multiplications.
        products: sums of products under encryption.
        ciphertexts: BFV ciphertexts, both ways.
        cells: numbers that are opened at the desk.
        bytes: points, tags and ciphertexts on the wire, before sealing.
    """

    people: dict[str, int]
    passes: int
    masks: int
    products: int
    ciphertexts: int
    cells: int
    bytes: int

    def json_value(self) -> dict[str, Any]:
        """Give it as a JSON value."""
        return asdict(self)


def estimated(question: Question, agreement: Agreement, people: Mapping[str, int]) -> Estimate:
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
    passes, _ = passes_of(question, agreement)
    lists = {group: rows_of(count, len(passes), agreement.decoys) * len(passes) for group, count in people.items()}
    rows = sum(lists.values())
    planned = plan(question, agreement)
    slots = sum(padme(count) for count in people.values())
    agencies = {"left": question.people[planned.left].agency, "right": question.people[planned.right].agency}
    computation = computation_of(planned, {"left": agencies["left"], "right": agencies["right"]})
    layout = Layout(
        left=computation.encryptor_columns,
        right=computation.multiplier_columns,
        pairs=computation.pairs,
        primes=bounds_prime_counts(planned, slots),
        slots=slots,
    )
    traffic = rows * (POINT + TAG)
    traffic += layout.sent_chunks * chunk_bytes(DATA_PRIMES) + layout.returned_chunks * chunk_bytes(RETURNED_PRIMES)
    return Estimate(
        people=dict(people),
        passes=len(passes),
        masks=2 * rows,  # each list by its owner and by the other agency
        products=len(planned.products),
        ciphertexts=layout.sent_chunks + layout.returned_chunks,
        cells=len(planned.cells),
        bytes=traffic,
    )
