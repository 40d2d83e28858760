"""The sealed shares of all agencies of a job, checked together: by the desk, by a direct job's analyst, and by whoever verifies its result."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from tallystick.crypto import paillier
from tallystick.crypto.errors import PeerFault
from tallystick.crypto.packing import Packing
from tallystick.crypto.statistic.computation import Computation
from tallystick.crypto.statistic.gate import Fate
from tallystick.crypto.statistic.gating import list_sealed_moduli
from tallystick.crypto.statistic.opening import AGENCIES, open_sealed, read_pattern
from tallystick.crypto.statistic.shares import SealedShares, packing_of, product_of, verify_shares


@dataclass(frozen=True)
class CollectedShares:
    """Sealed shares of all agencies that belong together.

    Attributes:
        people: padded rows of all lists.
        fates: what becomes of each cell, as all agencies signed it; none in a job without a gate.
        packing: how cells lie in plaintexts.
        product: of all agencies' ciphertexts: ciphertexts of the sums.
    """

    people: int
    fates: tuple[Fate, ...] = field(repr=False)
    packing: Packing = field(repr=False)
    product: tuple[bytes, ...] = field(repr=False)

    def open_values(self, computation: Computation, plaintexts: list[int]) -> tuple[tuple[int, ...], dict[int, Fate]]:
        """Give the values of all cells, and which of them do not open; as `open_sealed`.

        Args:
            computation: of the job.
            plaintexts: of the product.

        Raises:
            PeerFault: `gate-contradicts`.
        """
        return open_sealed(computation, self.people, self.fates, self.packing.unpack(plaintexts))


def check_collected(
    computation: Computation,
    documents: Mapping[str, bytes],
    *,
    keys: Mapping[str, bytes],
    job: bytes,
    attempt: int,
    public: paillier.PublicKey,
) -> CollectedShares:
    """Check every agency's signed document, and that they belong together; multiply their ciphertexts.

    Args:
        computation: what the shares are of.
        documents: by agency, of all data agencies of the job.
        keys: the agencies' identity keys.
        job: the job's digest, 32 bytes.
        attempt: in which they were sealed.
        public: what they are sealed under.

    Raises:
        PeerFault: `signature-invalid`, `shares-transplanted`, `shares-malformed`; `pattern-malformed`, `pattern-differs`.
    """
    cells = computation.cells_digest()
    shares = {
        agency: verify_shares(document, agency=agency, key=keys[agency], job=job, attempt=attempt, cells_digest=cells)
        for agency, document in documents.items()
    }
    people = {one.people for one in shares.values()}
    for agency, one in shares.items():
        if one.modulus != public.modulus_bytes or len(people) != 1:
            raise PeerFault("shares-malformed", "sealed shares are under another key, or count other lists", sender=agency)
    size = people.pop()
    fates = _read_fates(computation, shares)
    packing = packing_of([one.bit_length() for of_cell in list_sealed_moduli(computation, size) for one in of_cell])
    if any(len(one.ciphertexts) != packing.plaintexts for one in shares.values()):
        raise PeerFault("shares-malformed", "sealed shares are of another length than the plan's cells", sender=AGENCIES)
    return CollectedShares(size, fates, packing, product_of(public, shares))


def _read_fates(computation: Computation, shares: Mapping[str, SealedShares]) -> tuple[Fate, ...]:
    """Give what becomes of each cell, as all agencies signed it; nothing in a job without a gate.

    Raises:
        PeerFault: `pattern-malformed`, `pattern-differs`.
    """
    fates: tuple[Fate, ...] | None = None
    for agency, one in shares.items():
        cells = len(computation.cells) if computation.gate is not None else 0
        signed = read_pattern(one.pattern, cells, sender=agency)
        if fates is not None and signed != fates:
            raise PeerFault("pattern-differs", "they did not sign the same cells as those that open", sender=AGENCIES)
        fates = signed
    return fates or ()


_PLAINTEXT_SENDER: Final = "the analyst"


@dataclass(frozen=True)
class DirectOpening:
    """What opened to an analyst, and what shows to anybody that it is what the agencies sealed.

    Attributes:
        values: of all cells; of one that did not open it is 0 and says nothing.
        hidden: the cells that did not open; none in a job without a gate.
        plaintexts: of the product; what `values` were read from.
        roots: of each ciphertext of the product the r of it: with the plaintext it makes the ciphertext again.
    """

    values: tuple[int, ...] = field(repr=False)
    hidden: Mapping[int, Fate] = field(repr=False)
    plaintexts: tuple[int, ...] = field(repr=False)
    roots: tuple[int, ...] = field(repr=False)


def open_directly(computation: Computation, collected: CollectedShares, private: paillier.PrivateKey) -> DirectOpening:
    """Open what agencies sealed under an analyst's key.

    Raises:
        PeerFault: `gate-contradicts`.
    """
    product = list(collected.product)
    plaintexts = paillier.decrypt_ciphertexts(private, product)
    values, hidden = collected.open_values(computation, plaintexts)
    return DirectOpening(values, hidden, tuple(plaintexts), tuple(paillier.extract_roots(private, product, plaintexts)))


def check_opening(
    computation: Computation, collected: CollectedShares, public: paillier.PublicKey, plaintexts: list[int], roots: list[int]
) -> tuple[tuple[int, ...], dict[int, Fate]]:
    """Give the values of all cells, and which do not open, once the plaintexts are shown to be those of the product.

    Args:
        computation: of the job.
        collected: what the agencies sealed, checked.
        public: the analyst's key, from the job.
        plaintexts: as the analyst says that the product opens.
        roots: what shows it.

    Raises:
        PeerFault: `opening-differs`: the plaintexts are not those of the product; `gate-contradicts`.
    """
    if paillier.rebuild_ciphertexts(public, plaintexts, roots) != list(collected.product):
        raise PeerFault("opening-differs", "the numbers are not those that the agencies sealed", sender=_PLAINTEXT_SENDER)
    return collected.open_values(computation, plaintexts)
