"""The `shares` and `sealed` messages: one agency's cells under the desk's Paillier key, and all of them added up.

A sealed-shares document is `frame(statement, ciphertexts, signature)`, the ciphertexts one frame, the statement `frame(agency,
job, attempt₄, people₈, cells digest, modulus, SHA-256 of the ciphertexts)`; in a job with a gate what opens, one byte a cell, follows. The
signature over the statement, context `shares`, is by the agency's identity key. The desk checks every document, multiplies the ciphertexts
itself and compares with the coordinator's product: whoever adds to a sum unseen is found. A result carries statements and signatures, never
ciphertexts: they hold suppressed cells too.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from tallystick.crypto import paillier, signing
from tallystick.crypto.codec import frame, unframe, unframe_all
from tallystick.crypto.errors import PeerFault
from tallystick.crypto.packing import Packing
from tallystick.crypto.statistic.messages import COORDINATOR, MAX_ROWS, pieces

CONTEXT: Final = "shares"
MAX_BYTES: Final = 64 * 1024 * 1024
_PARTS: Final = 7


@dataclass(frozen=True)
class SealedShares:
    """One agency's document, its signature checked or still to be checked by `verified`."""

    agency: str
    job: bytes
    attempt: int
    people: int
    cells_digest: bytes
    modulus: bytes
    ciphertexts: tuple[bytes, ...]
    pattern: bytes = b""
    """What opens and what does not; empty in a job without a gate."""

    def statement(self) -> bytes:
        """Give the bytes that are signed."""
        attempt, people = self.attempt.to_bytes(4, "big"), self.people.to_bytes(8, "big")
        ciphertexts = hashlib.sha256(frame(*self.ciphertexts)).digest()
        pattern = (self.pattern,) if self.pattern else ()
        return frame(self.agency.encode(), self.job, attempt, people, self.cells_digest, self.modulus, ciphertexts, *pattern)

    def document(self, sign: Callable[[str, bytes], bytes]) -> bytes:
        """Give the signed document."""
        statement = self.statement()
        return frame(statement, frame(*self.ciphertexts), sign(CONTEXT, statement))


def read_shares(document: bytes, *, sender: str) -> tuple[SealedShares, bytes]:
    """Give a document's content and signature, unchecked.

    Raises:
        PeerFault: `frame-malformed` or `shares-malformed`.
    """
    if len(document) > MAX_BYTES:
        raise PeerFault("shares-malformed", "a sealed-shares document is too large", sender=sender)
    statement, ciphertexts, signature = unframe(document, 3, sender=sender)
    job, attempt, people, cells, modulus, digest, pattern = _read_statement(statement, sender)
    if digest != hashlib.sha256(ciphertexts).digest():
        raise PeerFault("signature-invalid", "the signature is over other ciphertexts than these", sender=sender)
    parts = tuple(unframe_all(ciphertexts, sender=sender))
    return SealedShares(sender, job, attempt, people, cells, modulus, parts, pattern), signature


def evidence_of(document: bytes, *, sender: str) -> tuple[bytes, bytes]:
    """Give a document's statement and the signature over it: what can be shown to others without the ciphertexts.

    Raises:
        PeerFault: `frame-malformed`.
    """
    statement, _, signature = unframe(document, 3, sender=sender)
    return statement, signature


def verify_evidence(statement: bytes, signature: bytes, *, agency: str, key: bytes, job: bytes, attempt: int) -> None:
    """Check that an agency signed that it sealed shares in this attempt of this job.

    Raises:
        PeerFault: `shares-malformed`, `signature-invalid`, `shares-transplanted`.
    """
    said_job, said_attempt, *_ = _read_statement(statement, agency)
    signing.verify(key, CONTEXT, statement, signature, signer=agency)
    if (said_job, said_attempt) != (job, attempt):
        raise PeerFault("shares-transplanted", "sealed shares are of another job or attempt", sender=agency)


