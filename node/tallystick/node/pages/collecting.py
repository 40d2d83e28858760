"""Stewards' signatures that wait for others: kept until there are as many as the agreement asks for.

Rules that this file enforces:

1. A signature is checked before it is kept, against the key that the agreement names for its steward; where the agreement names no
   stewards of this agency, against the key of the account at this desk.
2. One steward counts once: the second signature of one is refused.
3. A signature is over what was signed alone: over another candidate, or after its time, it is left out.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from tallystick.core.agreement.model import Agreement
from tallystick.core.canonical import canonical_bytes
from tallystick.core.documents import Kind, SignedDocument, decode_document
from tallystick.core.errors import Invalid, Refused, TallyError
from tallystick.core.files import make_private, write_private
from tallystick.core.job.approval import Approval, verify_approval
from tallystick.core.job.model import Job
from tallystick.core.job.releasing import verify_release
from tallystick.core.keyfile import read_closed
from tallystick.node.views import JobDetail

_MOST_BYTES: Final = 256 * 1024


@dataclass(frozen=True)
class Signers:
    """Who may sign for this agency, and how many must.

    Attributes:
        need: distinct people.
        keys: public keys by name.
        by_agreement: whether the agreement names them; else they are the accounts of this desk.
    """

    need: int
    keys: dict[str, str]
    by_agreement: bool


def find_signers(agreement: Agreement, agency: str, accounts: dict[str, str]) -> Signers:
    """Say who may sign: the agreement's stewards of this agency, or where it names none, one of the desk's accounts."""
    stewards = agreement.stewards.get(agency)
    if stewards is not None:
        return Signers(stewards.need, dict(stewards.keys), by_agreement=True)
    asking = {one.key for one in agreement.analysts.values()}
    return Signers(1, {name: key for name, key in accounts.items() if key not in asking}, by_agreement=False)


def check_signature(
    document: SignedDocument, detail: JobDetail, job: Job, agreement: Agreement, signers: Signers, agency: str, now: datetime
) -> str:
    """Give who signed a yes to what a job awaits, if it counts (rules 1 and 3).

    Raises:
        Refused: `approval-invalid`.
    """
    name = document.signers[0] if len(document.signers) == 1 else ""
    key = signers.keys.get(name)
    if key is None:
        named = ", ".join(sorted(signers.keys)) or "nobody"
        who = "the agreement names" if signers.by_agreement else "who may sign here is"
        raise Refused("approval-invalid", f"{name or 'this signer'} may not sign for {agency}", hint=f"{who}: {named}")
    if detail.summary.awaits == "release" and detail.candidate is not None:
        verify_release(document, job=detail.summary.job, candidate=detail.candidate.digest, agency=agency, key=key, now=now)
        return name
    if signers.by_agreement:
        verify_approval(document, job, agreement, now)
        return name
    try:
        said = document.read(Approval)
        document.verify_signature_of(name, key)
    except TallyError as error:
        raise Refused("approval-invalid", error.message) from error
    if (said.job, said.signer, said.decision) != (detail.summary.job, name, "approve") or document.kind != "approval":
        raise Refused("approval-invalid", f"the approval of {name} is for another job")
    return name


class Collected:
    """Signatures in a folder, one file a job and decision. Methods read and write files."""

    def __init__(self, folder: Path) -> None:
        """Take the folder, which is made on the first writing."""
        self._folder = folder

    def read(self, job: str, awaits: str) -> list[SignedDocument]:
        """Give what was signed."""
        path = self._path(job, awaits)
        if not path.exists():
            return []
        kind: Kind = "release" if awaits == "release" else "approval"
        value = json.loads(read_closed(path, _MOST_BYTES, what="file of signatures"))
        return [decode_document(canonical_bytes(one), kind=kind) for one in value]

    def add(self, job: str, awaits: str, document: SignedDocument, before: list[SignedDocument]) -> list[SignedDocument]:
        """Keep one more beside those that count (rule 2).

        Raises:
            Invalid: `document-invalid`: this steward signed already.
        """
        if any(one.signers == document.signers for one in before):
            raise Invalid(
                "document-invalid",
                f"{document.signers[0]} has signed this already",
                hint="another steward has to sign: log in as yourself",
            )
        signed = [*before, document]
        make_private(self._folder)
        write_private(self._path(job, awaits), canonical_bytes([json.loads(one.encode()) for one in signed]))
        return signed

    def drop(self, job: str) -> None:
        """Delete what was signed of a job that is decided."""
        for awaits in ("approve", "release"):
            self._path(job, awaits).unlink(missing_ok=True)

    def _path(self, job: str, awaits: str) -> Path:
        return self._folder / f"{job}-{awaits}.json"


def read_pasted(text: str, awaits: str) -> SignedDocument:
    """Read a signed decision that was made elsewhere.

    Raises:
        Invalid: `document-invalid`, `document-too-large`.
    """
    return decode_document(text.encode(), kind="release" if awaits == "release" else "approval")
