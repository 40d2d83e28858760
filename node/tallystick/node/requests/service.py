"""Requests for one client's fields at a node: the door is announced, letters are collected, and each goes to the part it is for."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import structlog

from tallystick.core.agreement.model import Agreement
from tallystick.core.clock import Clock
from tallystick.core.consent.asking import RecordRequest
from tallystick.core.consent.letters import ASK, RECEIPT, REQUEST, REVOCATION, seal_letter
from tallystick.core.consent.revoking import Revocation, check_revocation
from tallystick.core.documents import decode_document, sign_document
from tallystick.core.errors import Broken, TallyError
from tallystick.core.keyfile import IdentityKey
from tallystick.node.agreements import NodeAgreements
from tallystick.node.config import NodeConfig
from tallystick.node.courier import add_jitter
from tallystick.node.housekeeping import forget_requests
from tallystick.node.policy.model import Decision, Policy, read_policy
from tallystick.node.policy.requests import judge_request
from tallystick.node.requests.answering import Answering
from tallystick.node.requests.doors import Doors
from tallystick.node.requests.office import GrpcLetterOffice, HasChannel, LetterOffice
from tallystick.node.requests.passing import Passing
from tallystick.node.requests.people import HeldPeople
from tallystick.node.store import Store

IDLE_SECONDS: Final = 5.0
"""How often an agency looks whether an agreement of its allows requests."""
ANNOUNCE_SECONDS: Final = 20.0
AGAIN_SECONDS: Final = 3.0
FORGET_SECONDS: Final = 86_400.0
AGREEMENT_SECONDS: Final = 5.0
"""How long an agreement that was found to be in force is believed to be."""
_LOG: Final = structlog.get_logger("requests")


def open_requests(
    config: NodeConfig,
    identity: IdentityKey,
    store: Store,
    agreements: NodeAgreements,
    coordinator: HasChannel,
    clock: Clock,
) -> RequestService:
    """Put a node's part in requests together, over the channel that it has to the coordinator at the moment."""
    return RequestService(config, identity, store, agreements, GrpcLetterOffice(coordinator), clock)


