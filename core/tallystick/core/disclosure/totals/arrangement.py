"""How a design's numbers stand to each other, which decides how each of them is tested.

1. Totals that somebody knows already, and that share cells, are one table. If two of them cross, or if somebody knows a part of a total and
   not all its parts, the table is one *unit*: one test of all its cells.
2. An asked total joins the tree if it crosses none that is in it, holds no cell of a unit and none that was hidden before, and if whoever
   knows one of its parts knows all. Otherwise it is of the *rest*, which is never tested.
3. A total in the tree is the *group* of its largest parts. What was opened before is taken away from every total that holds it, as
   everybody can do: it is no member of a group, and a test of a total is of what it holds beside it (`net`).
4. A total on top of the tree that was not asked for, and of which all who know it know every part, has no group: nobody learns it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from tallystick.core.disclosure.totals.design import TableDesign
from tallystick.core.disclosure.totals.knowledge import (
    EVERYONE,
    TableNumber,
    find_knowers,
    list_numbers,
    own_totals,
    place_in_tree,
)
from tallystick.core.disclosure.totals.sums import Terms, add_terms, strike_bound


@dataclass(frozen=True)
class Arrangement:
    """A design, arranged. Numbers go by their index.

    Attributes:
        numbers: the cells in the plan's order, then each total once.
        at: for every total of the design, which number it is.
        parts: the largest parts of each total in the tree, in the plan's order.
        roots: what is tested by itself: numbers in no group and no unit.
        units: the cells of each table that is one unit.
        rest: totals that are never tested.
        public: what everybody can know before the table is tested.
        net: of each number, the sum of its cells that is not public.
        whole: the numbers that hold nothing public.
        depth: of each group, how many groups it stands in.
    """

    numbers: tuple[TableNumber, ...]
    at: tuple[int, ...]
    parts: Mapping[int, tuple[int, ...]]
    roots: tuple[int, ...]
    units: tuple[tuple[int, ...], ...]
    rest: frozenset[int]
    public: frozenset[int]
    net: Mapping[int, Terms]
    whole: frozenset[int]
    depth: Mapping[int, int]

    @property
    def groups(self) -> frozenset[int]:
        """The totals of `parts` whose members are held against them."""
        return frozenset(self.depth)

    @property
    def tested_units(self) -> tuple[tuple[int, ...], ...]:
        """The cells that are not public, of each unit of which none is hidden."""
        loose = (tuple(cell for cell in unit if cell not in self.public) for unit in self.units)
        return tuple(unit for unit in loose if unit and not any(self.numbers[cell].hidden for cell in unit))

    def is_tested(self, total: int) -> bool:
        """Tell whether a group's total is itself tested like a cell before its group is."""
        return total not in self.public and (self.depth[total] > 0 or self.numbers[total].asked)

    def members(self, total: int) -> tuple[int, ...]:
        """Give the parts of a group's total that nobody has opened before."""
        return tuple(part for part in self.parts[total] if part not in self.public)


def arrange(design: TableDesign) -> Arrangement:
    """Arrange a design's numbers."""
    numbers, at = list_numbers(design)
    units, tree = _units(numbers, own_totals(numbers))
    if design.one_unit:
        units, tree = (tuple(range(len(design.cells))),), frozenset()
    apart = frozenset(cell for unit in units for cell in unit)
    tree = _join_asked(design, numbers, at, tree, apart)
    parts = place_in_tree(numbers, tree)
    known = find_knowers(numbers, parts or {})
    assert parts is not None
    assert known is not None
    inside = {part for found in parts.values() for part in found}
    tops = [number for number in (*range(len(design.cells)), *sorted(tree)) if number not in inside and number not in apart]
    roots = tuple(_roots(numbers, parts, known, tops))
    depth = dict(_depths(parts, roots))
    rest = frozenset(number for number in at if number >= len(design.cells) and number not in depth)
    public = frozenset(n for n, number in enumerate(numbers) if number.public or EVERYONE in known.get(n, ()))
    net, whole = _net(design, numbers, parts, public)
    return Arrangement(numbers, at, parts, roots, units, rest, public, net, whole, depth)


