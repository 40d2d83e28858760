"""How a newcomer becomes a member, an invitation file in, a certificate over a key of its own out; and how a member gets another."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import Field, StringConstraints

from tallystick.core.errors import Invalid, Refused
from tallystick.core.files import read_at_most
from tallystick.core.model import Document, Name
from tallystick.core.net.asking import ask
from tallystick.core.net.channel import CALL_SECONDS, blocking_channel  # before grpc
from tallystick.core.net.tls import CertifiedParty, Credentials, certificate_identity, signing_request
from tallystick.v1.enrol_pb2 import JoinRequest, RenewRequest
from tallystick.v1.enrol_pb2_grpc import EnrolStub

MAX_BYTES: Final = 64 * 1024

Pem = Annotated[str, StringConstraints(min_length=1, max_length=16_384)]


class InvitationFile(Document):
    """What `tally coordinator invite` wrote. It holds a private key that is good for one call."""

    kind: Literal["invitation"]
    address: Annotated[str, StringConstraints(pattern=r"^[^\s]{1,255}:[0-9]{1,5}$")]
    network: Name
    role: Literal["agency", "analyst", "approver", "worker"]
    name: Name
    expires: str
    authority: Pem
    certificate: Pem
    key: Pem = Field(repr=False)

    @property
    def credentials(self) -> Credentials:
        """What the one call shows."""
        return Credentials(self.authority.encode(), self.certificate.encode(), self.key.encode())


def read_invitation(path: Path) -> InvitationFile:
    """Read an invitation file.

    Raises:
        Invalid: `file-missing`, `invite-invalid`.
    """
    data = read_at_most(path, MAX_BYTES, hint="ask the coordinator's operator for an invitation")
    try:
        return InvitationFile.read(json.loads(data[:MAX_BYTES]), what="the invitation")
    except (Invalid, ValueError, RecursionError):
        # without its cause: a parser's message may quote the file
        raise Invalid(
            "invite-invalid", f"{path} is no invitation", hint="it is the file that invite wrote, unchanged"
        ) from None


def exchange_invitation(invitation: InvitationFile, key: bytes) -> Credentials:
    """Exchange an invitation for a certificate. Blocks.

    The same key again, after a lost answer, gets the same certificate: who must not lose it keeps the key before the call.

    Args:
        invitation: used up by the call.
        key: a private ECDSA P-256 key, PEM; it stays here.

    Returns:
        What every later call shows.

    Raises:
        TallyError: what the coordinator says (`invite-invalid`, …), or what stands in the way to it (`walk.py`).
        Refused: `invite-invalid`: the certificate is not for whom the invitation is.
    """
    with blocking_channel(invitation.address, invitation.credentials) as channel:
        request = JoinRequest(csr=signing_request(key))
        answer = ask(invitation.address, invitation.credentials, lambda: EnrolStub(channel).Join(request, timeout=CALL_SECONDS))
    if certificate_identity(answer.certificate_chain) != CertifiedParty(invitation.network, invitation.role, invitation.name):
        raise Refused(
            "invite-invalid", "the coordinator's certificate names somebody else", hint="ask its operator for a new invitation"
        )
    return Credentials(invitation.authority.encode(), answer.certificate_chain, key)


def renew_certificate(address: str, held: Credentials, key: bytes) -> Credentials:
    """Get a new certificate by showing a valid one. Blocks.

    The same key again, after a lost answer, gets the same certificate.

    Args:
        address: the coordinator's `host:port`.
        held: what is shown now; it stays valid until it ends.
        key: a new private ECDSA P-256 key, PEM; it stays here.

    Raises:
        TallyError: what the coordinator says (`not-enrolled`, …), or what stands in the way to it (`walk.py`).
        Refused: `not-enrolled`: the certificate names somebody else.
    """
    with blocking_channel(address, held) as channel:
        request = RenewRequest(csr=signing_request(key))
        answer = ask(address, held, lambda: EnrolStub(channel).Renew(request, timeout=CALL_SECONDS))
    if certificate_identity(answer.certificate_chain) != certificate_identity(held.chain):
        raise Refused("not-enrolled", "the coordinator's new certificate names somebody else", hint="tell its operator")
    return Credentials(held.authority, answer.certificate_chain, key)
