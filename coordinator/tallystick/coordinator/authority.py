"""Who may speak to the coordinator: the network's certificate authority, invitations, and revocation.

An invitation is a file with a short-lived client certificate that names `invite/ID` and is good for one call of `Enrol.Join`.
So the coordinator has one port, on which a client certificate is always required (docs/adr/0002-invitations.md).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final, Literal

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tallystick.coordinator.ports import CoordinatorStorage
from tallystick.coordinator.records import Certificate, Invitation
from tallystick.coordinator.storage.refusals import invite_invalid, not_enrolled
from tallystick.core.clock import Clock
from tallystick.core.errors import Invalid
from tallystick.core.files import write_new_private
from tallystick.core.net import tls
from tallystick.core.net.tls import CertifiedParty, Credentials, Issuer
from tallystick.crypto.randomness import SystemRandomness

Member = Literal["agency", "analyst", "approver", "worker"]

CA_CERTIFICATE: Final = "ca.pem"
CA_KEY: Final = "ca.key"
SERVER_LIFETIME: Final = timedelta(days=30)
"""The coordinator issues its own certificate at start, and again when half of this is over."""


@dataclass(frozen=True)
class Joined:
    """What a newcomer gets: its certificate chain, and who it is now."""

    chain: bytes
    role: str
    name: str


class Authority:
    """Issues, checks and revokes the certificates of one network."""

    def __init__(
        self, issuer: Issuer, storage: CoordinatorStorage, clock: Clock, *, certificates: timedelta, invitations: timedelta
    ) -> None:
        """Take the network's issuer and how long certificates and invitations are valid."""
        self.network = issuer.network
        self._issuer = issuer
        self._storage = storage
        self._clock = clock
        self._certificates = certificates
        self._invitations = invitations
        self._serving: tuple[datetime, Credentials] | None = None

    def invite(self, role: Member, name: str, address: str) -> dict[str, str]:
        """Make an invitation for one member; the file to hand over, as a JSON value. It holds a private key.

        Raises:
            Invalid: `document-invalid`: the name is none.
        """
        now = self._clock.now()
        invitation = Invitation(SystemRandomness().take(16).hex(), role, name, now + self._invitations)
        tls.identity_of([CertifiedParty(self.network, role, name).uri])
        holder = CertifiedParty(self.network, "invite", invitation.id)
        shown = tls.credentials_for(self._issuer, holder, now=now, lifetime=self._invitations)
        self._storage.add_invitation(invitation)
        return {
            "kind": "invitation",
            "address": address,
            "network": self.network,
            "role": role,
            "name": name,
            "expires": invitation.expires.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "authority": self._issuer.certificate.decode(),
            "certificate": shown.chain.decode(),
            "key": shown.key.decode(),
        }

    def join(self, invitation_id: str, csr: bytes) -> Joined:
        """Issue the certificate that an invitation is for, to the key of a request.

        An invitation is used once. The same request again, whose first answer was lost, gets the same certificate.

        Raises:
            Refused: `invite-invalid`. Invalid: `document-invalid`: the request.
        """
        key = tls.read_requested_key(csr)
        now = self._clock.now()
        invitation = self._storage.invitation(invitation_id)
        if invitation is None:
            raise invite_invalid()
        if invitation.used is not None:
            return self._find_joined(invitation, key)
        holder = CertifiedParty(self.network, invitation.role, invitation.name)
        chain = tls.issue_certificate(self._issuer, holder, key, now=now, lifetime=self._certificates)
        certificate = Certificate(
            tls.serial_of(chain), invitation.role, invitation.name, now + self._certificates, invitation.id, chain
        )
        self._storage.redeem(certificate, now)
        return Joined(chain, invitation.role, invitation.name)

    def _find_joined(self, invitation: Invitation, key: ec.EllipticCurvePublicKey) -> Joined:
        for certificate in self._storage.certificates():
            if certificate.invitation == invitation.id and certificate.revoked is None and _key_of(certificate) == _bytes(key):
                return Joined(certificate.chain, certificate.role, certificate.name)
        raise invite_invalid()

    def renew(self, identity: CertifiedParty, serial: str, csr: bytes) -> bytes:
        """Issue a new certificate to a member that shows a valid one; give the chain.

        The old one stays valid until it ends, for streams that are open. The same request again gets the same certificate.

        Raises:
            Refused: `not-enrolled`. Invalid: `document-invalid`: the request.
        """
        key = tls.read_requested_key(csr)
        self.check(identity, serial)
        now = self._clock.now()
        for certificate in self._storage.certificates():
            same = (certificate.role, certificate.name) == (identity.role, identity.name) and certificate.revoked is None
            if same and certificate.expires > now and _key_of(certificate) == _bytes(key):
                return certificate.chain
        old = self._storage.certificate(serial)
        if old is None:
            raise not_enrolled()
        chain = tls.issue_certificate(self._issuer, identity, key, now=now, lifetime=self._certificates)
        until = now + self._certificates
        self._storage.renew(Certificate(tls.serial_of(chain), old.role, old.name, until, old.invitation, chain), serial, now)
        return chain

    def check(self, identity: CertifiedParty, serial: str) -> None:
        """Let a member pass whose certificate was issued here and is not revoked.

        Raises:
            Refused: `not-enrolled`.
        """
        certificate = self._storage.certificate(serial)
        if (
            identity.network != self.network
            or certificate is None
            or (certificate.role, certificate.name) != (identity.role, identity.name)
            or certificate.revoked is not None
            or certificate.expires <= self._clock.now()
        ):
            raise not_enrolled()

    def list_revoked(self) -> frozenset[str]:
        """List the serial numbers of all revoked certificates."""
        return frozenset(certificate.serial for certificate in self._storage.certificates() if certificate.revoked is not None)

    def revoke(self, role: Member, name: str) -> int:
        """Revoke every certificate and unused invitation of one member; open streams of theirs end within seconds.

        Raises:
            Invalid: `not-enrolled`: there was none.
        """
        count = self._storage.revoke(role, name, self._clock.now())
        if not count:
            raise Invalid("not-enrolled", f"no {role} {name} holds a certificate or an invitation")
        return count

    def serving(self) -> Credentials:
        """Give what the coordinator shows as a server, issued afresh when half of its life is over."""
        now = self._clock.now()
        if self._serving is None or now >= self._serving[0] + SERVER_LIFETIME / 2:
            holder = CertifiedParty(self.network, "coordinator", "coordinator")
            self._serving = (now, tls.credentials_for(self._issuer, holder, now=now, lifetime=SERVER_LIFETIME))
        return self._serving[1]


