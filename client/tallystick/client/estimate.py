"""What a job will cost, from the sizes of its groups: masks, ciphertexts and bytes, by the same rules as the parties."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np

from tallystick.core.agreement.model import Agreement
from tallystick.core.disclosure.gating import computation_under
from tallystick.core.errors import Invalid
from tallystick.core.job.model import Question
from tallystick.core.job.passes import list_identifiers, passes_of
from tallystick.core.job.population import PAIR
from tallystick.core.statistics.planner import plan
from tallystick.crypto import kernel
from tallystick.crypto.bfv import ANSWER_BYTES, COLUMN_BYTES
from tallystick.crypto.flooding import RING
from tallystick.crypto.layout import Layout
from tallystick.crypto.products import encrypt_columns, new_keys, open_products, products
from tallystick.crypto.randomness import SystemRandomness
from tallystick.crypto.statistic.audit import audit_layout
from tallystick.crypto.statistic.computation import Computation
from tallystick.crypto.statistic.preparing import gate_layout
from tallystick.crypto.statistic.rounds import Exchange
from tallystick.crypto.tags import rows_of
from tallystick.crypto.workers import SerialWorkers

POINT: Final = 32
TAG: Final = 16
SHARE_BYTES: Final = 4
"""Of a share of what a step of a stage of tests opens."""
PATTERN_BYTES: Final = 32
_SAMPLE: Final = 2048
_COLUMNS: Final = 4
_WORD: Final = 8


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
        ciphertexts: BFV ciphertexts, both ways, those of the decoy audit and of the gate among them.
        cells: numbers that are opened at the desk.
        bytes: points, tags, ciphertexts and shares of tests on the wire, before sealing.
        parties: what each agency does of it.
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
    parties: tuple[PartyWork, ...]

    def json_value(self) -> dict[str, Any]:
        """Give it as a JSON value."""
        return {**asdict(self), "parties": [asdict(one) for one in self.parties]}


@dataclass(frozen=True)
class UnitSeconds:
    """Seconds of one core for one of each.

    Attributes:
        mask: an X25519 multiplication.
        encryption: of a block of 8,192 slots.
        product: of an encrypted block by a column.
        answer: a ciphertext that is flooded and sent back, and its decryption.
    """

    mask: float
    encryption: float
    product: float
    answer: float

    def of(self, work: PartyWork) -> float:
        """Give the seconds of an agency's work on one core."""
        return (
            self.mask * work.masks
            + self.encryption * work.encryptions
            + self.product * work.products
            + self.answer * work.answers / 2  # half of it at either agency
        )


def unit_seconds() -> UnitSeconds:
    """Measure on this machine: the best of three runs of exchanges of one block and of three; takes a second or less."""
    one, three = (np.min([_exchange_seconds(blocks) for _ in range(3)], axis=0) / _COLUMNS for blocks in (1, 3))
    product = max(0.0, (three[1] - one[1]) / 2)
    answer = max(0.0, one[1] - product) + one[2]
    return UnitSeconds(mask_seconds(), float(three[0]) / 3, float(product), float(answer))


def _exchange_seconds(blocks: int) -> tuple[float, float, float]:
    """Measure encrypting some columns of so many blocks, multiplying each by another, and opening the answers."""
    pairs = tuple((at, at) for at in range(_COLUMNS))
    layout = Layout(left=_COLUMNS, right=_COLUMNS, pairs=pairs, primes=(1,) * _COLUMNS, slots=blocks * RING)
    columns = np.ones((_COLUMNS, layout.slots), dtype=np.int64)
    randomness, workers, key = SystemRandomness(), SerialWorkers(), bytes(32)
    keys, times = new_keys(layout.primes_used, randomness), [time.perf_counter()]
    sent = list(encrypt_columns(keys, columns, layout, randomness, workers, key=key))
    times.append(time.perf_counter())
    back, _ = products(iter(sent), columns, layout, randomness, workers, key=key, sender="estimate")
    answer = list(back)
    times.append(time.perf_counter())
    open_products(keys, answer, layout, workers, key=key, sender="estimate")
    times.append(time.perf_counter())
    encrypted, multiplied, opened = np.diff(times).tolist()
    return encrypted, multiplied, opened


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


