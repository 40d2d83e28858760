"""What this agency could not do in an attempt, told to the others until they have heard it.

A failure counts as told when the coordinator has acknowledged it. Until then the attempt is not gone on with here, and every look at the
job tells it again: else a report that was lost, or refused for the moment, would leave the job waiting for ever (S-49).
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field
from typing import Final

import structlog

from tallystick.core.clock import Clock
from tallystick.core.errors import CATALOGUE, Broken, TallyError
from tallystick.core.exhaustion import explain_exhaustion
from tallystick.core.metrics import Counts
from tallystick.core.net.status import origin
from tallystick.crypto.errors import LocalFault, PeerFault
from tallystick.crypto.statistic.audit import LINKS_ALTERED
from tallystick.node.courier import call_until_answered
from tallystick.node.ports import CoordinatorClient
from tallystick.node.store import Store
from tallystick.v1.types_pb2 import Failure

MAX_TEXT: Final = 1000
DEVIATIONS: Final = frozenset({"protocol-broken", LINKS_ALTERED, "cells-contradict", "attempts-differ"})
"""Codes of failures that another party's deviation explains: after one of them the job is over at this agency (S-41)."""
_LOG: Final = structlog.get_logger("node")


@dataclass
class Failures:
    """Failures of this process, by job and attempt."""

    agency: str
    store: Store
    coordinator: CoordinatorClient
    clock: Clock
    counts: Counts = field(default_factory=Counts)
    _known: dict[tuple[str, int], Failure] = field(default_factory=dict)
    _heard: set[tuple[str, int]] = field(default_factory=set)

    async def fail(self, job: str, attempt: int, error: BaseException, *, retry: bool = False) -> None:
        """Note that this agency cannot go on in an attempt, and tell it; nothing of the data is in what is told."""
        told = build_outward_error(error)
        kind, place = type(error).__name__, origin(error)
        _LOG.warning("cannot go on", job=job[:12], attempt=attempt, code=told.code, detail=told.detail, error=kind, where=place)
        self.counts.add("failures", told.code)
        with contextlib.suppress(TallyError):  # a full disk must not keep the others waiting
            now = self.clock.now()
            await self.store.run(lambda s: s.log("failed", now, job, attempt=attempt, code=told.code, detail=told.detail))
        self._known[job, attempt] = Failure(
            party=self.agency, code=told.code, message=told.message[:MAX_TEXT], hint=told.hint[:MAX_TEXT], retry=retry
        )
        await self.report(job, attempt)

    async def report(self, job: str, attempt: int) -> bool:
        """Say whether this agency failed in an attempt; if so, tell it unless that was acknowledged."""
        failure = self._known.get((job, attempt))
        if failure is None:
            return False
        if (job, attempt) not in self._heard:
            try:
                await call_until_answered(lambda: self.coordinator.report_failure(bytes.fromhex(job), attempt, failure))
                self._heard.add((job, attempt))
            except TallyError as error:  # no acknowledgement: the next look at the job tells it again
                _LOG.warning("failure not heard", job=job[:12], attempt=attempt, code=error.code)
        return True

    def unheard(self) -> set[str]:
        """Give the jobs with a failure in some attempt that was not acknowledged yet."""
        return {at[0] for at in self._known if at not in self._heard}

    def forget(self, job: str) -> None:
        """Let go of a job that ended."""
        self._known = {at: failure for at, failure in self._known.items() if at[0] != job}
        self._heard = {at for at in self._heard if at[0] != job}


def broke_the_protocol(error: BaseException) -> bool:
    """Say whether an error means that another party did what the protocol forbids, so that no other attempt may follow."""
    return build_outward_error(error).code in DEVIATIONS


def build_outward_error(error: BaseException) -> TallyError:
    """Give what others may know of why this agency cannot go on."""
    match error:
        case TallyError():
            return error
        case PeerFault() if error.rule == LINKS_ALTERED:
            return Broken(
                LINKS_ALTERED, str(error), hint="the parties look into it before anybody asks again", detail=error.rule
            )
        case PeerFault():
            return Broken("protocol-broken", str(error), detail=error.rule)
        case LocalFault() if error.rule in CATALOGUE:
            return Broken(error.rule, CATALOGUE[error.rule], detail=error.rule)
        case LocalFault():
            return Broken("internal", CATALOGUE["internal"], detail=error.rule)
        case OSError() | MemoryError():
            code, message, hint = explain_exhaustion(error, "the agency")
            return Broken(code, message, hint=hint)
        case _:
            return Broken("internal", CATALOGUE["internal"], hint="the log of the agency's node says where")
