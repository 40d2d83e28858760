"""How a newcomer becomes a member: an invitation file in, its own key and certificate out."""

from __future__ import annotations

import json
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final, Literal

import grpc
from pydantic import Field, StringConstraints

from tallystick.core.errors import Invalid
from tallystick.core.model import Document, Name
from tallystick.core.net.channel import CALL_SECONDS, blocking_channel  # before grpc
from tallystick.core.net.status import raised
from tallystick.core.net.tls import Credentials, Identity, certificate_identity, new_key, signing_request
from tallystick.v1.enrol_pb2 import JoinRequest
from tallystick.v1.enrol_pb2_grpc import EnrolStub

MAX_BYTES: Final = 64 * 1024

Pem = Annotated[str, StringConstraints(min_length=1, max_length=16_384)]


class Invitation(Document):
    """What `tally coordinator invite` wrote. It holds a private key that is good for one call."""

    kind: Literal["invitation"]
    address: Annotated[str, StringConstraints(pattern=r"^[^\s]{1,255}:[0-9]{1,5}$")]
    network: Name
    role: Literal["agency", "analyst", "approver"]
    name: Name
    expires: str
    authority: Pem
    certificate: Pem
    key: Pem = Field(repr=False)

    @property
    def credentials(self) -> Credentials:
        """What the one call shows."""
        return Credentials(self.authority.encode(), self.certificate.encode(), self.key.encode())


class Membership(Document):
    """A member's place in a network: where the coordinator is, and what to show it. Kept in a file of mode 0600."""

    kind: Literal["membership"] = "membership"
    address: Annotated[str, StringConstraints(pattern=r"^[^\s]{1,255}:[0-9]{1,5}$")]
    network: Name
    role: Literal["agency", "analyst", "approver"]
    name: Name
    authority: Pem
    certificate: Pem
    key: Pem = Field(repr=False)

    @property
    def credentials(self) -> Credentials:
        """What every call shows."""
        return Credentials(self.authority.encode(), self.certificate.encode(), self.key.encode())


@dataclass(frozen=True)
class Joining:
    """A join under way. Keep it until `join` has returned: the same key again gets the same certificate."""

    invitation: Invitation
    key: bytes

    def join(self) -> Membership:
        """Exchange the invitation for a membership.

        Raises:
            TallyError: what the coordinator says (`invite-invalid`, …), or `unavailable`.
            Invalid: `not-enrolled`: the certificate is not for whom the invitation is.
        """
        held = self.invitation
        with blocking_channel(held.address, held.credentials) as channel:
            try:
                answer = EnrolStub(channel).Join(JoinRequest(csr=signing_request(self.key)), timeout=CALL_SECONDS)
            except grpc.RpcError as error:
                raise raised(error) from error
        if certificate_identity(answer.certificate_chain) != Identity(held.network, held.role, held.name):
            raise Invalid("not-enrolled", "the coordinator issued a certificate for somebody else")
        return Membership(
            address=held.address,
            network=held.network,
            role=held.role,
            name=held.name,
            authority=held.authority,
            certificate=answer.certificate_chain.decode(),
            key=self.key.decode(),
        )


def joining(invitation: Invitation) -> Joining:
    """Begin to join, with a new key."""
    return Joining(invitation, new_key())


def read_invitation(path: Path) -> Invitation:
    """Read an invitation file.

    Raises:
        Invalid: `file-missing`, `file-permissions`, `document-invalid`.
    """
    return Invitation.read(_read(path), what="the invitation")


def read_membership(path: Path) -> Membership:
    """Read a membership file.

    Raises:
        Invalid: `file-missing`, `file-permissions`, `document-invalid`.
    """
    return Membership.read(_read(path), what="the membership")


def write_membership(path: Path, membership: Membership) -> None:
    """Write a membership to a new file of mode 0600.

    Raises:
        Invalid: `file-exists`.
    """
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except FileExistsError as error:
        raise Invalid("file-exists", f"{path} exists", hint="move it away to join again") from error
    with os.fdopen(handle, "wb") as file:
        file.write(json.dumps(membership.json_value(), indent=2, sort_keys=True).encode() + b"\n")
        file.flush()
        os.fsync(file.fileno())


def _read(path: Path) -> object:
    try:
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
            if os.fstat(file.fileno()).st_mode & (stat.S_IRWXG | stat.S_IRWXO):
                raise Invalid("file-permissions", f"{path} is readable by others", hint=f"chmod 600 {path}")
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise Invalid("file-missing", f"{path} cannot be read", hint="check the path", detail=str(error.errno)) from error
    try:
        return json.loads(data) if len(data) <= MAX_BYTES else None
    except (ValueError, RecursionError):
        return None