@dataclass(frozen=True)
class PartyWork:
    """One agency's part of the work.

    Attributes:
        masks: X25519 multiplications: of its own list and of every other's.
        encryptions: ciphertexts that it makes of its columns.
        products: encrypted blocks that it multiplies by a column or by shares at slots.
        answers: ciphertexts of products that it makes or opens.
        sent: bytes that it sends, before sealing.
        memory: bytes that its columns, its shares of products at slots and the longest list take at once; a process takes some 200 MiB
            beside them.
    """

    agency: str
    masks: int
    encryptions: int
    products: int
    answers: int
    sent: int
    memory: int


def _party_work(
    agency: str, computation: Computation, rows: Mapping[str, int], columns: int, audit: Layout | None, gate: Layout | None
) -> PartyWork:
    """Give an agency's part, from the padded rows of each list and how many token columns a list has.

    Args:
        agency: whose part.
        computation: of the job.
        rows: padded rows of each list.
        columns: token columns of a list.
        audit: the layout of each decoy audit; None without decoys.
        gate: the layout of each exchange that makes the powers of tests; None without a gate.
    """
    slots, place = sum(rows.values()), computation.agencies.index(agency)
    encryptions = multiplied = answers = sent = shares = 0
    for one in computation.multiplications_of(agency):
        layout = computation.layout(one, slots, slots)
        answers += layout.returned_ciphertexts
        if one.encryptor == place:
            encryptions += layout.sent_ciphertexts
            sent += layout.sent_ciphertexts * COLUMN_BYTES
        else:
            multiplied += layout.blocks * sum(layout.primes)
            sent += layout.returned_ciphertexts * ANSWER_BYTES
        shares += sum(layout.primes) * slots * _WORD if one.at_slots else 0
    for beside, layout in _beside(agency, computation, audit, gate):
        answers += layout.returned_ciphertexts
        if beside.encryptor == agency:
            encryptions += layout.sent_ciphertexts
            sent += layout.sent_ciphertexts * COLUMN_BYTES
        else:
            multiplied += layout.blocks
            sent += layout.returned_ciphertexts * ANSWER_BYTES
    if computation.gate is not None:
        told = sum(sum(lengths) for lengths in computation.gate.lengths) * SHARE_BYTES + PATTERN_BYTES
        sent += told * (len(computation.agencies) - 1)
    pair = len(rows) == PAIR
    for owner, count in rows.items():
        sent += count * columns * (TAG if pair and owner != agency else POINT) if len(rows) > 1 else 0
    masks = slots * columns if len(rows) > 1 else 0
    memory = computation.columns[place] * slots * _WORD + shares + max(rows.values()) * 2 * POINT
    return PartyWork(agency, masks, encryptions, multiplied, answers, sent, memory)


def _beside(
    agency: str, computation: Computation, audit: Layout | None, gate: Layout | None
) -> Iterator[tuple[Exchange, Layout]]:
    """Give an agency's exchanges that multiply no columns of people: decoy audits, and those that make the powers of tests."""
    for exchanges, layout in ((computation.audits, audit), (computation.gate_exchanges, gate)):
        if layout is not None:
            yield from ((one, layout) for one in exchanges if agency in (one.encryptor, one.multiplier))


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
    planned = plan(question, agreement, passes.told, list_identifiers(question, agreement))
    computation = computation_under(planned, agreement)
    of_agency: dict[str, int] = {}
    for group, count in people.items():  # whom several groups of one agency have is one person; how many these are nobody told
        agency = planned.population.agency_of[group]
        of_agency[agency] = of_agency.get(agency, 0) + count
    rows = {agency: rows_of(count, len(passes.told), agreement.decoys) for agency, count in sorted(of_agency.items())}
    slots, columns = sum(rows.values()), len(passes.names)
    audit = audit_layout(slots, len(passes.exact) * agreement.decoys) if agreement.decoys and len(rows) > 1 else None
    gate = None if computation.gate is None else gate_layout(computation.gate_plan(slots))
    parties = tuple(_party_work(agency, computation, rows, columns, audit, gate) for agency in computation.agencies)
    audits = len(computation.audits) if audit is not None else 0
    layouts = [computation.layout(one, slots, slots) for one in computation.term_plan.multiplications]
    layouts += [audit] * audits if audit is not None else []
    layouts += [gate] * len(computation.gate_exchanges) if gate is not None else []
    return WorkEstimate(
        people=dict(people),
        passes=len(passes.told),
        bands=passes.bands,
        masks=sum(one.masks for one in parties),
        similarity_masks=len(rows) * slots * passes.bands,
        products=len(planned.terms),
        ciphertexts=sum(one.sent_ciphertexts + one.returned_ciphertexts for one in layouts),
        cells=len(planned.cells),
        bytes=sum(one.sent for one in parties),
        parties=parties,
    )
