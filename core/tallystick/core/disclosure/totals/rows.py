"""Which sums of a table's rows somebody knows, and which are asked for: read off the rows' levels and the formula of who is counted.

An agency knows a sum of rows by itself where everybody in these rows is on its list, and it can tell from its list alone who is: the rows
have the same levels of its own columns, and which of its people are counted there does not depend on what other agencies have. Rows of
different periods since an event count the same people again, so a sum is of one period. Coarser sums follow from these and are not listed.
In how many groups a person is, and the columns of stacked groups, depend on what other agencies have: of rows that they part an agency
knows the sum, if any. An agency's people who are counted only if another agency has them, too, bound its rows from above, and those in its
part of a stacked group from below; such bounds are no totals, and the rule does not cover them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from itertools import combinations

from tallystick.core.disclosure.totals.design import TableTotal
from tallystick.core.disclosure.totals.earlier import Level, Region
from tallystick.core.job.columns import PRESENT, split
from tallystick.core.job.model import Totals
from tallystick.core.job.since import PERIOD
from tallystick.core.statistics.margins import list_margins


@dataclass(frozen=True)
class TableRows:
    """The rows of a table, and who is counted in them.

    Attributes:
        by: the columns that part the rows; `GROUP.present` says whether a person is in a group.
        rows: the level of each, for each row; all columns of a group are None where the person is not in it.
        agency_of: the agency of each group of the job.
        holds: whether a person is counted whom just these groups have.
    """

    by: tuple[str, ...]
    rows: tuple[tuple[Level, ...], ...]
    agency_of: Mapping[str, str]
    holds: Callable[[Collection[str]], bool]

    @property
    def regions(self) -> tuple[Region, ...]:
        """What each row holds."""
        return tuple({name: frozenset({level}) for name, level in zip(self.by, row, strict=True)} for row in self.rows)


def find_own_totals(table: TableRows) -> tuple[TableTotal, ...]:
    """Give the sums of rows that an agency knows by itself, the finest ones."""
    found = []
    for agency in sorted(set(table.agency_of.values())):
        own = {group for group, holder in table.agency_of.items() if holder == agency}
        mine = [at for at, name in enumerate(table.by) if split(name)[0] in own or name == PERIOD]
        alike: defaultdict[tuple[Level, ...], list[int]] = defaultdict(list)
        for index, row in enumerate(table.rows):
            alike[tuple(row[at] for at in mine)].append(index)
        known: dict[tuple[tuple[str, bool], ...], bool] = {}
        for levels, rows in alike.items():
            said = _presences([table.by[at] for at in mine], levels)
            key = tuple(sorted(said.items()))
            if key not in known:
                known[key] = _is_known(table, own, said)
            if known[key]:
                found.append(TableTotal(frozenset(rows), known_to=frozenset({agency})))
    return tuple(found)


def find_margins(table: TableRows, margins: Totals) -> tuple[TableTotal, ...]:
    """Give the totals that a job asks for, and untested the others that its table has.

    Args:
        table: of two columns or more; a table of one column, or of none, has only the sum of all rows.
        margins: which totals are tested: `rows`, of each combination of levels of all columns but the last; `columns`, of each level of
            the last; or none. The sum of all rows opens only if all rows or all tested totals do.
    """
    if margins == "none":
        return ()
    found = list_margins(table.by, table.rows)
    return tuple(TableTotal(one.rows, asked=True, untested=one.side != margins) for one in found)


def _presences(names: Sequence[str], levels: Sequence[Level]) -> dict[str, bool]:
    """Give what rows say of groups: whether their people are in them. A group whose columns have no presence beside them has everybody."""
    said: dict[str, bool] = {}
    for name, level in zip(names, levels, strict=True):
        group, column = split(name)
        if name == PERIOD:
            continue
        if column == PRESENT:
            said[group] = bool(level)
        else:
            said.setdefault(group, True)
    return said


def _is_known(table: TableRows, own: AbstractSet[str], said: Mapping[str, bool]) -> bool:
    """Tell whether an agency knows how many people are in rows that say this of its groups."""
    others = sorted(table.agency_of.keys() - own)
    counted = False
    for mine in _subsets(sorted(own)):
        if all((group in mine) == present for group, present in said.items()):
            answers = {table.holds((*mine, *have)) for have in _subsets(others)}
            if len(answers) > 1 or (not mine and answers == {True}):
                return False  # it depends on what others have, or they are not on the list
            counted |= answers == {True}
    return counted


def _subsets(groups: Sequence[str]) -> Iterator[tuple[str, ...]]:
    for size in range(len(groups) + 1):
        yield from combinations(groups, size)