def _net(
    design: TableDesign, numbers: Sequence[TableNumber], parts: Mapping[int, tuple[int, ...]], public: frozenset[int]
) -> tuple[dict[int, Terms], frozenset[int]]:
    """Give the sum of each cell, and of what each total of the tree holds beside what is public; and which numbers hold nothing public."""
    net = {cell: one.terms for cell, one in enumerate(design.cells)}
    whole: set[int] = set(net)
    for total in sorted(parts, key=lambda number: len(numbers[number].cells)):
        if public.isdisjoint(parts[total]) and whole.issuperset(parts[total]):
            whole.add(total)
        own = numbers[total].cell
        net[total] = (
            ((1, own),)
            if own is not None and total in whole
            else add_terms(net[part] for part in parts[total] if part not in public)
        )
    return net, frozenset(whole)


def _units(
    numbers: Sequence[TableNumber], known: Mapping[int, frozenset[str]]
) -> tuple[tuple[tuple[int, ...], ...], frozenset[int]]:
    """Give the cells of each table of known totals that is one unit, and the totals of the others."""
    units, tree = [], set()
    for table in _tables(numbers, known):
        parts = place_in_tree(numbers, table)
        if parts is None or find_knowers(numbers, parts) is None:
            units.append(tuple(sorted(set().union(*(numbers[total].cells for total in table)))))
        else:
            tree |= set(table)
    return tuple(units), frozenset(tree)


def _tables(numbers: Sequence[TableNumber], totals: Mapping[int, frozenset[str]]) -> list[list[int]]:
    """Give totals that share cells, directly or by way of others."""
    table_of: dict[int, int] = {}  # cell -> table
    tables: dict[int, list[int]] = {}
    for total in sorted(totals):
        cells = numbers[total].cells
        joined = sorted({table_of[cell] for cell in cells if cell in table_of})
        made = tables.setdefault(joined[0] if joined else total, [])
        for other in joined[1:]:
            made += tables.pop(other)
        made.append(total)
        whole = set(cells).union(*(numbers[one].cells for one in made)) if joined[1:] else cells
        table_of |= dict.fromkeys(whole, joined[0] if joined else total)
    return list(tables.values())


def _join_asked(
    design: TableDesign, numbers: Sequence[TableNumber], at: Sequence[int], tree: frozenset[int], apart: frozenset[int]
) -> frozenset[int]:
    """Give the totals of the tree with those asked ones that may join it, in the design's order."""
    joined = set(tree)
    holders: defaultdict[int, list[int]] = defaultdict(list)
    for total in tree:
        for cell in numbers[total].cells:
            holders[cell].append(total)
    for total in dict.fromkeys(at):
        number = numbers[total]
        candidate = number.asked and not number.public and not number.untested and len(number.cells) > 1
        if total in joined or not candidate or number.cells & apart or (number.hidden and not number.knowers):
            continue
        around = {other for cell in number.cells for other in holders[cell]}
        if all(numbers[other].cells < number.cells or numbers[other].cells > number.cells for other in around):
            parts = place_in_tree(numbers, [total, *(other for other in around if numbers[other].cells < number.cells)])
            if parts is not None and find_knowers(numbers, parts) is not None and not _too_wide(design, len(parts[total])):
                joined.add(total)
                for cell in number.cells:
                    holders[cell].append(total)
    return frozenset(joined)


def _too_wide(design: TableDesign, members: int) -> bool:
    """Tell whether a group cannot be tested on shares."""
    return design.widest_test is not None and strike_bound(design.min_cell, members) > design.widest_test


def _roots(
    numbers: Sequence[TableNumber],
    parts: Mapping[int, tuple[int, ...]],
    known: Mapping[int, frozenset[str]],
    tops: Sequence[int],
) -> Iterator[int]:
    """Give tops of the tree, and in place of one that tells nobody anything its parts."""
    for top in tops:
        number = numbers[top]
        if top in parts and (number.public or not number.asked):
            loose = [known.get(part, numbers[part].knowers) for part in parts[top]]
            if all(EVERYONE in knowers or number.knowers <= knowers for knowers in loose):
                yield from _roots(numbers, parts, known, parts[top])
                continue
        yield top


def _depths(parts: Mapping[int, tuple[int, ...]], tops: Sequence[int], depth: int = 0) -> Iterator[tuple[int, int]]:
    """Give every total from some downwards, and how many totals it stands in."""
    for top in tops:
        if top in parts:
            yield top, depth
            yield from _depths(parts, parts[top], depth + 1)
