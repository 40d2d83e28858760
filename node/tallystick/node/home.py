"""Several groups of one agency as one list: whom two of them have is one person, by the person keys that they share.

The agreement says that the datasets have the same keys (`Dataset.keys`). A person's identifiers are those of the first group, in the
order of the groups' names, that has them; other spellings are those of the first group that the person is in.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from tallystick.core.job.bins import Range
from tallystick.core.linkage.passes.spellings import Spellings
from tallystick.core.statistics.columns import AgencyList, GroupMembers
from tallystick.records.features import PeopleTable

Strings = npt.NDArray[np.object_]
Int64s = npt.NDArray[np.int64]


@dataclass(frozen=True)
class HomeList:
    """An agency's list.

    Attributes:
        people: everybody whom a group has, in the order of their keys.
        identifiers: (n,) text or None, by name.
        spellings: other spellings; None where nobody has any.
    """

    people: AgencyList
    identifiers: dict[str, Strings] = field(repr=False)
    spellings: Spellings | None = field(repr=False)


def join_groups(tables: Mapping[str, PeopleTable]) -> HomeList:
    """Put an agency's groups together.

    Args:
        tables: by group, in the order of their names. Of more than one, each has its people's keys.
    """
    if len(tables) == 1:
        ((group, table),) = tables.items()
        people = AgencyList(table.n, {group: GroupMembers(table.columns, at=table.at)})
        return HomeList(people, dict(table.identifiers), table.spellings)
    keys = [table.keys if table.keys is not None else np.empty(0, dtype=object) for table in tables.values()]
    everybody, at = np.unique(np.concatenate(keys), return_inverse=True)
    n, places = len(everybody), np.split(at.astype(np.int64), np.cumsum([len(one) for one in keys])[:-1])
    first = np.full(n, len(tables), dtype=np.int64)
    identifiers: dict[str, Strings] = {}
    for number, (table, where) in reversed(list(enumerate(zip(tables.values(), places, strict=True)))):
        first[where] = number
        for name, values in table.identifiers.items():
            of_all = identifiers.setdefault(name, np.full(n, None, dtype=object))
            known = np.array([value is not None for value in values], dtype=np.bool_)
            of_all[where[known]] = values[known]
    groups = {
        group: GroupMembers(table.columns, where, _place(table.at, where))
        for (group, table), where in zip(tables.items(), places, strict=True)
    }
    return HomeList(AgencyList(n, groups), identifiers, _spellings(tables, places, first, identifiers))


def _place(at: Mapping[Range, GroupMembers], where: Int64s) -> dict[Range, GroupMembers]:
    """Give parts of the calendar with the places of the list in place of those of the group."""
    return {part: GroupMembers(one.columns, where if one.places is None else where[one.places]) for part, one in at.items()}


def _spellings(
    tables: Mapping[str, PeopleTable], places: list[Int64s], first: Int64s, identifiers: Mapping[str, Strings]
) -> Spellings | None:
    who: list[Int64s] = []
    numbers: list[Int64s] = []
    raw: dict[str, list[npt.NDArray[Any]]] = {name: [] for name in identifiers}
    for number, (table, where) in enumerate(zip(tables.values(), places, strict=True)):
        if table.spellings is None:
            continue
        there = where[table.spellings.who]
        mine = first[there] == number
        who.append(there[mine])
        numbers.append(table.spellings.number[mine])
        for name, of_all in identifiers.items():
            given = table.spellings.identifiers.get(name)
            raw[name].append(of_all[there[mine]] if given is None else given[mine])
    if not who:
        return None
    return Spellings(np.concatenate(who), np.concatenate(numbers), {name: np.concatenate(parts) for name, parts in raw.items()})
