"""From the sums of what agencies sealed to the values of cells; of a gated count z and t give it (docs/protocol.md §8)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from tallystick.crypto.errors import PeerFault
from tallystick.crypto.modulus import modulus, to_signed
from tallystick.crypto.powers import P
from tallystick.crypto.statistic.computation import Computation, open_cells
from tallystick.crypto.statistic.gate import LIMB_BITS, Fate, GatedCount, join_pads
from tallystick.crypto.statistic.gating import list_sealed_moduli

AGENCIES: Final = "the agencies"
"""Who is named where sums do not say whose share is wrong."""


def encode_pattern(fates: Sequence[Fate]) -> bytes:
    """Give a pattern as bytes, one a cell."""
    return bytes(fates)


def read_pattern(pattern: bytes, cells: int, *, sender: str) -> tuple[Fate, ...]:
    """Read what becomes of each cell.

    Args:
        pattern: one byte a cell.
        cells: how many there are.
        sender: whose pattern it is.

    Raises:
        PeerFault: `pattern-malformed`.
    """
    if len(pattern) != cells or any(one > max(Fate) for one in pattern):
        raise PeerFault("pattern-malformed", "a pattern is not one of the job's cells", sender=sender)
    return tuple(Fate(one) for one in pattern)


def open_sealed(
    computation: Computation, people: int, fates: Sequence[Fate], sums: Sequence[int]
) -> tuple[tuple[int, ...], dict[int, Fate]]:
    """Give the values of all cells, and which of them do not open; those are 0 among the values.

    Args:
        computation: of the job.
        people: padded rows of all lists.
        fates: what becomes of each cell; none in a job without a gate.
        sums: of the numbers that agencies sealed, in the order of `list_sealed_moduli`.

    Raises:
        PeerFault: `gate-contradicts`: a count opens that the gate cannot let through, or something else than nothing in a hidden cell's place.
    """
    if computation.gate is None:
        return open_cells(computation, people, sums), {}
    rest = iter(sums)
    parts = [[next(rest) % one for one in moduli] for moduli in list_sealed_moduli(computation, people)]
    hidden: dict[int, Fate] = {cell: fate for cell, fate in enumerate(fates) if fate != Fate.OPENED}
    inverses: dict[int, int] = {}
    values = [0] * len(parts)
    for cell, count in computation.gate.of_cell.items():
        if cell == count.cell and cell not in hidden:
            inverses[cell], values[cell] = _open_count(count, parts[cell], computation.cells[cell].bound * people)
    primes = computation.cell_primes(people)
    for cell, numbers in enumerate(parts):
        gated = computation.gate.of_cell.get(cell)
        if cell in hidden:
            if any(numbers):
                raise _contradiction("something stands in the place of a cell that does not open")
        elif gated is None:
            values[cell] = to_signed(numbers[0], primes[cell])
        elif gated.cell != cell:
            values[cell] = _open_resting(numbers, inverses[gated.cell], primes[cell], len(computation.agencies))
    return tuple(values), hidden


def _open_count(count: GatedCount, numbers: Sequence[int], most: int) -> tuple[int, int]:
    """Give 1/z and the count."""
    z, t = numbers
    if not z:
        raise _contradiction("a count that passed its test opens as nothing")
    inverse = pow(z, -1, P)
    value = t * inverse % P
    if value in count.sum.small or value > most:
        raise _contradiction("a count opens that is small, or more than all rows")
    return inverse, value


def _open_resting(numbers: Sequence[int], inverse: int, primes: int, agencies: int) -> int:
    masked, *products = numbers
    limbs = [product * inverse % P for product in products]
    if primes > 1 and any(limb >= agencies << LIMB_BITS for limb in limbs):
        raise _contradiction("the pad of a sum is larger than all agencies' pads")
    return to_signed((masked - join_pads(limbs, primes)) % modulus(primes), primes)


def _contradiction(why: str) -> PeerFault:
    return PeerFault("gate-contradicts", why, sender=AGENCIES)
