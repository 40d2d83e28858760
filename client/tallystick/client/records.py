"""A worker's requests for one person's fields: ask, fetch the answer, say that it was read; and tell nodes of a revocation.

    records/DIGEST/request.json    a request that waits for its answer
    records/DIGEST/answer.key      what the answer is sealed to, 0600

in the profile's folder, until the answer was read. An answer itself is never written: it is given to the caller, and gone with it.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Final, Self, TypeVar

import grpc

from tallystick.client.profile import AnalystProfile
from tallystick.core.agreement.model import Agreement, moment
from tallystick.core.clock import Clock, SystemClock
from tallystick.core.consent.asking import RecordAnswer, RecordReceipt, RecordRequest
from tallystick.core.consent.checking import find_terms
from tallystick.core.consent.deciding import check_cover
from tallystick.core.consent.doors import read_door
from tallystick.core.consent.letters import ASK, RECEIPT, REVOCATION, open_answer, open_letter, seal_letter
from tallystick.core.consent.revoking import Revocation
from tallystick.core.documents import SignedDocument, decode_document, read_document, sign_document, write_document
from tallystick.core.errors import Broken, Invalid, NotReady, Refused, TallyError
from tallystick.core.files import make_private
from tallystick.core.keyfile import read_sealing_key, write_sealing_key
from tallystick.core.net import channel as net
from tallystick.core.net.asking import ask
from tallystick.core.net.status import read_error
from tallystick.crypto.envelope import SealingKey
from tallystick.crypto.randomness import SystemRandomness
from tallystick.v1 import letters_pb2 as pb
from tallystick.v1.letters_pb2_grpc import LettersStub

WAIT_SECONDS: Final = 20
_TIME: Final = "%Y-%m-%dT%H:%M:%SZ"
T = TypeVar("T")


@dataclass(frozen=True)
class FieldsAsked:
    """What a worker asks.

    Attributes:
        dataset: of which dataset; its agency answers.
        fields: which fields.
        purpose: what for.
        role: in which role; "" for the worker's only one.
        person: the worker's own agency's key of the person, for its accounting; "" for none.
    """

    dataset: str
    fields: tuple[str, ...]
    purpose: str
    role: str = ""
    person: str = ""


@dataclass(frozen=True)
class AnswerRead:
    """An answer, with the request that it is to."""

    request: RecordRequest
    digest: str
    answer: RecordAnswer


class RecordClient:
    """A worker's connection to the coordinator, which relays letters. Use it in a `with` statement."""

    def __init__(self, profile: AnalystProfile, *, clock: Clock | None = None) -> None:
        """Open a channel with the certificate of a profile; one that has little left of its life is renewed first.

        Raises:
            Invalid: `not-enrolled`.
        """
        self._profile = profile
        self._clock = clock or SystemClock()
        self._address = profile.network.address
        if profile.membership.due(self._clock.now()):
            with suppress(NotReady, Refused):  # the calls that follow say what is wrong
                profile.membership.renew(self._address)
        self._credentials = profile.membership.credentials()
        self._channel = net.blocking_channel(self._address, self._credentials)
        self._letters = LettersStub(self._channel)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        self._channel.close()

    def ask(self, paper: SignedDocument, agreement: Agreement, digest: str, asked: FieldsAsked) -> str:
        """Ask for some fields of the person of a consent; give the request's digest. See `ask_for`.

        Raises:
            Invalid, Refused, NotReady: as `ask_for`.
        """
        return self.ask_for(paper, agreement, digest, asked)[0]

    def ask_for(
        self, paper: SignedDocument, agreement: Agreement, digest: str, asked: FieldsAsked
    ) -> tuple[str, RecordRequest]:
        """Ask for some fields of the person of a consent; give the request's digest, and the request.

        What can be known here is checked here, and said plainly.

        Args:
            paper: the signed consent.
            agreement: in force now.
            digest: of its text.
            asked: what is asked.

        Raises:
            Invalid, Refused: what stands against it by its papers. NotReady: `unavailable`: the own agency's node is away.
        """
        now, key = self._clock.now(), SealingKey.generate()
        worker, agency, role = self._find_self(agreement, asked.role)
        request = RecordRequest(
            request=SystemRandomness().take(16).hex(),
            agreement=agreement.agreement,
            agreement_digest=digest,
            worker=worker,
            role=role,
            agency=agency,
            owner=agreement.dataset_of(asked.dataset).agency,
            dataset=asked.dataset,
            purpose=asked.purpose,
            fields=asked.fields,
            consent=paper.digest,
            answer_key=key.public.hex(),
            asked=now.strftime(_TIME),
        )
        check_cover(request, paper, agreement, now)
        document = sign_document("request", request, worker, self._profile.identity)
        letter = seal_letter(
            self._find_door(agency, agreement), (ASK, document.encode(), paper.encode(), asked.person.encode())
        )
        folder = self._folder / document.digest
        make_private(folder)
        write_sealing_key(folder / "answer.key", key)
        write_document(folder / "request.json", document)
        self._post(f"agency/{agency}", letter)
        return document.digest, request

    def waiting(self) -> list[str]:
        """Give the digests of the requests whose answer was not read yet."""
        found = sorted(self._folder.iterdir()) if self._folder.is_dir() else []
        return [one.name for one in found if (one / "request.json").exists()]

    def answers(self, agreements: Callable[[str], Agreement], *, seconds: float = 0.0) -> Iterator[AnswerRead]:
        """Give answers as they come, and say to the owner that each was read. Each letter is dropped at the coordinator before it is given.

        Args:
            agreements: gives an agreement by its name.
            seconds: how long to wait where there is none.

        Raises:
            TallyError: what the coordinator says.
        """
        end = time.monotonic() + seconds
        taken: list[bytes] = []
        while True:
            left = max(0.0, end - time.monotonic())
            letters = self._collect(taken, min(WAIT_SECONDS, int(left + 0.999)) if left else 0)
            taken = [name for name, _ in letters]
            found = [self._read(sealed, agreements) for _, sealed in letters]
            if letters:
                with suppress(TallyError):  # said again with the next call; what was read cannot be read a second time
                    self._collect(taken, 0)
                    taken = []
            yield from (one for one in found if one is not None)
            if not self.waiting() or (not letters and time.monotonic() >= end):
                return

    def revoke(self, document: SignedDocument, agreement: Agreement, *, seconds: float) -> Mapping[str, bool]:
        """Send a revocation to every agency of the agreement; give which of their nodes signed that they have heard of it.

        Args:
            document: the signed revocation.
            agreement: of the consent.
            seconds: how long to wait for them.
        """
        key, heard = SealingKey.generate(), dict.fromkeys(agreement.parties, False)
        end = time.monotonic() + seconds
        for agency in agreement.parties:
            with suppress(TallyError):  # the caller sees who has not heard
                parts = (REVOCATION, document.encode(), self._profile.network.name.encode(), key.public)
                self._post(f"agency/{agency}", seal_letter(self._find_door(agency, agreement), parts))
        taken: list[bytes] = []
        while not all(heard.values()) and (left := end - time.monotonic()) > 0:
            letters = self._collect(taken, max(1, min(WAIT_SECONDS, int(left))))
            taken = []
            for name, sealed in letters:
                agency = self._read_heard(sealed, key, document, agreement)
                if agency:
                    heard[agency] = True
                    taken.append(name)
            if letters and not taken:
                time.sleep(1)  # answers to requests: they stay for who asked
        if taken:
            self._collect(taken, 0)
        return heard

    @property
    def _folder(self) -> Path:
        return self._profile.folder / "records"

    def _find_self(self, agreement: Agreement, role: str) -> tuple[str, str, str]:
        """Give our name, agency and role under an agreement.

        Raises:
            Refused: `record-not-allowed`.
        """
        mine = self._profile.identity.key
        for name, member in find_terms(agreement).staff.items():
            if member.key == mine:
                if not role and len(member.roles) > 1:
                    raise Refused("record-not-allowed", f"{name} has several roles", hint=f"--role: {', '.join(member.roles)}")
                if role and role not in member.roles:
                    raise Refused(
                        "record-not-allowed", f"{name} does not have the role {role}", hint=f"{', '.join(member.roles)}"
                    )
                return name, member.agency, role or member.roles[0]
        raise Refused(
            "record-not-allowed",
            f"agreement {agreement.agreement} names nobody of the staff with your key",
            hint=f"ask its parties to sign a version with your key: {mine}",
        )

    def _read(self, sealed: bytes, agreements: Callable[[str], Agreement]) -> AnswerRead | None:
        """Give an answer to a waiting request, checked; None for any other letter."""
        for digest in self.waiting():
            folder = self._folder / digest
            document, key = read_document(folder / "request.json", kind="request"), read_sealing_key(folder / "answer.key")
            try:
                data = open_answer(key, digest, sealed)
            except Broken:
                continue
            request = document.read(RecordRequest)
            agreement = agreements(request.agreement)
            try:
                answer, signed = read_answer(data, request, digest, agreement, self._clock.now())
            except TallyError:
                return None  # sealed to us by somebody else
            if answer.refused is None:
                self._send_receipt(document, request, answer, signed.digest, agreement)
            shutil.rmtree(folder)
            return AnswerRead(request, digest, answer)
        return None

    def _send_receipt(
        self, document: SignedDocument, request: RecordRequest, answer: RecordAnswer, digest: str, agreement: Agreement
    ) -> None:
        receipt = RecordReceipt(
            request=document.digest,
            answer=digest,
            outcome="nothing" if answer.fields is None else "given",
            at=self._clock.now().strftime(_TIME),
        )
        signed = sign_document("receipt", receipt, request.worker, self._profile.identity)
        with suppress(NotReady):  # the owner's accounting does not rest on it
            door = self._find_door(request.agency, agreement)
            self._post(f"agency/{request.agency}", seal_letter(door, (RECEIPT, signed.encode(), document.encode())))

    def _read_heard(self, sealed: bytes, key: SealingKey, document: SignedDocument, agreement: Agreement) -> str:
        """Give the agency that says that it has heard of a revocation; "" for another letter."""
        try:
            parts = open_letter(key, sealed)
            heard = decode_document(parts[0], kind="revocation")
            [agency] = [name for name in heard.signers if name in agreement.parties]
            heard.verify_signature_of(agency, agreement.parties[agency].key)
            same = heard.read(Revocation) == document.read(Revocation)
        except (TallyError, ValueError, IndexError):
            return ""
        return agency if same else ""

    def _find_door(self, agency: str, agreement: Agreement) -> bytes:
        answer = self._call(lambda: self._letters.Door(pb.DoorRequest(agency=agency), timeout=net.CALL_SECONDS))
        return read_door(answer.document, agency, agreement, self._clock.now())

    def _post(self, box: str, sealed: bytes) -> None:
        request = pb.PostRequest(letters=[pb.Letter(box=box, sealed=sealed)])
        self._call(lambda: self._letters.Post(request, timeout=net.CALL_SECONDS))

    def _collect(self, taken: Sequence[bytes], wait: int) -> list[tuple[bytes, bytes]]:
        request = pb.CollectRequest(taken=taken, wait_seconds=wait)
        answer = self._call(lambda: self._letters.Collect(request, timeout=wait + net.CALL_SECONDS))
        return [(letter.name, letter.sealed) for letter in answer.letters]

    def _call(self, call: Callable[[], T]) -> T:
        def call_once() -> T:
            try:
                return call()
            except grpc.RpcError as error:
                raise read_error(error) from error

        return ask(self._address, self._credentials, call_once)


def read_answer(
    data: bytes, request: RecordRequest, digest: str, agreement: Agreement, now: datetime
) -> tuple[RecordAnswer, SignedDocument]:
    """Give an answer to a request: signed by its owner, or a refusal signed by the worker's own agency.

    Raises:
        Invalid: `document-invalid`. Refused: `signature-missing`, `signature-invalid`; `record-not-allowed`: to another request, or too old.
    """
    document = decode_document(data, kind="answer")
    answer = document.read(RecordAnswer)
    speaker = request.owner if answer.refused is None else request.agency
    document.verify_signature_of(speaker, agreement.parties[speaker].key)
    if answer.request != digest or answer.owner != speaker:
        raise Refused("record-not-allowed", "an answer is to another request")
    if moment(answer.until) <= now:
        raise Refused("record-not-allowed", "an answer came too late to be shown", hint="ask again")
    if answer.fields is not None and answer.fields.keys() != set(request.fields):
        raise Invalid("document-invalid", "an answer has other fields than were asked for")
    return answer, document