def create_issuer(state: Path, network: str, now: datetime) -> Issuer:
    """Make the network's authority and keep it in the state folder (0600).

    Raises:
        Invalid: `file-exists`: there is one already; it is never replaced.
    """
    issuer = tls.new_issuer(network, now=now)
    write_new_private(state / CA_KEY, issuer.key)
    write_new_private(state / CA_CERTIFICATE, issuer.certificate)
    return issuer


def read_issuer(state: Path, network: str) -> Issuer:
    """Read the network's authority from the state folder.

    Raises:
        Invalid: `file-missing`, `file-permissions`.
    """
    key = state / CA_KEY
    try:
        if key.is_symlink() or key.stat().st_mode & 0o077:
            raise Invalid("file-permissions", f"{key} is readable by others, or a link", hint=f"chmod 600 {key}")
        return Issuer(network, (state / CA_CERTIFICATE).read_bytes(), key.read_bytes())
    except OSError as error:
        raise Invalid(
            "file-missing",
            f"{state} holds no certificate authority",
            hint="run: tally coordinator init",
            detail=str(error.errno),
        ) from error


def write_invitation(path: Path, invitation: dict[str, str]) -> None:
    """Write an invitation to a new file that only its owner can read.

    Raises:
        Invalid: `file-exists`.
    """
    write_new_private(path, (json.dumps(invitation, indent=2, sort_keys=True) + "\n").encode())


def _key_of(certificate: Certificate) -> bytes:
    key = tls.load_certificate(certificate.chain).public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey)  # only such are issued
    return _bytes(key)


def _bytes(key: ec.EllipticCurvePublicKey) -> bytes:
    return key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
