"""Revoking a consent: a signed event under a name that tells nothing to a reader who lacks the paper.

The name is a hash of 32 random bytes of the consent, so it cannot be worked out from a person, and two revocations of one person have
nothing in common. The document shows these bytes: only who has the consent can make it. Whoever has the consent can end it, which is the safe
way round; a node that heard of a revocation never answers under the consent again.
"""

from __future__ import annotations

from typing import Final

from tallystick.core.agreement.model import Agreement, Timestamp
from tallystick.core.agreement.records import CLIENT, INTAKE
from tallystick.core.consent.model import Consent
from tallystick.core.documents import SignedDocument
from tallystick.core.errors import Refused
from tallystick.core.model import Document, Hex32, Name
from tallystick.crypto.codec import digest

_CONTEXT: Final = "consent revocation"


class Revocation(Document):
    """The event.

    Attributes:
        revocation: the consent's revocation name, 64 hexadecimal digits.
        revoking: what it is made of, from the consent.
        agreement: under which agreement the consent was.
        at: when, UTC.
        client_key: the person's own key, where that signs.
    """

    revocation: Hex32
    revoking: Hex32
    agreement: Name
    at: Timestamp
    client_key: Hex32 | None = None


def name_revocation(revoking: str) -> str:
    """Give the name under which a consent is revoked: 64 hexadecimal digits."""
    return digest(_CONTEXT, bytes.fromhex(revoking)).hex()


def draft_revocation(consent: Consent, at: str) -> Revocation:
    """Give the revocation of a consent, to be signed."""
    return Revocation(
        revocation=name_revocation(consent.revoking),
        revoking=consent.revoking,
        agreement=consent.agreement,
        at=at,
        client_key=consent.client_key,
    )


def check_revocation(document: SignedDocument, agreement: Agreement) -> Revocation:
    """Give a revocation that counts: its name fits what it shows, and an intake officer or the person's key has signed it.

    Raises:
        Invalid: `document-invalid`.
        Refused: `consent-invalid`; `signature-missing`, `signature-invalid`; `not-allowed`: signed by nobody who may.
    """
    revocation = document.read(Revocation)
    if revocation.revocation != name_revocation(revocation.revoking) or revocation.agreement != agreement.agreement:
        raise Refused(
            "consent-invalid", "a revocation's name is not that of what it shows", hint="revoke with the consent itself"
        )
    if revocation.client_key is not None and CLIENT in document.signers:
        document.verify_signature_of(CLIENT, revocation.client_key)
        return revocation
    staff = {} if agreement.records is None else agreement.records.staff
    for name in document.signers:
        if name in staff and INTAKE in staff[name].roles:
            document.verify_signature_of(name, staff[name].key)
            return revocation
    raise Refused(
        "not-allowed",
        "the revocation is signed by nobody who may sign it",
        hint=f"a member of the staff with the role {INTAKE} signs it, or the person with the key of the consent",
    )
