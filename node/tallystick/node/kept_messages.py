"""Messages that were stored to be sent, a share or a result: they leave as they were made, even after a restart, and once is enough."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from tallystick.core.agreement.check import COORDINATOR
from tallystick.core.contract import Contract
from tallystick.core.documents import decode_document
from tallystick.core.errors import NotReady
from tallystick.core.failpoint import failpoint
from tallystick.core.job.hello import Hello, verify_hello
from tallystick.core.net.chunks import MessageName, seal_envelopes
from tallystick.core.net.spoolfile import write_spool
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

    async def send(self, contract: Contract, attempt: int, kind: str, data: bytes, hellos: Sequence[bytes] = ()) -> None:
        """Send what was stored to be sent, from the file of its envelopes where that is still there; once is enough.

        Args:
            contract: the job's.
            attempt: in which it was made.
            kind: of the message.
            data: what was stored.
            hellos: of the attempt, for what goes to a desk; of a direct job, whose desk is this agency, nothing is sent.

        Raises:
            TallyError: an answer that is no; a hello that does not count.
        """
        digest = contract.document.digest
        if (digest, attempt, kind) in self._sent:
            return
        path = path_of_kept(self._around.state, digest, attempt, kind)
        [ref] = contract.schedule.outbox(self._around.agency, kind)
        if ref.receiver == self._around.agency:
            return
        name = MessageName(bytes.fromhex(digest), attempt, ref)
        if not await asyncio.to_thread(path.exists):
            envelopes = seal_envelopes(
                name,
                kinds.pieces(data),
                receiver_public=find_sealing_key(contract, attempt, ref.receiver, hellos),
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


def find_sealing_key(contract: Contract, attempt: int, party: str, hellos: Sequence[bytes]) -> bytes:
    """Give what a message of an attempt is sealed to: the coordinator's pinned key, or that of an agency's hello.

    Raises:
        Refused: a hello of the party that does not count. NotReady: `party-restarted`: there is none.
    """
    if party == COORDINATOR:
        return bytes.fromhex(contract.agreement.coordinator.sealing_key)
    for document in (decode_document(data, kind="hello") for data in hellos):
        if document.read(Hello).agency == party:
            said = verify_hello(
                document, job=contract.document.digest, attempt=attempt, agency=party, agreement=contract.agreement
            )
            return bytes.fromhex(said.sealing_key)
    raise NotReady("party-restarted", f"{party} has no key in this attempt")
