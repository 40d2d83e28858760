"""S-45: what an agency that deviates learns from the decoy audit, where it need not care that the job goes on.

It puts weights where it likes in its own column, waits for the other's share, adds its own, and so has the difference; then it sends the
negative of the other's share in place of its own, and the other sees 0.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from tallystick.crypto import paillier
from tallystick.crypto.machine import Ref
from tallystick.crypto.modulus import PRIMES
from tallystick.crypto.statistic import agency
from tallystick.crypto.statistic import audit as audits
from tallystick.crypto.statistic import messages as kinds
from tests.attacks.test_s45_audit_round import ATTEMPT, NAMES, PEOPLE, job
from tests.protocol.bus import Bus
from tests.protocol.cases import JOB, paillier_key

Int64s = npt.NDArray[np.int64]
Column = Callable[[Int64s, Int64s, Int64s, int], Int64s]
"""Makes a column of the audit from persons, decoys and slots of the own rows, and the length of the column."""
ENCRYPTOR, MULTIPLIER = NAMES
MATCHED = tuple(range(1, PEOPLE, 2))
ALONE = tuple(range(0, PEOPLE, 2))


@pytest.fixture(autouse=True)
def _one_paillier_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paillier, "generate", paillier_key)


def difference(bus: Bus, monkeypatch: pytest.MonkeyPatch, column: Column, *, encrypts: bool) -> int:
    """Run a job in which one agency brings this column, and hides from the other what comes of it; give the difference that it learns."""
    made = audits.audit_of
    seen: dict[str, int] = {}

    def deviating(persons: Any, decoys: Any, slots: Any, *rest: Any, **keywords: Any) -> audits.Audit:
        own = made(persons, decoys, slots, *rest, **keywords)
        if keywords["encrypts"] != encrypts:
            return own
        return dataclasses.replace(own, column=column(persons, decoys, slots, own.layout.slots)[None])

    monkeypatch.setattr(agency, "audit_of", deviating)
    monkeypatch.setattr(
        agency, "refuse_altered", lambda mine, theirs: None
    )  # what the deviating agency sends, or sees, is 0 in the end

    def keep(ref: Ref, chunks: list[bytes]) -> list[bytes]:
        if ref.kind == kinds.AUDIT:
            seen[ref.sender] = kinds.read_audit(b"".join(chunks), job=JOB, attempt=ATTEMPT, sender=ref.sender)
        return chunks

    bus.tamper = keep
    bus.run()
    assert seen.keys() == set(NAMES)
    return sum(seen.values()) % PRIMES[0]


def on_people(*people: int) -> Column:
    """Weigh some of one's own people, and nothing else."""

    def column(persons: Int64s, decoys: Int64s, slots: Int64s, length: int) -> Int64s:
        made = np.zeros(length, dtype=np.int64)
        made[slots[np.isin(persons, people)]] = 1
        return made

    return column


@pytest.mark.parametrize("encrypts", [True, False])
@pytest.mark.parametrize("people", [MATCHED[:1], ALONE[:1], MATCHED, ALONE], ids=str)
def test_s45_weights_on_ones_own_people_do_not_say_who_matched(
    monkeypatch: pytest.MonkeyPatch, people: tuple[int, ...], *, encrypts: bool
) -> None:
    """At either side: columns of the audit do not depend on people, so what an agency gives its own people's slots meets nothing."""
    assert difference(job(), monkeypatch, on_people(*people), encrypts=encrypts) == 0


def on_decoys(persons: Int64s, decoys: Int64s, slots: Int64s, length: int) -> Int64s:
    """Weigh the decoys that this agency included, and nothing else."""
    made = np.zeros(length, dtype=np.int64)
    made[slots[decoys > -1]] = 1
    return made


@pytest.mark.parametrize("encrypts", [True, False])
def test_s45_limit_weights_on_decoys_say_whether_the_other_included_one_of_them(
    monkeypatch: pytest.MonkeyPatch, *, encrypts: bool
) -> None:
    """The stated limit, and the control of the test above: what is hidden from the other there would be seen here."""
    assert difference(job(), monkeypatch, on_decoys, encrypts=encrypts) != 0
