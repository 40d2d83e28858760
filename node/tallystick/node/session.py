"""One attempt of one job at one agency: drives the agency's machine and, at the desk, the desk's.

Rules that this file enforces:

1. A session begins only for a contract whose approvals the node has verified itself (`Approvals.ready`).
2. Its sealing key is made here, is never written down, and goes with the session (S-04).
3. No round's message leaves before the hello of every participant is here and verified.
4. A message is given to a machine only when a machine awaits it and the coordinator holds it whole, and opened under the header that
   is awaited (S-32). It is read as it arrives; the machine's next state counts once it was read to its last envelope and all answers
   were made. An answer that is made while a message is still being checked stays in a sealed file until the message was found good.
5. A share is stored before it is sent, and what is sent is what was stored first (S-18). It is made when all else of this agency has
   been delivered: a node that restarts with a share sends that and nothing more, so nobody may still wait for other things.
6. The desk gives its word in the hello that nothing of the attempts before was opened, or begins no attempt. It notes that it opens
   shares before it does, when all of them are here, and keeps what they say in the same step (S-18, S-41).
7. In a job with a gate what opens is the same in every attempt in which this node made a share, or nothing more of the job leaves it. It
   is noted before a share leaves, and tables of the same people are held against it (`ledger.py`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from tallystick.core.agreement.check import COORDINATOR, find_pinned_key
from tallystick.core.documents import decode_document
from tallystick.core.failpoint import failpoint
from tallystick.core.job.hello import Hello, earlier_attempts, new_hello, verify_hello
from tallystick.core.job.lifecycle import Phase
from tallystick.core.net.chunks import MessageName
from tallystick.crypto.envelope import SealingKey
from tallystick.crypto.machine import Message, Outbound, Ref, Step, Table, advance
from tallystick.crypto.statistic import desk as desk_machine
from tallystick.crypto.statistic import messages as kinds
from tallystick.crypto.statistic.gate import Fate
from tallystick.crypto.statistic.shares import read_shares
from tallystick.crypto.statistic.states import AgencySetup
from tallystick.node.assignment import Assignment
from tallystick.node.courier import Courier, Dropped, call_until_answered, path_of_kept
from tallystick.node.desk import DeskAttempt
from tallystick.node.ledger import keep_pattern
from tallystick.node.loghead import keep_log_word, tell_log
from tallystick.node.offers import OfferedMessages
from tallystick.node.ports import KeptJob
from tallystick.node.storage.rules import attempt_opened, check_pattern
from tallystick.node.surroundings import Surroundings
from tallystick.node.telling import Telling
from tallystick.node.uploads import Uploads
from tallystick.node.views import SessionStatus
from tallystick.v1.types_pb2 import JobView


class AttemptSession:
    """See the module's rules. `run` gives the record with the desk's candidate, or None where this agency is not the desk."""

    def __init__(self, around: Surroundings, assignment: Assignment, view: JobView, opening: DeskAttempt) -> None:
        self._around = around
        self._assignment = assignment
        self._view = view
        self._held: tuple[JobView | None, set[Ref]] = (None, set())
        self._opening = opening
        self._candidate: KeptJob | None = None
        self._news = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self.attempt: Final = view.attempt
        self._key = SealingKey.generate()
        self._states: dict[str, Any] = {}
        self._local: dict[Ref, tuple[bytes, ...]] = {}
        self.offered: Final = OfferedMessages()
        self._uploads = Uploads(lambda: self._courier)
        self._thread = ThreadPoolExecutor(1, "session")  # of its own: a step waits for what other threads do
        self._courier: Courier | None = None
        job = assignment.contract.digest
        self._workers = around.workers.for_attempt(job, view.attempt)
        self._telling = Telling(around, job, view.attempt, lambda: self._courier is not None and self._courier.starving)

    def see(self, view: JobView) -> None:
        """Take a newer view of the job."""
        if view.attempt == self.attempt and view.version >= self._view.version:
            self._view = view
            self._news.set()

    async def run(self) -> KeptJob | None:
        """Run the attempt to its end.

        Raises:
            TallyError, PeerFault, LocalFault: why this agency cannot go on.
        """
        helpers = [asyncio.create_task(self._uploads.attend()), asyncio.create_task(self._telling.attend())]
        work = asyncio.create_task(self._work())
        try:
            await asyncio.wait({work, helpers[0]}, return_when=asyncio.FIRST_COMPLETED)
            if helpers[0].done():
                helpers[0].result()
            return await work
        finally:
            for task in (work, *helpers):
                task.cancel()
            await asyncio.gather(work, *helpers, return_exceptions=True)
            self._drop()
            await asyncio.to_thread(self._workers.forget)

    async def _work(self) -> KeptJob | None:
        assignment, around = self._assignment, self._around
        job = assignment.contract.digest.hex()
        now = around.clock.now()
        await around.store.run(lambda storage: storage.log("attempt", now, job, attempt=self.attempt))
        setup = None
        if around.agency in assignment.contract.agencies:
            setup = await self._telling.work(asyncio.to_thread(self._agency_setup))
        self._telling.count("derive", 1, 1)
        failpoint("node-before-hello")
        word = await self._word()
        log = await around.store.run(lambda storage: tell_log(storage, assignment.contract.participants, around.agency))
        hello = new_hello(
            job, self.attempt, around.agency, self._key.public, around.identity, nothing_opened=word, log=log
        ).encode()
        self.see(await call_until_answered(lambda: around.coordinator.deposit(assignment.contract.digest, hello)))
        failpoint("node-after-hello")
        self._courier = self._make_courier(await self._hellos())
        if setup is not None:
            await self._begin("agency", setup)
        del setup  # its tokens go when the own list is sent
        opens = around.agency == assignment.contract.desk
        while True:
            if opens and not self._tagging():
                # its key takes long to find, and is asked for last: it is made when lists wait for others
                await self._begin("handing" if assignment.contract.direct else "desk", self._opening.setup(around.randomness))
                opens = False
            if not any(state.awaits for state in self._states.values()):
                break
            role, ref = await self._next()
            await self._take(role, ref)
        await self._uploads.join()
        return self._candidate

    async def _word(self) -> tuple[int, ...] | None:
        """Give what the desk says in its hello of earlier attempts: that nothing was opened; None from others (rule 6).

        It binds: the store refuses to begin an opening of an attempt before the one that this node is in.

        Raises:
            Refused: `attempt-opened`: it cannot be said; `table-overlaps`, `answers-forgotten`: it must not be opened.
        """
        if self._around.agency != self._assignment.contract.agreement.release.desk:
            return None
        job = self._assignment.contract.digest.hex()
        if await self._around.store.run(lambda storage: storage.opening(job)) is not None:
            raise attempt_opened()
        await asyncio.to_thread(self._opening.check)
        return earlier_attempts(self.attempt)

    def _tagging(self) -> bool:
        """Tell whether this agency's lists are still to be made, or others' to be masked."""
        return getattr(self._states.get("agency"), "phase", "") == Phase.TAG

    async def _hellos(self) -> dict[str, bytes]:
        """Wait for the hello of every participant; give their sealing keys (rule 3)."""
        contract = self._assignment.contract
        keys: dict[str, bytes] = {}
        while len(keys) < len(contract.participants):
            self._news.clear()
            for document in (decode_document(data, kind="hello") for data in self._view.hellos):
                name = document.read(Hello).agency
                if name in contract.participants and name not in keys:
                    hello = verify_hello(
                        document,
                        job=contract.digest.hex(),
                        attempt=self.attempt,
                        agency=name,
                        agreement=contract.agreement,
                    )
                    keys[name] = bytes.fromhex(hello.sealing_key)
                    if name != self._around.agency:
                        keep = partial(keep_log_word, hello=hello, document=document, now=self._around.clock.now())
                        await self._around.store.run(keep)
            if len(keys) < len(contract.participants):
                await self._news.wait()
        return keys

    def _make_courier(self, hellos: Mapping[str, bytes]) -> Courier:
        contract, around, agreement = self._assignment.contract, self._around, self._assignment.contract.agreement
        folder = around.state / "spool" / f"{contract.digest.hex()}-{self.attempt}"
        folder.parent.mkdir(mode=0o700, exist_ok=True)
        folder.mkdir(mode=0o700)
        return Courier(
            coordinator=around.coordinator,
            job=contract.digest,
            attempt=self.attempt,
            sealing_keys={**hellos, COORDINATOR: bytes.fromhex(agreement.coordinator.sealing_key)},
            identity_keys={
                name: bytes.fromhex(find_pinned_key(agreement, name)) for name in (*contract.participants, COORDINATOR)
            },
            key=self._key,
            private=around.identity.private,
            folder=folder,
        )

    def _agency_setup(self) -> AgencySetup:
        """Read this agency's records for its machine. Runs in a thread."""
        contract, around = self._assignment.contract, self._around
        prepared = around.prepare(self._assignment)
        return AgencySetup(
            me=around.agency,
            agencies=contract.agencies,
            desk=contract.desk,
            job=contract.digest,
            attempt=self.attempt,
            passes=prepared.passes,
            ladder=contract.passes.ladder,
            bands_of=prepared.bands_of,
            people=prepared.people,
            decoys=contract.agreement.decoys,
            most_rows=contract.most_rows,
            coin_key=around.store.blocking.secret(),
            columns=prepared.over_slots,
            own=prepared.own,
            computation=contract.computation,
            sign=around.identity.sign,
            randomness=around.randomness,
            workers=self._workers,
            tell=self._telling.count,
            knows=prepared.knows,
            fills=bool(contract.plan.noise),
            recipient=contract.recipient,
        )

    async def _begin(self, role: str, setup: Any) -> None:
        await self._run_step(role, lambda: self._around.machines[role][0](setup))

    async def _next(self) -> tuple[str, Ref]:
        """Wait until there is a message that a machine awaits (rule 4)."""
        while True:
            self._news.clear()
            held = self._list_held()
            for role, state in self._states.items():
                for ref in state.awaits:
                    if ref in self._local or ref in held:
                        return role, ref
            await self._news.wait()

    def _list_held(self) -> set[Ref]:
        """List the messages for us that the coordinator holds whole; a view's are read once."""
        if self._held[0] is not self._view:
            names = [MessageName.read(state.ref) for state in self._view.inbox if state.complete]
            mine = (self._assignment.contract.digest, self.attempt)
            self._held = (self._view, {name.ref for name in names if (name.job, name.attempt) == mine})
        return self._held[1]

    async def _take(self, role: str, ref: Ref) -> None:
        """Give a machine a message, and let its answers be sent."""
        courier = self._courier
        assert courier is not None
        if ref.kind == kinds.RECIPIENT:  # the answer is the share (rule 5)
            await self._uploads.join()
        state, (_, table) = self._states[role], self._around.machines[role]
        step = self._open if ref.kind in {kinds.SEALED, kinds.SHARES} else advance  # these come to a desk alone
        if ref in self._local:
            message = Message(ref, iter(self._local.pop(ref)))
            await self._run_step(role, lambda: step(table, state, message))
        else:
            passage = courier.incoming(ref)
            download = asyncio.create_task(courier.fetch(ref, passage, self.offered.take(courier.name(ref))))
            try:
                await self._run_step(role, lambda: step(table, state, courier.open_message(ref, passage)))
            finally:
                download.cancel()
                await asyncio.gather(download, return_exceptions=True)
            passage.close()
        failpoint(f"node-{ref.kind}-taken")

    def _open(self, table: Table, state: Any, message: Message) -> Step[Any]:
        """Open the shares, or hand them on, once that is noted, and keep what they say (rule 6). Runs in a thread."""
        whole = Message(message.ref, (message.read(desk_machine.most_sealed(state.setup)),))
        if len(state.awaits) > 1:
            return advance(table, state, whole)  # of a direct job: the last agency's shares are still to come
        self._opening.begin()
        failpoint("node-opening-noted")
        made = advance(table, state, whole)
        self._candidate = self._opening.keep(made.state)
        failpoint("node-candidate-stored")
        return made

    async def _run_step(self, role: str, step: Callable[[], Step[Any]]) -> None:
        await self._telling.work(self._loop.run_in_executor(self._thread, self._step, role, step))

    def _step(self, role: str, step: Callable[[], Step[Any]]) -> None:
        """Take one step and seal what it sends. Runs in a thread: answers are made as they are read."""
        made = step()
        for outbound in made.outbound:
            self._send(outbound)
        if self._courier is not None:  # else the session was dropped meanwhile: keep nothing
            self._states[role] = made.state

    def _send(self, outbound: Outbound) -> None:
        ref, courier, around = outbound.ref, self._courier, self._around
        if courier is None:
            raise Dropped
        if ref.receiver == around.agency and ref.kind != kinds.SHARES:
            self._local[ref] = tuple(outbound.chunks)
        elif ref.kind != kinds.SHARES:
            passage = courier.outgoing(ref)
            if not outbound.withheld:
                self._uploads.add(ref, passage)
            courier.fill(ref, passage, outbound.chunks)
            if outbound.withheld:  # until here it lay in its file, sealed: if reading it raised, nobody has seen any of it
                self._uploads.add(ref, passage)
        else:
            job = self._assignment.contract.digest.hex()
            storage = around.store.blocking
            document = b"".join(outbound.chunks)
            check_pattern(storage, job, self.attempt, document, agency=around.agency)
            if self._assignment.contract.gated and self._assignment.contract.job.question.since is None:
                signed = read_shares(document, sender=around.agency)[0]
                keep_pattern(storage, self._assignment.contract, self.attempt, [Fate(one) for one in signed.pattern])
            storage.log("share", around.clock.now(), job, attempt=self.attempt)
            share = storage.keep_share(job, self.attempt, document)
            failpoint("node-share-stored")
            if ref.receiver == around.agency:  # the desk of a direct job
                self._local[ref] = tuple(kinds.pieces(share))
                return
            path = path_of_kept(around.state, job, self.attempt, ref.kind)
            courier.spool(ref, kinds.pieces(share), path)
            self._uploads.add(ref, path)

    def status(self) -> SessionStatus:
        """Say how far this attempt is."""
        return self._telling.status(*((0, 0) if self._courier is None else self._courier.moved))

    def _drop(self) -> None:
        """Let go of every key and every file of the attempt (rule 2)."""
        if self._courier is not None:
            self._courier.drop()
        self._courier = None
        self._thread.shutdown(wait=False, cancel_futures=True)
        self._states.clear()
        self._local.clear()
        self.offered.clear()
        del self._key


@dataclass
class Running:
    """A session and the task that runs it."""

    session: AttemptSession
    task: asyncio.Task[None]
