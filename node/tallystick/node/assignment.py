"""An agency's part in one job, worked out from the contract alone: which side is mine, and what my people are asked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from tallystick.core.contract import Contract
from tallystick.core.job.derive import Derived, parse_derive
from tallystick.core.job.model import People
from tallystick.core.statistics.columns import USABLE
from tallystick.core.statistics.plan import Factor, Side

if TYPE_CHECKING:
    from tallystick.core.job.where import Condition


@dataclass(frozen=True)
class Assignment:
    """One agency's part. What every party works out alike is the contract's."""

    me: str
    contract: Contract

    @property
    def side(self) -> Side:
        """My side of the join. Pre-condition: `me` is one of the contract's agencies."""
        return "left" if self.contract.job.question.people[self.contract.plan.left].agency == self.me else "right"

    @property
    def group(self) -> str:
        """My group of people. Pre-condition: `me` is one of the contract's agencies."""
        return self.contract.plan.left if self.side == "left" else self.contract.plan.right

    @property
    def people(self) -> People:
        """What the job asks of my group."""
        return self.contract.job.question.people[self.group]

    @cached_property
    def where(self) -> Condition | None:
        """My group's condition, checked and written out again."""
        if self.people.where is None:
            return None
        from tallystick.core.job.where import parse_where  # a parser, which few jobs need

        return parse_where(self.people.where, self.contract.agreement.dataset_of(self.people.dataset).columns)

    @cached_property
    def used(self) -> tuple[str, ...]:
        """The columns of my people, derived or not, that the plan reads."""
        names = {name for factor in self._factors() for name, _ in factor.levels}
        names |= {name for factor in self._factors() for name in factor.values}
        return tuple(sorted(names - {USABLE}))

    @cached_property
    def derived(self) -> dict[str, Derived]:
        """The derived columns among `used`."""
        return {name: parse_derive(text) for name, text in sorted(self.people.derive.items()) if name in self.used}

    @property
    def read(self) -> frozenset[str]:
        """The declared columns that must be read from the source."""
        sources = {derived.column for derived in self.derived.values() if derived.column is not None}
        condition = self.where.columns if self.where is not None else frozenset()
        return frozenset(sources | condition | (set(self.used) - self.derived.keys()))

    def _factors(self) -> Iterator[Factor]:
        yield from self.contract.plan.left_columns if self.side == "left" else self.contract.plan.right_columns
        for cell in self.contract.plan.cells:
            yield from (own.factor for _, own in cell.own if own.side == self.side)
