"""The asking agency's part: its own worker's request is checked, kept, signed and passed on; its worker's receipt goes the same way.

What is refused here is told the worker plainly: it depends on the agreement, the clock and rates, and on no person. One refusal is told
in the place of an answer, so that who relays letters does not see that it is one.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import structlog

from tallystick.core.agreement.model import Agreement
from tallystick.core.clock import Clock
from tallystick.core.consent.asking import RecordAnswer, RecordReceipt, RecordRequest
from tallystick.core.consent.checking import find_terms
from tallystick.core.consent.deciding import check_request
from tallystick.core.consent.doors import read_door
from tallystick.core.consent.letters import RECEIPT, REQUEST, seal_answer, seal_letter
from tallystick.core.documents import SignedDocument, decode_document, sign_document
from tallystick.core.errors import Invalid, NotReady, Refused, TallyError
from tallystick.core.failpoint import failpoint
from tallystick.core.keyfile import IdentityKey
from tallystick.node.agreements import NodeAgreements
from tallystick.node.disclosures import KeptRequest
from tallystick.node.requests.office import LetterOffice
from tallystick.node.store import Store

MOST_KEY: Final = 200
"""Letters of an agency's own key of a person."""
_LOG: Final = structlog.get_logger("requests")
_TIME: Final = "%Y-%m-%dT%H:%M:%SZ"

FindAgreement = Callable[[str, str], Awaitable[Agreement]]


def keep_request(
    document: SignedDocument, request: RecordRequest, clock: Clock, *, asks: bool, person: str = ""
) -> KeptRequest:
    """Give what a node keeps of a request that it sees.

    Args:
        document: the request.
        request: the request, read.
        clock: this node's.
        asks: whether this agency asks; else it owns the records.
        person: the asking agency's own key of the person, where its worker gave it.
    """
    return KeptRequest(
        digest=document.digest,
        side="asker" if asks else "owner",
        at=clock.now(),
        worker=request.worker,
        role=request.role,
        agency=request.agency,
        owner=request.owner,
        dataset=request.dataset,
        purpose=request.purpose,
        fields=request.fields,
        consent=request.consent,
        person=person,
        state="passed on" if asks else "seen",
    )


@dataclass
class Passing:
    """See the module.

    Attributes:
        agency, identity: this one.
        store, agreements, office, clock: the node's.
        find: gives an agreement in force, by name and digest.
    """

    agency: str
    identity: IdentityKey
    store: Store
    agreements: NodeAgreements
    office: LetterOffice
    clock: Clock
    find: FindAgreement

    async def pass_on(self, document: SignedDocument, paper: bytes, person: str) -> None:
        """Pass a worker's request on to its owner, or tell the worker why not.

        Raises:
            TallyError: nobody can be told: the request is not of this agency's staff, or its key is none.
        """
        request = document.read(RecordRequest)
        agreement = await self.find(request.agreement, request.agreement_digest)
        member = find_terms(agreement).staff.get(request.worker)
        if member is None or member.agency != self.agency:
            raise Refused("record-not-allowed", "a letter asks in the name of nobody here")
        document.verify_signature_of(request.worker, member.key)
        try:
            check_request(document, agreement, request.agreement_digest, self.clock.now())
            if request.owner == self.agency:
                raise Refused("record-not-allowed", "an agency does not ask itself", hint="look into your own records")
            if len(person) > MOST_KEY:
                raise Invalid("document-invalid", f"a person's key has at most {MOST_KEY} letters")
            decode_document(paper, kind="consent")
            door = read_door(await self.office.find_door(request.owner), request.owner, agreement, self.clock.now())
            signed = document.with_signature(self.agency, self.identity)
            letter = seal_letter(door, (REQUEST, signed.encode(), paper))
            await self._keep(document, request, agreement, person)
            failpoint("request-kept")
            await self.office.post([(f"agency/{request.owner}", letter)])
            failpoint("request-passed")
        except TallyError as error:
            _LOG.info("not passed on", request=document.digest[:16], worker=request.worker, code=error.code)
            await self._refuse(document, request, error)

    async def _keep(self, document: SignedDocument, request: RecordRequest, agreement: Agreement, person: str) -> None:
        """Keep a request and note it, before it is passed on.

        Raises:
            Refused: `record-not-allowed`: it was passed on before. NotReady: `busy`: there were too many in the last hour.
        """
        kept = keep_request(document, request, self.clock, asks=True, person=person)
        pace = await self.store.run(lambda storage: storage.see_request(kept))
        rates = find_terms(agreement).rates
        if pace is None:
            raise Refused("record-not-allowed", "this request was passed on before", hint="ask again: it is a new request")
        if pace.worker > rates.worker_per_hour or pace.agency > rates.agency_per_hour:
            raise NotReady("busy", "there were more requests in the last hour than the agreement allows", hint="ask later")

    async def _refuse(self, document: SignedDocument, request: RecordRequest, error: TallyError) -> None:
        now = self.clock.now()
        answer = RecordAnswer(
            request=document.digest,
            owner=self.agency,
            refused=f"{error.message} [{error.code}]",
            answered=now.strftime(_TIME),
            until=(now + timedelta(hours=1)).strftime(_TIME),
        )
        signed = sign_document("answer", answer, self.agency, self.identity)
        sealed = seal_answer(bytes.fromhex(request.answer_key), document.digest, signed.encode())
        await self.office.post([(f"worker/{request.worker}", sealed)])

    async def pass_receipt(self, document: SignedDocument, request: SignedDocument) -> None:
        """Keep a receipt of this agency's worker, and pass it on to the owner; one of the owner's side is kept.

        Raises:
            TallyError: it is not signed by the worker of a request that is known here.
        """
        receipt = document.read(RecordReceipt)
        asked = request.read(RecordRequest)
        agreement = await self.find(asked.agreement, asked.agreement_digest)
        member = find_terms(agreement).staff.get(asked.worker)
        if member is None or receipt.request != request.digest:
            raise Refused("record-not-allowed", "a receipt is of no request")
        request.verify_signature_of(asked.worker, member.key)
        document.verify_signature_of(asked.worker, member.key)
        now = self.clock.now()
        await self.store.run(lambda storage: storage.keep_receipt(receipt.request, document.encode(), receipt.outcome, now))
        if asked.agency == self.agency and asked.owner != self.agency:
            door = read_door(await self.office.find_door(asked.owner), asked.owner, agreement, now)
            letter = seal_letter(door, (RECEIPT, document.encode(), request.encode()))
            await self.office.post([(f"agency/{asked.owner}", letter)])
