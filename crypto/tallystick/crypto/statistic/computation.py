"""What two agencies compute together after matching, as bare numbers: pairs of columns, and cells that are sums of their products.

Proof that nothing overflows: a cell's true value v satisfies |v| <= bound·people, with `people` the padded rows of all lists together,
which every agency counts itself. `primes_for` gives each cell the fewest primes with 2·bound·people < T, so v mod T, read as a signed
number, is v. A product needs as many primes as the greediest cell it stands in; a cell with fewer primes reduces it further, which is
sound because T of fewer primes divides T of more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tallystick.crypto.codec import digest, frame
from tallystick.crypto.errors import LocalFault
from tallystick.crypto.modulus import modulus, primes_needed, signed
from tallystick.crypto.statistic.rounds import Exchange


@dataclass(frozen=True)
class CellTerms:
    """One cell: Σ coefficient·product over `products`, and |cell| <= bound·people."""

    products: tuple[tuple[int, int], ...]
    bound: int


@dataclass(frozen=True)
class Computation:
    """A computation between the encryptor and the multiplier (docs/protocol.md §7).

    Attributes:
        pairs: for each product (index of the encryptor's column, index of the multiplier's column).
        cells: what the shares are of, in the order in which they are sealed.
    """

    encryptor: str
    multiplier: str
    encryptor_columns: int
    multiplier_columns: int
    pairs: tuple[tuple[int, int], ...]
    cells: tuple[CellTerms, ...]

    def __post_init__(self) -> None:
        """Check the indices.

        Raises:
            LocalFault: `computation-malformed`.
        """
        good_pairs = all(0 <= i < self.encryptor_columns and 0 <= j < self.multiplier_columns for i, j in self.pairs)
        good_cells = all(0 <= p < len(self.pairs) for cell in self.cells for _, p in cell.products)
        if self.encryptor == self.multiplier or not good_pairs or not good_cells:
            raise LocalFault("computation-malformed", "a computation names a column or product that it does not have")

    @property
    def exchanges(self) -> tuple[Exchange, ...]:
        """Who multiplies with whom."""
        return (Exchange(self.encryptor, self.multiplier),)

    def partner(self, agency: str) -> str:
        """Give the other agency of the pair. Pre-condition: `agency` is one of it."""
        return self.multiplier if agency == self.encryptor else self.encryptor

    def cell_primes(self, people: int) -> tuple[int, ...]:
        """Give the number of primes of each cell's modulus.

        Raises:
            LocalFault: `sum-too-large`: four primes do not hold a cell.
        """
        return tuple(primes_needed(cell.bound * people) for cell in self.cells)

    def product_primes(self, people: int) -> tuple[int, ...]:
        """Give the number of primes of each product: what the greediest of its cells needs."""
        needed = [1] * len(self.pairs)
        for cell, primes in zip(self.cells, self.cell_primes(people), strict=True):
            for _, product in cell.products:
                needed[product] = max(needed[product], primes)
        return tuple(needed)

    def cells_digest(self) -> bytes:
        """Give 32 bytes that name this computation: what a share is signed over besides job and attempt."""
        numbers = [*(n for pair in self.pairs for n in pair), -1]
        for cell in self.cells:
            numbers += [cell.bound, *(n for term in cell.products for n in term), -1]
        text = ",".join(map(str, [self.encryptor_columns, self.multiplier_columns, *numbers]))
        return digest("computation", frame(self.encryptor.encode(), self.multiplier.encode()), text.encode())


def cell_shares(
    computation: Computation, people: int, products: Sequence[int], own: Sequence[int], zeros: Sequence[int]
) -> tuple[int, ...]:
    """Give this agency's share of each cell: its product shares put together, its own totals, and its share of zero.

    Args:
        computation: the cells.
        people: padded rows of all lists.
        products: this agency's share of each product.
        own: per cell, what this agency adds by itself.
        zeros: per cell, this agency's share of zero; without it a third agency's desk could read `own` off a share.
    """
    shares = []
    for cell, primes, mine, zero in zip(computation.cells, computation.cell_primes(people), own, zeros, strict=True):
        total = sum(coefficient * products[product] for coefficient, product in cell.products)
        shares.append((total + mine + zero) % modulus(primes))
    return tuple(shares)


def opened_cells(computation: Computation, people: int, sums: Sequence[int]) -> tuple[int, ...]:
    """Give the signed value of each cell from the sum of all agencies' shares."""
    return tuple(signed(total, primes) for total, primes in zip(sums, computation.cell_primes(people), strict=True))
