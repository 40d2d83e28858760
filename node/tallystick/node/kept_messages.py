"""Messages that were stored to be sent, a share or a result: they leave as they were made, even after a restart, and once is enough."""

from __future__ import annotations

import asyncio

from tallystick.core.agreement.check import COORDINATOR
from tallystick.core.contract import Contract
from tallystick.core.failpoint import failpoint
from tallystick.core.net.chunks import MessageName, seal_envelopes
from tallystick.core.net.spoolfile import write_spool
from tallystick.crypto.machine import Ref
from tallystick.crypto.statistic import messages as kinds
from tallystick.node.courier import call_until_answered, path_of_kept, stream_file
from tallystick.node.surroundings import Surroundings


class KeptMessages:
    """What this process knows to have been sent of what it stored."""

    def __init__(self, around: Surroundings) -> None:
        """Take whose messages they are, and who carries them."""
        self._around = around
        self._sent: set[tuple[str, int, str]] = set()

    def note(self, job: str, attempt: int, kind: str) -> None:
        """Note that a message was sent."""
        self._sent.add((job, attempt, kind))

    async def send(self, contract: Contract, attempt: int, kind: str, data: bytes) -> None:
        """Send what was stored to be sent, from the file of its envelopes where that is still there; once is enough."""
        digest = contract.document.digest
        if (digest, attempt, kind) in self._sent:
            return
        path = path_of_kept(self._around.state, digest, attempt, kind)
        ref = Ref(kind, self._around.agency, COORDINATOR)
        name = MessageName(bytes.fromhex(digest), attempt, ref)
        if not await asyncio.to_thread(path.exists):
            envelopes = seal_envelopes(
                name,
                kinds.pieces(data),
                receiver_public=bytes.fromhex(contract.agreement.coordinator.sealing_key),
                sender_private=self._around.identity.private,
            )
            await asyncio.to_thread(write_spool, path, envelopes)
        await call_until_answered(lambda: self._around.coordinator.put(name, stream_file(path)))
        failpoint(f"node-kept-{kind}-sent")
        self._sent.add((digest, attempt, kind))
        await asyncio.to_thread(path.unlink, missing_ok=True)

    def forget(self, job: str) -> None:
        """Let go of a job that ended."""
        self._sent = {one for one in self._sent if one[0] != job}
