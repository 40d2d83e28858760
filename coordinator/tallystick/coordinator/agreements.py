"""The signed agreements that this coordinator serves, read from files.

The coordinator believes an agreement only to run jobs under it; every node verifies the agreement that it holds itself.
"""

from __future__ import annotations

import contextlib
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from tallystick.coordinator.records import JobRecord
from tallystick.core.agreement.check import COORDINATOR, valid_agreement
from tallystick.core.agreement.model import Agreement
from tallystick.core.contract import Contract
from tallystick.core.documents import SignedDocument, decode_document, read_document
from tallystick.core.errors import Refused, TallyError
from tallystick.core.job.check import verify_job

MAX_CONTRACTS: Final = 256
"""How many parsed contracts of unended jobs are kept; others are read again."""
MAX_ENDED: Final = 16
"""And of ended jobs: nothing may grow with their number."""


class AgreementFiles:
    """Finds agreements by digest. New files are seen without a restart."""

    def __init__(self, paths: tuple[Path, ...], key: str) -> None:
        """Take files, or folders of `*.json`, and the coordinator's own public key, which an agreement must pin."""
        self._paths = paths
        self._key = key
        self._documents: dict[str, SignedDocument] = {}
        self._contracts: dict[bytes, Contract] = {}
        self._ended: dict[bytes, Contract] = {}
        self._lock = threading.Lock()

    def find(self, digest: str, at: datetime) -> Agreement:
        """Give the agreement of a digest, as it stood at a moment.

        Raises:
            Refused: `agreement-unknown`, or why it does not count (`valid_agreement`).
        """
        return self._valid(self._document(digest), at)

    def contract(self, record: JobRecord) -> Contract:
        """Give the contract of a stored job: what it was submitted under, whatever has expired since.

        Raises:
            Refused: `agreement-unknown`: its file is gone.
        """
        with self._lock:
            held = self._contracts.get(record.job) or self._ended.get(record.job)
        if held is None:
            agreement_document = self._document(record.agreement_digest)
            agreement = self._valid(agreement_document, record.submitted)
            document = decode_document(record.document, kind="job")
            held = Contract(verify_job(document, agreement), document, agreement, agreement_document)
            self._keep(record.job, held, ended=record.ended is not None)
        return held

    def forget(self, job: bytes) -> None:
        """Let go of the contract of a job that ended, but for a little while: its parties look at the end."""
        with self._lock:
            held = self._contracts.pop(job, None)
        if held is not None:
            self._keep(job, held, ended=True)

    def _keep(self, job: bytes, contract: Contract, *, ended: bool) -> None:
        kept, most = (self._ended, MAX_ENDED) if ended else (self._contracts, MAX_CONTRACTS)
        with self._lock:
            kept[job] = contract
            while len(kept) > most:
                del kept[next(iter(kept))]

    def problems(self) -> dict[str, str]:
        """Give the files that hold no agreement, and why: for the operator."""
        found = {}
        for path in self._files():
            try:
                read_document(path, kind="agreement")
            except TallyError as error:
                found[str(path)] = error.message
        return found

    def list_agreements(self) -> dict[str, tuple[Agreement, str]]:
        """Give the agreements in the files by digest, and why each does not count now; "" where it does."""
        found = {}
        for digest, document in self._read().items():
            with contextlib.suppress(TallyError):  # `problems` tells the operator
                agreement, problem = document.read(Agreement), ""
                try:
                    self._valid(document, datetime.now(UTC))
                except TallyError as error:
                    problem = error.message
                found[digest] = (agreement, problem)
        return found

    def members(self) -> frozenset[tuple[str, str]]:
        """Give role and name of everybody whom an agreement here names, whether it is in force or not; empty without agreements."""
        held = []
        for document in self._read().values():
            with contextlib.suppress(TallyError):  # `problems` tells the operator
                held.append(document.read(Agreement))
        return frozenset(
            (role, name)
            for one in held
            for role, group in (
                ("agency", one.parties),
                ("analyst", one.analysts),
                ("approver", one.approvers),
                ("worker", {} if one.records is None else one.records.staff),
            )
            for name in group
        )

    def _document(self, digest: str) -> SignedDocument:
        with self._lock:
            document = self._documents.get(digest)
            if document is None:
                self._documents.update(self._read())
                document = self._documents.get(digest)
        if document is None:
            raise Refused(
                "agreement-unknown",
                "the coordinator has no agreement of that digest",
                hint="give its operator the signed agreement",
            )
        return document

    def _valid(self, document: SignedDocument, at: datetime) -> Agreement:
        return valid_agreement(document, at, own=(COORDINATOR, self._key))

    def _read(self) -> dict[str, SignedDocument]:
        documents = {}
        for path in self._files():
            try:
                document = read_document(path, kind="agreement")
            except TallyError:
                continue  # another file may be the one; `problems` tells the operator
            documents[document.digest] = document
        return documents

    def _files(self) -> list[Path]:
        return [file for path in self._paths for file in (sorted(path.glob("*.json")) if path.is_dir() else [path])]
