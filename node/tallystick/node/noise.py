"""Noise for differential privacy at one agency: charged before anything of a job leaves, drawn once, added in full to the agency's own numbers.

Rules that this file enforces (docs/adr/0018-noise.md):

1. A job's loss is kept before anything of the job leaves, once, whatever attempt; then all that was kept under the agreement's version is
   added up. Of two jobs that begin side by side each sees the other. A job that is refused here is forgotten at once: nothing of it left.
2. What fails later stays charged.
3. Every attempt of a job has the same noise: it comes from the node's stored secret and the job's digest. So no two openings average it.
4. What is charged is kept as long as tables of results are (`housekeeping.py`). A new version of the agreement, signed by all, begins anew.

Security: the noise is as secret as the node's secret.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from tallystick.core.agreement.model import Agreement
from tallystick.core.contract import Contract
from tallystick.core.errors import Refused
from tallystick.core.failpoint import failpoint
from tallystick.crypto.codec import derive, digest
from tallystick.crypto.noise import draw_discrete_laplace
from tallystick.crypto.randomness import SeededRandomness
from tallystick.node.accounts import NoiseAccount
from tallystick.node.housekeeping import retention_end
from tallystick.node.ports import NodeStorage


@dataclass(frozen=True)
class Charge:
    """What a job costs.

    Attributes:
        job: its digest.
        version: of its agreement.
        epsilon: the loss.
    """

    job: str
    version: int
    epsilon: Fraction

    def encode(self) -> bytes:
        """Give it for storage."""
        return json.dumps({"job": self.job, "version": self.version, "epsilon": str(self.epsilon)}).encode()

    @classmethod
    def read(cls, data: bytes) -> Charge:
        """Give what `encode` gave."""
        value: dict[str, Any] = json.loads(data)
        return cls(value["job"], value["version"], Fraction(value["epsilon"]))


def add_noise(storage: NodeStorage, contract: Contract, own: Sequence[int]) -> tuple[int, ...]:
    """Give what this agency adds to each cell by itself, with its noise; as it is under an agreement without noise.

    Pre-condition: `charge_noise` has charged the job.
    """
    scales = contract.plan.noise
    if not scales:
        return tuple(own)
    stream = SeededRandomness(derive(storage.secret(), "noise", contract.digest))
    return tuple(value + draw_discrete_laplace(stream, scale) for value, scale in zip(own, scales, strict=True))


def charge_noise(storage: NodeStorage, contract: Contract) -> None:
    """Keep what a job costs, and hold it against what all jobs may (rule 1); nothing under an agreement without noise.

    Raises:
        Refused: `budget-spent`.
        Broken: `disk`.
    """
    agreement = contract.agreement
    noise = agreement.disclosure.noise
    if noise is None:
        return
    job = contract.digest.hex()
    kept_as = f"{job}#noise"
    storage.keep_table(
        kept_as,
        0,
        _name_family(agreement.agreement),
        Charge(job, agreement.version, noise.of_job).encode(),
        numbers=digest("kept noise", contract.digest),
        agreement=agreement.agreement,
        until=retention_end(agreement),
    )
    failpoint("node-noise-charged")
    left = max(noise.of_all - sum_charges(storage, agreement, but=kept_as), Fraction(0))
    if noise.of_job > left:
        storage.forget_table(kept_as)
        raise Refused(
            "budget-spent",
            f"the job costs epsilon {float(noise.of_job):g}; of {float(noise.of_all):g} that the agreement allows {float(left):g} are left",
            hint="let the parties sign a new version of the agreement",
        )


def sum_charges(storage: NodeStorage, agreement: Agreement, *, but: str = "") -> Fraction:
    """Add up what jobs under an agreement's version cost at this agency."""
    kept = (Charge.read(one) for one in storage.tables(_name_family(agreement.agreement), but=but) if one is not None)
    return sum((one.epsilon for one in kept if one.version == agreement.version), Fraction(0))


def list_accounts(storage: NodeStorage, agreements: Iterable[Agreement]) -> list[NoiseAccount]:
    """Give what jobs cost under each agreement that asks for noise, by their names."""
    accounts = []
    for agreement in sorted(agreements, key=lambda one: one.agreement):
        if (noise := agreement.disclosure.noise) is not None:
            spent = sum_charges(storage, agreement)
            accounts.append(NoiseAccount(agreement.agreement, agreement.version, noise.of_job, spent, noise.of_all))
    return accounts


def _name_family(agreement: str) -> str:
    return digest("noise charges", agreement.encode()).hex()
