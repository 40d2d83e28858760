"""What keeps this agency from going on with a job for now, told to the others until it is over: they see it under "waiting for".

A failure ends an attempt (`failures.py`); a trouble ends nothing. It is told as news alone, and anew when the coordinator is back: it may
have forgotten.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field
from typing import Final

from tallystick.core.errors import TallyError
from tallystick.core.job.lifecycle import JobState
from tallystick.node.courier import call_until_answered
from tallystick.node.failures import MAX_TEXT
from tallystick.node.ports import CoordinatorClient
from tallystick.v1.types_pb2 import Failure

REACHING: Final = "unavailable"
"""What cannot be told to the coordinator, as it is not reached."""
_AGAIN: Final = "again"
"""In place of the code of a trouble that must be told anew."""


@dataclass
class Troubles:
    """Troubles of this process, by job."""

    agency: str
    coordinator: CoordinatorClient
    _told: dict[str, str] = field(default_factory=dict)

    async def tell(self, job: bytes, error: TallyError | None) -> None:
        """Tell what keeps this agency, or that nothing does any more."""
        digest, code = job.hex(), "" if error is None else error.code
        if code in (self._told.get(digest, ""), REACHING):
            return
        said = Failure(party=self.agency)
        if error is not None:
            said = Failure(party=self.agency, code=code, message=error.message[:MAX_TEXT], hint=error.hint[:MAX_TEXT])
        with contextlib.suppress(TallyError):
            await self.coordinator.report_trouble(job, said)
            if code:
                self._told[digest] = code
            else:
                self._told.pop(digest, None)

    async def confirm_end(self, job: str, state: JobState) -> None:
        """Tell that this agency knows how a job ended; for as long as this process lives, until it is heard."""
        with contextlib.suppress(TallyError):
            await call_until_answered(lambda: self.coordinator.report_ended(bytes.fromhex(job), state))

    def tell_again(self) -> None:
        """Tell everything anew from now on."""
        self._told = dict.fromkeys(self._told, _AGAIN)

    def forget(self, job: str) -> None:
        """Let go of a job that ended."""
        self._told.pop(job, None)
