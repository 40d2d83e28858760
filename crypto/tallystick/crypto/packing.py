"""Many values in few Paillier plaintexts: bit fields, wide enough for the sum of all agencies' shares.

Value i has widths[i] bits and a field of widths[i] + GUARD_BITS; fields lie one above the other, in order, and none is cut in
two.

No overflow. A value is at most 2^w - 1. The sum of up to SUMMANDS = 8 plaintexts has in that field at most 8·(2^w - 1) <
2^(w+3), so nothing is carried into the next field. All fields of a plaintext have at most `plaintext_bits` bits together, so
the sum of plaintexts is below 2^plaintext_bits <= 2^3000 < N: nothing wraps round the Paillier modulus. One bit of guard and
the 71 bits below N stay zero in every honest sum; `unpack` refuses a sum where they are not, or where a field is larger than
eight values can make it. That also finds a ciphertext under another job's key: it decrypts to a uniform number below N, and
passes with probability 2^-71.

Security: the checks find accidents, not cheats: an agency can add any value that fits. Who signed which ciphertext is in the
evidence.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from tallystick.crypto.errors import LocalFault, PeerFault

GUARD_BITS: Final = 4
SUMMANDS: Final = 8
PLAINTEXT_BITS: Final = 3000
"""Of a 3072-bit modulus, which is at least 2^3071."""


@dataclass(frozen=True)
class Packing:
    """Where each value lies.

    Attributes:
        widths: bits of each value, without the guard.
        plaintext_bits: room in one plaintext.

    Raises:
        LocalFault: `packing-width`: a value of no bits, or one that does not fit into a plaintext.
    """

    widths: tuple[int, ...]
    plaintext_bits: int = PLAINTEXT_BITS

    def __post_init__(self) -> None:
        """Check the widths."""
        fits = all(1 <= width <= self.plaintext_bits - GUARD_BITS for width in self.widths)
        if not fits or self.plaintext_bits > PLAINTEXT_BITS:
            raise LocalFault("packing-width", f"a packed value has one to {PLAINTEXT_BITS - GUARD_BITS} bits")

    def groups(self) -> list[list[int]]:
        """Give the widths of the values of each plaintext, in order."""
        groups: list[list[int]] = []
        room = 0
        for width in self.widths:
            if width + GUARD_BITS > room:
                groups.append([])
                room = self.plaintext_bits
            groups[-1].append(width)
            room -= width + GUARD_BITS
        return groups

    @property
    def plaintexts(self) -> int:
        """Number of plaintexts."""
        return len(self.groups())

    def pack(self, values: Sequence[int]) -> list[int]:
        """Give the plaintexts that hold one agency's values.

        Raises:
            LocalFault: `packing-count`: not one value for each width; `packing-range`: a value is negative or one bit too long.
        """
        if len(values) != len(self.widths):
            raise LocalFault("packing-count", f"{len(values)} values for {len(self.widths)} fields")
        rest = iter(values)
        plaintexts = []
        for group in self.groups():
            plaintext = shift = 0
            for width in group:
                value = next(rest)
                if not 0 <= value < 1 << width:
                    raise LocalFault("packing-range", f"a value does not fit into {width} bits")
                plaintext |= value << shift
                shift += width + GUARD_BITS
            plaintexts.append(plaintext)
        return plaintexts

    def unpack(self, plaintexts: Sequence[int], *, sender: str = "the agencies") -> list[int]:
        """Give the sums of up to eight agencies' values.

        Args:
            plaintexts: sums of what `pack` gave.
            sender: whose sums these are, for the error.

        Raises:
            PeerFault: `packing-count`: not the packing's number of plaintexts; `packing-range`: a field, or the whole, is
                larger than the sum of eight agencies' values.
        """
        groups = self.groups()
        if len(plaintexts) != len(groups):
            raise PeerFault("packing-count", f"{len(plaintexts)} plaintexts instead of {len(groups)}", sender=sender)
        values = []
        for plaintext, group in zip(plaintexts, groups, strict=True):
            rest = plaintext
            for width in group:
                value = rest & ((1 << (width + GUARD_BITS)) - 1)
                if value > SUMMANDS * ((1 << width) - 1):
                    raise PeerFault("packing-range", "a packed sum is larger than all shares together", sender=sender)
                values.append(value)
                rest >>= width + GUARD_BITS
            if rest:
                raise PeerFault("packing-range", "a plaintext has bits outside its fields", sender=sender)
        return values
