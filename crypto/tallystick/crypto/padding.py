"""List sizes that say little: Padmé.

A size of e + 1 bits keeps its first bits, as many as e has bits and one more, and is rounded up below them. So it leaks
O(log log n) bits, and grows by less than 12 %, by 1.6 % at a million. Source: Nikitin et al., "Reducing Metadata Leakage from
Encrypted Files and Communication with PURBs", PoPETs 2019, §4.
"""

from __future__ import annotations

from tallystick.crypto.errors import LocalFault


def padme(size: int) -> int:
    """Give the smallest Padmé size that is at least `size`: never less for a greater size, and the same for a Padmé size.

    Raises:
        LocalFault: `size-negative`.
    """
    if size < 0:
        raise LocalFault("size-negative", "a list cannot have fewer than no rows")
    exponent = size.bit_length() - 1
    if exponent < 1:
        return size
    low = (1 << exponent - exponent.bit_length()) - 1
    return (size + low) & ~low
