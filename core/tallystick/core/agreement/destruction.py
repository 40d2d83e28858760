"""A destruction certificate: what of an agreement's results or data was destroyed, when, how and by whom, signed by somebody whom it names."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated

from pydantic import Field

from tallystick.core.agreement.check import find_pinned_key
from tallystick.core.agreement.clauses import Day
from tallystick.core.agreement.model import Agreement, Timestamp, moment
from tallystick.core.documents import SignedDocument
from tallystick.core.errors import Refused, TallyError
from tallystick.core.model import Document, Hex32, Name, Text


class Destruction(Document):
    """One certificate. That it is true nobody can check: it is a signed statement, for whom the agreement's clause owes it to.

    Attributes:
        agreement: its name.
        version: of the agreement.
        agreement_digest: of the agreement.
        by: who destroyed; the signature's signer.
        what: what was destroyed: results, tables, copies, backups.
        on: the day.
        how: by which means.
        person: who did it, or saw it done.
        signed_at: when the certificate was signed.
    """

    agreement: Name
    version: Annotated[int, Field(ge=1)]
    agreement_digest: Hex32
    by: Name
    what: Annotated[tuple[Text, ...], Field(min_length=1, max_length=100)]
    on: Day
    how: Text
    person: Text | None = None
    signed_at: Timestamp


def find_due(agreement: Agreement) -> datetime:
    """Give when the days of retention are over: `retention_days` after the agreement's end."""
    return moment(agreement.valid_until) + timedelta(days=agreement.retention_days)


def list_holders(agreement: Agreement) -> tuple[str, ...]:
    """Give who holds results under an agreement, and so owes a certificate where its clauses ask for one: the desk, and each analyst."""
    desk = () if agreement.release.desk is None else (agreement.release.desk,)
    return (*desk, *agreement.analysts)


def read_destruction(document: SignedDocument, agreement: Agreement, digest: str) -> Destruction:
    """Give what a certificate says, if its signer signed it and the agreement names them.

    Args:
        document: of kind `destruction`.
        agreement: which it must be about.
        digest: the agreement's.

    Raises:
        Refused: `destruction-invalid`.
    """
    try:
        said = document.read(Destruction)
        moment(said.signed_at)
        on = datetime.fromisoformat(said.on).date()
    except (TallyError, ValueError) as error:
        raise Refused("destruction-invalid", "the certificate is malformed") from error
    if document.kind != "destruction" or document.signers != (said.by,):
        raise Refused("destruction-invalid", f"{said.by}: a certificate is signed by its signer alone")
    if (said.agreement, said.version, said.agreement_digest) != (agreement.agreement, agreement.version, digest):
        raise Refused(
            "destruction-invalid",
            f"the certificate of {said.by} is about {said.agreement} version {said.version} ({said.agreement_digest[:12]})",
            hint="give the agreement that it names",
        )
    if on > moment(said.signed_at).date():
        raise Refused("destruction-invalid", f"{said.by} certifies what was to be done on {said.on}, after the signature")
    try:
        document.verify_signature_of(said.by, find_pinned_key(agreement, said.by))
    except Refused as error:
        raise Refused("destruction-invalid", error.message) from error
    return said


def find_uncertified(agreement: Agreement, certificates: Sequence[Destruction]) -> tuple[str, ...]:
    """Give the holders of results who certified nothing."""
    done = {one.by for one in certificates}
    return tuple(name for name in list_holders(agreement) if name not in done)
