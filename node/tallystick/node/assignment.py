"""An agency's part in one job, worked out from the contract alone: who takes part, which side is mine, what is computed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from tallystick.core.job.bounds import most_rows
from tallystick.core.job.check import participants
from tallystick.core.job.derive import Derived, parsed_derive
from tallystick.core.job.model import People
from tallystick.core.job.passes import Passes, passes_of
from tallystick.core.statistics.columns import USABLE
from tallystick.core.statistics.computation import computation_of
from tallystick.core.statistics.plan import Factor, Plan, Side
from tallystick.core.statistics.rulebook import plan_job
from tallystick.crypto.statistic.computation import Computation
from tallystick.node.approvals import Contract

if TYPE_CHECKING:
    from tallystick.core.job.where import Condition


@dataclass(frozen=True)
class Assignment:
    """One agency's part; the properties are the same at every party, except those about `me`."""

    me: str
    contract: Contract

    @property
    def job(self) -> bytes:
        """The job's digest, 32 bytes."""
        return bytes.fromhex(self.contract.document.digest)

    @cached_property
    def participants(self) -> tuple[str, ...]:
        """The agencies whose data the job uses, in name order, and the desk where it is another."""
        return participants(self.contract.job, self.contract.agreement)

    @cached_property
    def agencies(self) -> tuple[str, ...]:
        """The agencies whose data the job uses, in name order."""
        return tuple(sorted({people.agency for people in self.contract.job.question.people.values()}))

    @property
    def desk(self) -> str:
        """Where the result is looked at. Pre-condition: the agreement names one (`allowed_job` has checked it)."""
        desk = self.contract.agreement.release.desk
        assert desk is not None
        return desk

    @cached_property
    def plan(self) -> Plan:
        """What is computed; `allowed_job` has found that it can be."""
        return plan_job(self.contract.job.question, self.contract.agreement)

    @cached_property
    def computation(self) -> Computation:
        """The same as the cryptography sees it."""
        people = self.contract.job.question.people
        return computation_of(self.plan, {"left": people[self.plan.left].agency, "right": people[self.plan.right].agency})

    @cached_property
    def passes(self) -> Passes:
        """The linkage passes."""
        return passes_of(self.contract.job.question, self.contract.agreement)

    @cached_property
    def most_rows(self) -> Mapping[str, int]:
        """The most rows that each agency's padded list may have."""
        return most_rows(self.contract.job.question, self.contract.agreement)

    @property
    def side(self) -> Side:
        """My side of the join. Pre-condition: `me` is one of `agencies`."""
        return "left" if self.contract.job.question.people[self.plan.left].agency == self.me else "right"

    @property
    def group(self) -> str:
        """My group of people. Pre-condition: `me` is one of `agencies`."""
        return self.plan.left if self.side == "left" else self.plan.right

    @property
    def people(self) -> People:
        """What the job asks of my group."""
        return self.contract.job.question.people[self.group]

    @cached_property
    def where(self) -> Condition | None:
        """My group's condition, checked and written out again."""
        if self.people.where is None:
            return None
        from tallystick.core.job.where import parsed_where  # a parser, which few jobs need

        return parsed_where(self.people.where, self.contract.agreement.dataset_of(self.people.dataset).columns)

    @cached_property
    def used(self) -> tuple[str, ...]:
        """The columns of my people, derived or not, that the plan reads."""
        names = {name for factor in self._factors() for name, _ in factor.levels}
        names |= {name for factor in self._factors() for name in factor.values}
        return tuple(sorted(names - {USABLE}))

    @cached_property
    def derived(self) -> dict[str, Derived]:
        """The derived columns among `used`."""
        return {name: parsed_derive(text) for name, text in sorted(self.people.derive.items()) if name in self.used}

    @property
    def read(self) -> frozenset[str]:
        """The declared columns that must be read from the source."""
        sources = {derived.column for derived in self.derived.values() if derived.column is not None}
        condition = self.where.columns if self.where is not None else frozenset()
        return frozenset(sources | condition | (set(self.used) - self.derived.keys()))

    def _factors(self) -> Iterator[Factor]:
        yield from self.plan.left_columns if self.side == "left" else self.plan.right_columns
        for cell in self.plan.cells:
            yield from (own.factor for _, own in cell.own if own.side == self.side)
