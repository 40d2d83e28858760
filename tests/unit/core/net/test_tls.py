"""Certificates: who they name, what they may do, and whose keys are taken."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError

from tallystick.core.errors import Invalid
from tallystick.core.net import tls
from tallystick.core.net.tls import CertifiedParty

NOW = datetime(2026, 6, 1, tzinfo=UTC)
DAY = timedelta(days=1)
ISSUER = tls.new_issuer("county", now=NOW)
LABOR = CertifiedParty("county", "agency", "labor")


def shown(identity: CertifiedParty = LABOR) -> tls.Credentials:
    return tls.credentials_for(ISSUER, identity, now=NOW, lifetime=DAY)


def verifies(chain: bytes, at: datetime = NOW, authority: bytes = ISSUER.certificate) -> bool:
    leaf = tls.load_certificate(chain)
    verifier = (
        PolicyBuilder().store(Store([tls.load_certificate(authority)])).time(at.replace(tzinfo=None)).build_client_verifier()
    )
    try:
        verifier.verify(leaf, [])
    except VerificationError:
        return False
    return True


def test_a_certificate_names_its_holder_and_nobody_else() -> None:
    assert tls.certificate_identity(shown().chain) == LABOR
    assert LABOR.uri == "tallystick://county/agency/labor"
    assert tls.serial_of(shown().chain) != tls.serial_of(shown().chain)


@pytest.mark.parametrize(
    "uris",
    [
        [],
        ["tallystick://county/agency/labor"] * 2,
        ["https://county/agency/labor"],
        ["tallystick://county/king/labor"],
        ["tallystick://county/agency/"],
        ["tallystick://county/agency/labor/x"],
        ["tallystick://county/agency/Labor"],
        ["tallystick://county/agency/labor\n"],
        ["tallystick:///agency/labor"],
    ],
)
def test_other_names_are_nobody(uris: list[str]) -> None:
    with pytest.raises(Invalid, match="not-enrolled"):
        tls.identity_of(uris)


def test_a_certificate_holds_for_its_time_and_under_its_authority() -> None:
    chain = shown().chain
    assert verifies(chain)
    assert verifies(chain, NOW - tls.CLOCK_SKEW / 2)
    assert not verifies(chain, NOW + DAY + timedelta(seconds=1))
    assert not verifies(chain, NOW - 2 * tls.CLOCK_SKEW)
    assert not verifies(chain, authority=tls.new_issuer("county", now=NOW).certificate)


def test_only_the_coordinator_may_serve_and_nobody_may_issue() -> None:
    for identity in (LABOR, CertifiedParty("county", "invite", "0a"), CertifiedParty("county", "coordinator", "coordinator")):
        leaf = tls.load_certificate(shown(identity).chain)
        serves = identity.role == "coordinator"
        usage = leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
        assert (ExtendedKeyUsageOID.SERVER_AUTH in usage) == serves
        assert (ExtendedKeyUsageOID.CLIENT_AUTH in usage) != serves
        names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        assert names.get_values_for_type(x509.DNSName) == ([tls.SERVER_NAME] if serves else [])
        assert not leaf.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    authority = tls.load_certificate(ISSUER.certificate).extensions.get_extension_for_class(x509.BasicConstraints).value
    assert (authority.ca, authority.path_length) == (True, 0)


def test_a_request_gives_its_own_key() -> None:
    key = tls.new_key()
    public = tls.read_requested_key(tls.signing_request(key))
    private = serialization.load_pem_private_key(key, None)
    assert isinstance(private, ec.EllipticCurvePrivateKey)
    assert public == private.public_key()


def _request(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey) -> bytes:
    algorithm = None if isinstance(key, ed25519.Ed25519PrivateKey) else hashes.SHA256()
    made = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([])).sign(key, algorithm)
    return made.public_bytes(serialization.Encoding.PEM)


def _tampered() -> bytes:
    """A request for one key that another signed."""
    one = x509.load_pem_x509_csr(tls.signing_request(tls.new_key()))
    der = bytearray(one.public_bytes(serialization.Encoding.DER))
    der[-1] ^= 1
    return x509.load_der_x509_csr(bytes(der)).public_bytes(serialization.Encoding.PEM)


@pytest.mark.parametrize(
    "csr",
    [
        b"",
        b"-----BEGIN CERTIFICATE REQUEST-----\n",
        bytes(tls.MAX_CSR_BYTES + 1),
        _request(rsa.generate_private_key(65537, 2048)),
        _request(ec.generate_private_key(ec.SECP384R1())),
        _request(ed25519.Ed25519PrivateKey.generate()),
        _tampered(),
    ],
    ids=["empty", "cut off", "too long", "RSA", "P-384", "Ed25519", "another's signature"],
)
def test_requests_for_other_keys_are_refused(csr: bytes) -> None:
    with pytest.raises(Invalid, match="document-invalid"):
        tls.read_requested_key(csr)


def test_private_keys_are_not_shown() -> None:
    assert b"PRIVATE" not in repr(shown()).encode()
    assert b"PRIVATE" not in repr(ISSUER).encode()
