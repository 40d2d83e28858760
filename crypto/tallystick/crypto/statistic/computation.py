"""What agencies compute together after matching, as bare numbers: terms over their columns, and cells that are sums of terms.

Proof that nothing overflows: a cell's true value v satisfies |v| <= bound·people + room, with `people` the padded rows of all lists
together, which every agency counts itself, and `room` for noise (`crypto/noise.py`), 0 without it. `count_primes` gives each cell the
fewest primes with 2·(bound·people + room) < T, so v mod T, read as a signed number, is v; with noise but for a chance below 2^-64. A term
needs as many primes as the greediest cell it stands in, and what it is multiplied of needs as many as it; a cell with fewer primes reduces
them further, which is sound because T of fewer primes divides T of more.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations

from tallystick.crypto.codec import digest, frame
from tallystick.crypto.errors import LocalFault
from tallystick.crypto.layout import Layout
from tallystick.crypto.modulus import count_primes, modulus, to_signed
from tallystick.crypto.statistic.gate import Gate, GatePlan, plan_gate
from tallystick.crypto.statistic.preparing import gate_exchanges
from tallystick.crypto.statistic.rounds import Cast, Exchange
from tallystick.crypto.statistic.term_plan import PAIR, Chain, Multiplication, Term, TermPlan, plan_terms


@dataclass(frozen=True)
class CellTerms:
    """One cell: Σ coefficient·term over `terms`, and |cell| <= bound·people + room."""

    terms: tuple[tuple[int, int], ...]
    bound: int
    room: int = 0


@dataclass(frozen=True)
class Computation:
    """A computation between one to five agencies.

    Attributes:
        agencies: in the order of their names.
        columns: how many columns each of them has.
        terms: products of columns of two or more agencies, summed over slots; each once.
        cells: what the shares are of, in the order in which they are sealed.
        gate: what is tested before anything is opened; None: every cell is opened.
    """

    agencies: tuple[str, ...]
    columns: tuple[int, ...]
    terms: tuple[Term, ...]
    cells: tuple[CellTerms, ...]
    gate: Gate | None = None

    def __post_init__(self) -> None:
        """Check the indices.

        Raises:
            LocalFault: `computation-malformed`.
        """
        places = range(len(self.agencies))
        good = bool(self.agencies) and len(self.columns) == len(self.agencies) == len(set(self.agencies))
        good &= all(place in places and 0 <= column < self.columns[place] for term in self.terms for place, column in term)
        good &= all(0 <= term < len(self.terms) for cell in self.cells for _, term in cell.terms)
        good &= self.gate is None or all(0 <= cell < len(self.cells) for cell in self.gate.of_cell)
        if not good or len(set(self.terms)) != len(self.terms):
            raise LocalFault("computation-malformed", "a computation names a column or term that it does not have")

    @cached_property
    def exchanges(self) -> tuple[Exchange, ...]:
        """Who multiplies with whom, and the number that names the messages."""
        names, plan = self.agencies, self.term_plan
        return tuple(
            Exchange(names[one.encryptor], names[one.multiplier], str(one.number), tuple(map(str, plan.before(one))))
            for one in plan.multiplications
        )

    @cached_property
    def audits(self) -> tuple[Exchange, ...]:
        """Who audits the links of decoys with whom: every two agencies, the first by name encrypting."""
        return tuple(
            Exchange(one, other, f"audit{number}") for number, (one, other) in enumerate(combinations(self.agencies, PAIR))
        )

    @cached_property
    def gate_exchanges(self) -> tuple[Exchange, ...]:
        """Who makes the powers of tests with whom; none without a gate."""
        return () if self.gate is None else gate_exchanges(self.agencies)

    def gate_plan(self, people: int) -> GatePlan:
        """Lay out the powers of the tests. Pre-condition: there is a gate.

        Raises:
            LocalFault: `gate-malformed`.
        """
        assert self.gate is not None
        return plan_gate(self.gate, self.cell_primes(people))

    def cast(self, desk: str, *, audited: bool, direct: bool = False) -> Cast:
        """Give the parties of the job, in the roles that rounds have.

        Args:
            desk: the agency that opens, or hands on.
            audited: whether the links of decoys are.
            direct: whether the analyst opens.
        """
        return Cast(
            self.agencies,
            desk,
            self.exchanges,
            self.audits if audited else (),
            self.gate_exchanges,
            () if self.gate is None else self.gate.steps,
            direct,
        )

    @cached_property
    def term_plan(self) -> TermPlan:
        """What multiplies the terms out."""
        return plan_terms(self.terms)

    def multiplications_of(self, agency: str) -> tuple[Multiplication, ...]:
        """Give the multiplications that an agency takes part in, in order."""
        place = self.agencies.index(agency)
        return tuple(one for one in self.term_plan.multiplications if place in (one.encryptor, one.multiplier))

    def cell_primes(self, people: int) -> tuple[int, ...]:
        """Give the number of primes of each cell's modulus.

        Raises:
            LocalFault: `sum-too-large`: four primes do not hold a cell.
        """
        return tuple(count_primes(cell.bound * people + cell.room) for cell in self.cells)

    def chain_primes(self, people: int) -> Mapping[Chain, int]:
        """Give the number of primes of each chain, and of all that it begins with: what the greediest of its cells needs."""
        needed: dict[Chain, int] = {}
        for cell, primes in zip(self.cells, self.cell_primes(people), strict=True):
            for _, term in cell.terms:
                chain = self.term_plan.chains[term]
                for length in range(2, len(chain) + 1):
                    part = chain[:length]
                    needed[part] = max(needed.get(part, 1), primes)
        return needed

    def layout(self, exchange: Multiplication, people: int, slots: int) -> Layout:
        """Give the layout of an exchange.

        Args:
            exchange: of this computation's term_plan.
            people: padded rows of all lists.
            slots: of the table.
        """
        primes = self.chain_primes(people)
        return Layout(
            left=len(exchange.columns),
            right=len(exchange.vectors),
            pairs=exchange.pairs,
            primes=tuple(primes.get(chain, 1) for chain in exchange.results),
            slots=slots,
            at_slots=exchange.at_slots,
        )

    def cells_digest(self) -> bytes:
        """Give 32 bytes that name this computation: what a share is signed over besides job and attempt."""
        numbers = [*self.columns, -1]
        for term in self.terms:
            numbers += [*(n for factor in term for n in factor), -1]
        for cell in self.cells:
            numbers += [cell.bound, *(n for term in cell.terms for n in term), -1]
            numbers += [cell.room, -2] if cell.room else []
        gate = () if self.gate is None else (self.gate.digest(),)
        return digest(
            "computation", frame(*(name.encode() for name in self.agencies)), ",".join(map(str, numbers)).encode(), *gate
        )


def cell_shares(
    computation: Computation, people: int, terms: Sequence[int], own: Sequence[int], zeros: Sequence[int]
) -> tuple[int, ...]:
    """Give this agency's share of each cell: its shares of terms put together, its own totals, and its share of zero.

    Args:
        computation: the cells.
        people: padded rows of all lists.
        terms: this agency's share of each term; 0 of one that it has no part in.
        own: per cell, what this agency adds by itself.
        zeros: per cell, this agency's share of zero; without it a third agency's desk could read `own` off a share.
    """
    shares = []
    for cell, primes, mine, zero in zip(computation.cells, computation.cell_primes(people), own, zeros, strict=True):
        total = sum(coefficient * terms[term] for coefficient, term in cell.terms)
        shares.append((total + mine + zero) % modulus(primes))
    return tuple(shares)


def open_cells(computation: Computation, people: int, sums: Sequence[int]) -> tuple[int, ...]:
    """Give the signed value of each cell from the sum of all agencies' shares."""
    return tuple(to_signed(total, primes) for total, primes in zip(sums, computation.cell_primes(people), strict=True))