@dataclass
class RequestService:
    """A node's part in requests; without an agreement that allows them it does nothing.

    Attributes:
        config, identity, store, agreements, office, clock: the node's.
    """

    config: NodeConfig
    identity: IdentityKey
    store: Store
    agreements: NodeAgreements
    office: LetterOffice
    clock: Clock
    answering: Answering = field(init=False)
    passing: Passing = field(init=False)
    _people: HeldPeople = field(init=False)
    _doors: Doors = field(init=False)
    _found: dict[str, tuple[Agreement, float]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Put the parts together."""
        mine = self.config.agency
        self._doors = Doors(mine, self.identity)
        self._people = HeldPeople(self.config)
        self.passing = Passing(mine, self.identity, self.store, self.agreements, self.office, self.clock, self.find)
        self.answering = Answering(
            mine, self.identity, self.store, self.office, self.clock, self._people, self.find, self._judge
        )

    async def find(self, name: str, digest: str) -> Agreement:
        """Give an agreement in force, by its name and digest.

        Raises:
            Refused: `agreement-unknown`, `agreement-expired`, …
        """
        if digest in self._found and time.monotonic() - self._found[digest][1] <= AGREEMENT_SECONDS:
            return self._found[digest][0]
        found, _ = await asyncio.to_thread(self.agreements.find, name, digest)
        self._found = {digest: (found, time.monotonic())}
        return found

    async def attend(self) -> None:
        """Do this node's part, for ever."""
        await self._settle()
        await asyncio.gather(self._forget(), self._attend_letters())

    async def _forget(self) -> None:
        """Forget old requests once a day, as the policy of the moment says, whether an agreement still allows any or not."""
        while True:
            try:
                await asyncio.to_thread(forget_requests, self.store.blocking, self._read_policy(), self.clock.now())
            except TallyError as error:
                _LOG.warning("requests not forgotten", code=error.code)
            await asyncio.sleep(FORGET_SECONDS)

    async def _attend_letters(self) -> None:
        try:
            for agreement in await self._await_terms():
                try:
                    await asyncio.to_thread(self._people.prepare, agreement)
                except TallyError as error:  # requests find it out again
                    _LOG.warning("records not read", code=error.code)
            await asyncio.gather(self._announce(), self._collect(), self.answering.attend())
        finally:
            await self.answering.close()
            await asyncio.to_thread(self._people.close)

    async def _settle(self) -> None:
        """Note what an ended process left; a disk that fails is asked again."""
        while True:
            try:
                await self.store.run(lambda storage: storage.settle_requests(self.clock.now()))
            except TallyError as error:
                _LOG.warning("requests not settled", code=error.code)
                await asyncio.sleep(AGAIN_SECONDS)
            else:
                return

    async def _await_terms(self) -> Sequence[Agreement]:
        """Give the agreements that allow requests, once there is one."""
        while True:
            terms = await asyncio.to_thread(self._list_terms)
            if terms:
                return terms
            await asyncio.sleep(IDLE_SECONDS)

    def _list_terms(self) -> Sequence[Agreement]:
        self.agreements.all()
        self.agreements.look()
        held = [document.read(Agreement) for document in self.agreements.all().values()]
        return [one for one in held if one.records is not None]

    async def _announce(self) -> None:
        while True:
            wait = ANNOUNCE_SECONDS
            try:
                await self.office.announce(self._doors.announce(self.clock.now()))
            except TallyError as error:
                _LOG.debug("not announced", code=error.code)
                wait = AGAIN_SECONDS
            await asyncio.sleep(add_jitter(wait))

    async def _collect(self) -> None:
        taken: Sequence[bytes] = ()
        while True:
            try:
                letters = await self.office.collect(taken)
            except TallyError as error:
                _LOG.debug("not collected", code=error.code)
                await asyncio.sleep(add_jitter(AGAIN_SECONDS))
                continue
            taken = [name for name, _ in letters]
            for _, sealed in letters:
                try:
                    await self._receive(sealed)
                except TallyError as error:  # whoever wrote it is not told
                    _LOG.info("letter dropped", code=error.code)
                except Exception as error:  # noqa: BLE001  # a letter must not end the node
                    _LOG.warning("letter dropped", error=type(error).__name__)

    async def _receive(self, sealed: bytes) -> None:
        parts = await asyncio.to_thread(self._doors.open, sealed)
        match parts:
            case [kind, request, paper, person] if kind == ASK:
                await self.passing.pass_on(decode_document(request, kind="request"), paper, person.decode("utf-8", "replace"))
            case [kind, request, paper] if kind == REQUEST:
                await self.answering.take(decode_document(request, kind="request"), decode_document(paper, kind="consent"))
            case [kind, receipt, request] if kind == RECEIPT:
                await self.passing.pass_receipt(
                    decode_document(receipt, kind="receipt"), decode_document(request, kind="request")
                )
            case [kind, document, worker, key] if kind == REVOCATION:
                await self._revoke(document, worker.decode("utf-8", "replace"), key)
            case _:
                raise Broken("protocol-broken", "a letter is of no kind that is known here")

    async def _revoke(self, data: bytes, worker: str, key: bytes) -> None:
        """Keep a revocation, and tell whoever sent it that this node has heard of it."""
        document = decode_document(data, kind="revocation")
        revocation = document.read(Revocation)
        held = (await asyncio.to_thread(self.agreements.all)).get(revocation.agreement)
        if held is None:
            raise Broken("protocol-broken", "a revocation is under no agreement that is known here")
        check_revocation(document, held.read(Agreement))
        now = self.clock.now()
        await self.store.run(lambda storage: storage.keep_revocation(revocation.revocation, document.encode(), now))
        heard = sign_document("revocation", revocation, self.config.agency, self.identity)
        await self.office.post([(f"worker/{worker}", seal_letter(key, (heard.encode(),)))])

    def _judge(self, request: RecordRequest) -> Decision:
        return judge_request(self._read_policy(), request)

    def _read_policy(self) -> Policy:
        return Policy() if self.config.file.policy is None else read_policy(self.config.path(self.config.file.policy))
