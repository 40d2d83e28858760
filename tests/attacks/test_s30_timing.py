"""Ten thousand negative answers of every reason, seen by who relays them: equal sizes, and times that tell no reason apart (S-30)."""

from __future__ import annotations

import asyncio
import random
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import pytest
from scipy.stats import ks_2samp

from tallystick.core.consent.doors import read_door
from tallystick.core.consent.letters import LETTER_BYTES, REQUEST, seal_letter
from tallystick.core.consent.model import Consent
from tallystick.core.consent.revoking import name_revocation
from tallystick.node.requests.deciding import DecidedRequest
from tests.integration.nodes import in_loop
from tests.requesting import ROSA, MemoryOffice, Requesting, lasting_terms, requesting

N: Final = 10_000
A_TICK: Final = 200
CASES: Final[dict[str, dict[str, Any]]] = {
    "no record": {"person": {"ssn": "999121234", "first_name": "No", "last_name": "Body", "birth_date": "1999-09-09"}},
    "two records": {"person": {"ssn": "412109911", "first_name": "Eva", "last_name": "Ruiz", "birth_date": "1990-12-24"}},
    "protected": {"person": {"ssn": "512104455", "first_name": "Max", "last_name": "Stone", "birth_date": "1965-05-05"}},
    "not signed": {"by": ("ivy",)},
    "expired": {"valid_until": "2026-01-02T00:00:00Z", "valid_from": "2026-01-01T00:00:00Z"},
    "fields": {"fields": ["phone"]},
    "another agency": {"recipients": [{"agency": "human-services", "roles": ["benefits-worker"]}]},
    "a role that has no right": {"recipients": [{"agency": "labor", "roles": ["outreach"]}]},
    "revoked": {"purposes": ["benefits", "outreach"]},
    "given": {},
}


@dataclass
class TimedOffice(MemoryOffice):
    """Notes when each letter of the owner left, in the order in which they go over the wire.

    Attributes:
        left: times and letters.
    """

    left: list[tuple[float, bytes]] = field(default_factory=list)

    async def post(self, letters: Sequence[tuple[str, bytes]]) -> None:
        """Post letters."""
        await super().post(letters)
        now = time.perf_counter()
        self.left += [(now + 1e-4 * place, sealed) for place, (_, sealed) in enumerate(letters)]


@pytest.mark.slow
@in_loop
async def test_s30_ten_thousand_negatives_are_one(tmp_path: Path) -> None:
    terms = lasting_terms(rates={"worker_per_hour": 10_000, "agency_per_hour": 100_000})
    async with requesting(tmp_path, terms) as world:
        office = TimedOffice(world.office, "housing", world.seen)
        desk, whose = world.nodes["housing"].answering, dict[bytes, str]()
        desk.office = office
        seal = desk._seal  # which letter is whose, for who measures; the letters do not say

        def seal_and_note(decided: DecidedRequest, *, given: bool) -> tuple[str, bytes]:
            box, sealed = seal(decided, given=given)
            whose[sealed] = decided.pending.digest
            return box, sealed

        desk._seal = seal_and_note  # type: ignore[method-assign]
        drawn = random.Random(7)
        reasons = [drawn.choice([*CASES]) for _ in range(N)]
        asked: dict[str, tuple[str, float]] = {}
        latencies: defaultdict[str, list[float]] = defaultdict(list)
        for start in range(0, N, A_TICK):
            letters = [await asyncio.to_thread(_make, world, reason) for reason in reasons[start : start + A_TICK]]
            for (digest, sealed), reason in zip(letters, reasons[start : start + A_TICK], strict=True):
                world.office.post([("agency/housing", sealed)])
                asked[digest] = reason, time.perf_counter()
                await asyncio.sleep(0.004 * drawn.random())
            async with asyncio.timeout(60):
                while len(office.left) < A_TICK:  # noqa: ASYNC110  # it is looked at, not told
                    await asyncio.sleep(0.02)
            for at, sealed in office.left:
                reason, began = asked[whose.pop(sealed)]
                latencies[reason].append(at - began)
                assert len(sealed) == LETTER_BYTES
            office.left.clear()
            world.office.take("worker/ann", [name for name, _ in world.office.read("worker/ann", 10_000)])
    assert sum(map(len, latencies.values())) == N
    everything = [one for some in latencies.values() for one in some]
    for reason, some in latencies.items():
        others = [one for name, more in latencies.items() if name != reason for one in more]
        p = ks_2samp(some, others).pvalue
        print(f"{reason}: {len(some)} of {len(everything)}, p = {p:.3f}")
        assert p > 0.001, reason


def _make(world: Requesting, reason: str) -> tuple[str, bytes]:
    """Give a request's digest, and its letter to the owner."""
    paper = world.paper(**({"person": ROSA} | CASES[reason]))
    if reason == "revoked":
        name = name_revocation(paper.read(Consent).revoking)
        world.stores["housing"].blocking.keep_revocation(name, b"", datetime.now(UTC))
    request = world.request(paper, ("ann", "labor"))
    door = read_door(world.office.find_door("housing"), "housing", world.terms, datetime.now(UTC))
    return request.digest, seal_letter(door, (REQUEST, request.encode(), paper.encode()))
