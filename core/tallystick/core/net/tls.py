"""Certificates of one network: ECDSA P-256 keys, a small authority, and who a certificate names.

Every certificate names its holder in one URI: `tallystick://NETWORK/ROLE/NAME`. Subjects are for display and decide nothing.
The authority is private to the network; a client accepts nothing else, and the coordinator's certificate alone may serve.
TLS keeps strangers out; what agencies say to each other is signed and sealed by other keys (docs/protocol.md §2).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Literal, cast, get_args

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from tallystick.core.errors import Invalid

Role = Literal["agency", "analyst", "approver", "worker", "coordinator", "invite"]

SERVER_NAME: Final = "coordinator.tallystick"
"""The DNS name in the coordinator's certificate; clients ask for it at any address: the authority is the network's own."""
MAX_CSR_BYTES: Final = 8192
CLOCK_SKEW: Final = timedelta(hours=1)
"""So much earlier than it is issued a certificate begins: its holder's clock may be slow."""

_URI = re.compile(r"tallystick://([a-z][a-z0-9_-]{0,63})/([a-z]+)/([a-z0-9][a-z0-9_-]{0,63})")


@dataclass(frozen=True)
class CertifiedParty:
    """Who a certificate names."""

    network: str
    role: Role
    name: str

    @property
    def uri(self) -> str:
        """The URI of the certificate's subject alternative name."""
        return f"tallystick://{self.network}/{self.role}/{self.name}"


@dataclass(frozen=True)
class Credentials:
    """What one end of a channel shows and trusts: the network's authority, its own chain and key, all PEM."""

    authority: bytes
    chain: bytes
    key: bytes = field(repr=False)


@dataclass(frozen=True)
class Issuer:
    """The network's authority: its certificate and its private key, both PEM."""

    network: str
    certificate: bytes
    key: bytes = field(repr=False)


def identity_of(uris: list[str]) -> CertifiedParty:
    """Give who the URIs of a certificate name.

    Raises:
        Invalid: `not-enrolled`: not exactly one URI, or not one of this form.
    """
    match = _URI.fullmatch(uris[0]) if len(uris) == 1 else None
    if match is None or match[2] not in get_args(Role):
        raise Invalid("not-enrolled", "the certificate names nobody of a Tallystick network")
    return CertifiedParty(match[1], cast("Role", match[2]), match[3])


def certificate_identity(certificate_pem: bytes) -> CertifiedParty:
    """Give who a certificate names.

    Raises:
        Invalid: `not-enrolled`: no certificate, or one that names nobody.
    """
    certificate = load_certificate(certificate_pem)
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return identity_of([])
    return identity_of(names.get_values_for_type(x509.UniformResourceIdentifier))


def load_certificate(certificate_pem: bytes) -> x509.Certificate:
    """Read the first certificate of a PEM chain.

    Raises:
        Invalid: `not-enrolled`.
    """
    try:
        return x509.load_pem_x509_certificates(certificate_pem)[0]
    except ValueError as error:
        raise Invalid("not-enrolled", "a certificate cannot be read") from error


def serial_of(certificate_pem: bytes) -> str:
    """Give a certificate's serial number in hexadecimal."""
    return f"{load_certificate(certificate_pem).serial_number:x}"


def new_key() -> bytes:
    """Give a fresh ECDSA P-256 private key, PEM."""
    return _key_pem(ec.generate_private_key(ec.SECP256R1()))


def is_key_of(key_pem: bytes, chain: bytes) -> bool:
    """Say whether a private key, PEM, is the one that a certificate is for."""
    public = serialization.load_pem_private_key(key_pem, password=None).public_key()
    return bool(public == load_certificate(chain).public_key())


def signing_request(key_pem: bytes) -> bytes:
    """Give a PKCS #10 request for a key, PEM. Its subject is empty: the invitation says who it is for."""
    return (
        x509.CertificateSigningRequestBuilder()
        .subject_name(x509.Name([]))
        .sign(_key(key_pem), hashes.SHA256())
        .public_bytes(serialization.Encoding.PEM)
    )


def read_requested_key(csr_pem: bytes) -> ec.EllipticCurvePublicKey:
    """Give the public key of a request whose own signature holds.

    Raises:
        Invalid: `document-invalid`: too long, unreadable, not signed by its own key, or a key that is not ECDSA P-256.
    """
    if len(csr_pem) > MAX_CSR_BYTES:
        raise Invalid("document-invalid", "a certificate request is too long")
    try:
        request = x509.load_pem_x509_csr(csr_pem)
        held = request.is_signature_valid
        key = request.public_key()
    except Exception as error:  # what a stranger sends can fail in any way inside the parser
        raise Invalid("document-invalid", "a certificate request cannot be read") from error
    if not held or not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise Invalid("document-invalid", "a certificate request is not for an ECDSA P-256 key, or not signed by it")
    return key


def new_issuer(network: str, *, now: datetime, lifetime: timedelta = timedelta(days=3650)) -> Issuer:
    """Make a network's authority: a self-signed certificate that may sign leaves and nothing else."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"tallystick network {network}")])
    certificate = (
        _builder(name, name, key.public_key(), now, lifetime)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(certificates=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    return Issuer(network, certificate.public_bytes(serialization.Encoding.PEM), _key_pem(key))


def issue_certificate(
    issuer: Issuer, identity: CertifiedParty, public_key: ec.EllipticCurvePublicKey, *, now: datetime, lifetime: timedelta
) -> bytes:
    """Issue a certificate (PEM, leaf then authority) that names `identity`.

    Only the coordinator's may serve (extended key usage and the name `SERVER_NAME`); all others are for clients.
    """
    authority = load_certificate(issuer.certificate)
    signer = _key(issuer.key)
    serves = identity.role == "coordinator"
    names: list[x509.GeneralName] = [x509.UniformResourceIdentifier(identity.uri)]
    if serves:
        names.append(x509.DNSName(SERVER_NAME))
    usage = ExtendedKeyUsageOID.SERVER_AUTH if serves else ExtendedKeyUsageOID.CLIENT_AUTH
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"{identity.role} {identity.name}"[:64])])
    leaf = (
        _builder(subject, authority.subject, public_key, now, lifetime)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
        .sign(signer, hashes.SHA256())
    )
    return leaf.public_bytes(serialization.Encoding.PEM) + issuer.certificate


def credentials_for(issuer: Issuer, identity: CertifiedParty, *, now: datetime, lifetime: timedelta) -> Credentials:
    """Make a fresh key and its certificate at once, where the authority and the holder are one."""
    key = ec.generate_private_key(ec.SECP256R1())
    return Credentials(
        issuer.certificate, issue_certificate(issuer, identity, key.public_key(), now=now, lifetime=lifetime), _key_pem(key)
    )


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, now: datetime, lifetime: timedelta
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - CLOCK_SKEW)
        .not_valid_after(now + lifetime)
    )


def _usage(*, certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=certificates,
        crl_sign=certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _key(pem: bytes) -> ec.EllipticCurvePrivateKey:
    key = serialization.load_pem_private_key(pem, password=None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise Invalid("file-format", "a TLS key is not an ECDSA key")
    return key


def _key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
