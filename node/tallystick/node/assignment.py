"""An agency's part in one job, worked out from the contract alone: which groups are mine, and what their people are asked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from tallystick.core.contract import Contract
from tallystick.core.job.columns import columns_of, derivations_of, list_sources, split
from tallystick.core.job.conditions import check_condition, is_condition, list_columns_read
from tallystick.core.job.derive import Derivation
from tallystick.core.job.filters import SplitWhere, filter_of
from tallystick.core.job.model import People
from tallystick.core.job.passes import list_declared
from tallystick.core.job.population import PAIR
from tallystick.core.job.units import read_unit_column
from tallystick.core.statistics.columns import USABLE
from tallystick.core.statistics.plan import Factor
from tallystick.records.features import Windows

if TYPE_CHECKING:
    from tallystick.core.job.where import Condition


@dataclass(frozen=True)
class GroupAssignment:
    """What a job asks of one group of mine.

    Attributes:
        group: its name in the job.
    """

    group: str
    contract: Contract

    @property
    def people(self) -> People:
        """What the job says of it."""
        return self.contract.job.question.people[self.group]

    @cached_property
    def where(self) -> SplitWhere:
        """Its condition, checked and written out again: of rows, and of people."""
        return filter_of(self.people, self.contract.agreement.dataset_of(self.people.dataset))

    @cached_property
    def used(self) -> tuple[str, ...]:
        """The columns of its people, derived or not, that the plan reads, those of its conditions among them."""
        numbers = {name for name in self._names if read_unit_column(name, name, name)}
        return tuple(sorted(numbers | {column for name in self._names - numbers for column in list_columns_read(name)}))

    @cached_property
    def windows(self) -> Windows | None:
        """The parts of the calendar whose rows the plan tells apart, and what it reads of them; None where there are none."""
        follow = self.contract.plan.follow
        placed = [factor for factor in self._factors() if factor.at is not None]
        if follow is None or not placed:
            return None
        ranges = tuple(dict.fromkeys(factor.at for factor in placed if factor.at is not None))
        return Windows(split(follow.of)[1], ranges, _list_names(placed))

    @cached_property
    def conditions(self) -> dict[str, Condition]:
        """The conditions that are columns of the plan, by what it calls them, checked and written out again."""
        made = sorted(name for name in self._names if is_condition(name) and not read_unit_column(name, name, name))
        if not made:
            return {}
        columns = columns_of(self.contract.job.question, self.group, self.contract.agreement)
        return {name: check_condition(name, columns) for name in made}

    @cached_property
    def _names(self) -> frozenset[str]:
        return frozenset(_list_names(factor for factor in self._factors() if factor.at is None))

    @cached_property
    def derived(self) -> dict[str, Derivation]:
        """The group's derived columns, and the units that the plan reads."""
        dataset = self.contract.agreement.dataset_of(self.people.dataset)
        names = {*self.used, *(() if self.windows is None else self.windows.used)}
        numbers = {name: read_unit_column(name, dataset.employers, dataset.households) for name in sorted(names)}
        return {**derivations_of(self.people), **{name: number for name, number in numbers.items() if number is not None}}

    @property
    def read(self) -> frozenset[str]:
        """The declared columns that must be read from the source."""
        rows = self.where.rows.columns if self.where.rows is not None else frozenset()
        people = self.where.people.columns if self.where.people is not None else frozenset()
        names = {*self.used, *people, *(() if self.windows is None else self.windows.used)}
        sources = {source for name in names for source in list_sources(name, self.derived)} - {"*"}
        time = set() if self.windows is None else {self.windows.column}
        return frozenset(sources | rows | time)

    def _factors(self) -> Iterator[Factor]:
        plan, agency = self.contract.plan, self.people.agency
        for column in plan.columns_of(agency):
            yield from (factor for group, factor in column if group == self.group)
        for cell in plan.cells:
            for _, own in cell.own:
                if own.agency == agency:
                    yield from (factor for group, factor in own.column if group == self.group)


def _list_names(factors: Iterable[Factor]) -> tuple[str, ...]:
    """Give the columns that factors are over."""
    names: set[str] = set()
    for factor in factors:
        names |= {name for name, _ in factor.levels} | {*factor.values}
    return tuple(sorted(names - {USABLE}))


@dataclass(frozen=True)
class Assignment:
    """One agency's part; an agency that is the desk alone has no groups. What every party works out alike is the contract's."""

    me: str
    contract: Contract

    @cached_property
    def groups(self) -> tuple[GroupAssignment, ...]:
        """My groups of people, in the order of their names."""
        members = self.contract.plan.population.members
        return tuple(GroupAssignment(group, self.contract) for group, agency in members if agency == self.me)

    @property
    def side(self) -> int:
        """Which spelling of a pass's two my list uses: of two lists 0 for the first of `list_declared`; 0 of any other number."""
        agencies = list(list_declared(self.contract.job.question, self.contract.agreement))
        return agencies.index(self.me) if len(agencies) == PAIR else 0