def verify_shares(document: bytes, *, agency: str, key: bytes, job: bytes, attempt: int, cells_digest: bytes) -> SealedShares:
    """Give a document's content once everything about it is right.

    Raises:
        PeerFault: `signature-invalid`; `shares-transplanted`: of another job, attempt or computation.
    """
    shares, signature = read_shares(document, sender=agency)
    signing.verify(key, CONTEXT, shares.statement(), signature, signer=agency)
    if (shares.job, shares.attempt, shares.cells_digest) != (job, attempt, cells_digest):
        raise PeerFault("shares-transplanted", "sealed shares are of another job, attempt or computation", sender=agency)
    return shares


def packing_of(cell_modulus_bits: Sequence[int]) -> Packing:
    """Give how cells lie in Paillier plaintexts: each as wide as its modulus; `Packing` leaves room for the sum of all shares."""
    return Packing(widths=tuple(cell_modulus_bits))


def product_of(public: paillier.PublicKey, documents: Mapping[str, SealedShares]) -> tuple[bytes, ...]:
    """Multiply all agencies' ciphertexts, which adds their shares; checks every ciphertext first.

    Raises:
        PeerFault: a ciphertext out of range, or agencies that sealed different numbers of plaintexts.
    """
    lists: list[list[bytes]] = []
    for agency, shares in sorted(documents.items()):
        if lists and len(lists[0]) != len(shares.ciphertexts):
            raise PeerFault("shares-malformed", "sealed shares of another length than the others'", sender=agency)
        lists.append([paillier.check_ciphertext(public, ciphertext, sender=agency) for ciphertext in shares.ciphertexts])
    return tuple(paillier.multiply_ciphertexts(public, lists))


def add_shares(documents: Mapping[str, bytes]) -> Iterator[bytes]:
    """Give the chunks of the `sealed` message: what the coordinator makes of all agencies' `shares` messages.

    It can check neither signatures' meaning nor values: the desk does. Parts: the product's ciphertexts as one frame, then the
    documents in the order of the agencies' names.

    Raises:
        PeerFault: a document that is malformed or under another key than the others.
    """
    read = {agency: read_shares(document, sender=agency)[0] for agency, document in documents.items()}
    first = read[min(read)]
    for agency, shares in read.items():
        if shares.modulus != first.modulus:
            raise PeerFault("shares-malformed", "sealed shares under another key than the others'", sender=agency)
    public = paillier.public_key(first.modulus, sender=min(read))
    product = product_of(public, read)
    yield from pieces(frame(frame(*product), *(documents[agency] for agency in sorted(documents))))


def read_added(payload: bytes, agencies: Sequence[str]) -> tuple[tuple[bytes, ...], dict[str, bytes]]:
    """Read a `sealed` message: (the coordinator's product, each agency's document).

    Raises:
        PeerFault: `frame-malformed`, on the coordinator's part.
    """
    product, *documents = unframe(payload, 1 + len(agencies), sender=COORDINATOR)
    return tuple(unframe_all(product, sender=COORDINATOR)), dict(zip(sorted(agencies), documents, strict=True))


def _read_statement(statement: bytes, sender: str) -> tuple[bytes, int, int, bytes, bytes, bytes, bytes]:
    """Give a statement's job, attempt, people, cells digest, modulus, ciphertexts' digest and pattern."""
    parts = unframe_all(statement, sender=sender)
    if (
        len(parts) not in (_PARTS, _PARTS + 1) or not parts[-1] or len(parts[2]) != 4 or len(parts[3]) != 8
    ):  # lengths as in `statement`
        raise PeerFault("shares-malformed", "a sealed-shares document lacks parts", sender=sender)
    name, job, attempt, people, cells, modulus, digest, *rest = parts
    size = int.from_bytes(people, "big")
    if name != sender.encode() or not 0 < size <= MAX_ROWS:
        raise PeerFault("shares-malformed", "sealed shares name another agency, or an impossible size", sender=sender)
    return job, int.from_bytes(attempt, "big"), size, cells, modulus, digest, rest[0] if rest else b""
