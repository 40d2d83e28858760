"""What earlier tables of the same people, whose small cells nobody opened, leave to a new one: a ledger of patterns, kept at every node.

An entry says of a job's table which rows, counts of values and numbers of the report opened, by what they are and not by what the job calls
them. A table of the same people, linked alike, is held against all entries:

- It may be by columns that an entry has, all of them or fewer: each of its rows is a sum of that entry's rows. A row is hidden, and is not
  tested, if one of these is hidden. All others are known already: they are tested by themselves, so that they open, and that tells nothing.
- No total of it opens but as the sum of rows that all do: so what an earlier table hid beside a small row stays hidden.
- The same holds for each count of values, if an entry has it. Where all that have it are by other columns, it stays hidden; so it does if it is
  new and an entry shows matches of which it leaves some that nothing tests.
- A number of the report opens only if no entry hid it, or a part of it by level.

Entries are themselves of this kind, so one of them is by the columns of all others and more (the first one). Any other table is refused, with
what would pass. How much is tested, in how many messages, does not depend on the ledger: what an entry hides shows in no length.

Security: where the same records are linked again every answer to a test of a known row is known, and a hidden row is in no test. Records that
changed in between are not noticed (SECURITY.md).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from tallystick.core.agreement.model import Agreement
from tallystick.core.disclosure.families import Names, describe_column
from tallystick.core.errors import Refused
from tallystick.core.job.model import Question
from tallystick.core.moments import Count, Present, Sum
from tallystick.core.statistics.keys import GroupPeople, InAll, InGroup, InMargin, InRow, InSystems, Key, Matched, Usable
from tallystick.core.statistics.plan import Plan
from tallystick.crypto.statistic.gate import Fate

COUNT: Final = "count"
Entry = Mapping[str, Any]
"""An entry, as JSON: `job`, `linkage` (digest of its passes), `by`, `rows` (levels), `opened` (of each kind of count, of each row) and
`report` (of each number)."""


@dataclass(frozen=True)
class Restriction:
    """What stays closed of a plan, whatever is found, and is in no test.

    Attributes:
        rows: hidden rows.
        parts: for a count of values, or a sum of zeros and ones, the rows in which it is hidden.
        report: cells of the report.
        jobs: the jobs whose tables say so.
    """

    rows: frozenset[int] = frozenset()
    parts: Mapping[Present | Sum, frozenset[int]] = field(default_factory=dict)
    report: frozenset[int] = frozenset()
    jobs: frozenset[str] = frozenset()


@dataclass(frozen=True)
class NamedPlan:
    """A plan with what its numbers are, which does not depend on the job's names.

    Attributes:
        plan: the job's.
        question: what is asked.
        agreement: that allows it.
    """

    plan: Plan
    question: Question
    agreement: Agreement

    @property
    def by(self) -> list[str]:
        """What the columns are that part the rows, in the plan's order."""
        meant = dict(Names.of(self.question, self.agreement).by)
        return [meant[name] for name in self.plan.by]

    def name_part(self, part: Present | Sum) -> str:
        """Give what a count of values, or a sum of zeros and ones, is."""
        columns, among = (
            " & ".join(sorted({describe_column(name, self.question, self.agreement) for name in names}))
            for names in (part.columns, part.among if isinstance(part, Sum) else ())
        )
        return f"{'present' if isinstance(part, Present) else 'ones'} {columns}{f' of {among}' if among else ''}"

    @property
    def parts(self) -> list[Present | Sum]:
        """The counts among the moments of a row, but its own."""
        flags = {column for column, quantity in self.plan.quantities if quantity.flag}
        sums = [
            one for one in self.plan.moments if isinstance(one, Sum) and len(one.columns) == 1 and set(one.columns) <= flags
        ]
        return [*self.plan.present, *sums]

    def name_report(self) -> dict[int, str]:
        """Give what each cell of the report is, that may open."""
        called = {name: identity for identity, name in Names.of(self.question, self.agreement).groups.items()}
        meant = dict(Names.of(self.question, self.agreement).by)
        made: dict[int, str] = {}
        for at, cell in enumerate(self.plan.cells):
            place, number = cell.key.place, cell.key.number
            if isinstance(place, InRow | InMargin) or isinstance(number, InAll):
                continue
            where = ""
            if isinstance(place, InGroup):
                levels = zip(self.plan.group_by, self.plan.groups[place.index], strict=True)
                where = "group " + ", ".join(sorted(f"{meant[name]} = {level!r}" for name, level in levels)) + ": "
            match number:
                case GroupPeople(group):
                    made[at] = f"{where}people {called[group]}"
                case Usable(group):
                    made[at] = f"{where}usable {called[group]}"
                case Matched(pair):
                    groups = pair or self.plan.population.groups
                    made[at] = f"{where}matched {' & '.join(sorted(called[group] for group in groups))}"
                case InSystems(number_of):
                    made[at] = f"in {number_of}"
                case _:
                    pass
        return made


def describe_pattern(named: NamedPlan, *, job: str, linkage: str, fates: Sequence[Fate]) -> dict[str, Any]:
    """Give the entry of a job.

    Args:
        named: its plan.
        job: its digest.
        linkage: the digest of its passes.
        fates: what became of each cell.
    """
    plan = named.plan
    at = {cell.key: index for index, cell in enumerate(plan.cells)}

    def list_opened(number: Count | Present | Sum) -> list[bool]:
        keys = [Key(InRow(row), number) for row in range(len(plan.rows))]
        return [key not in at or fates[at[key]] == Fate.OPENED for key in keys]  # what has no cell is nobody

    return {
        "job": job,
        "linkage": linkage,
        "by": named.by,
        "rows": [list(levels) for levels in plan.rows],
        "opened": {COUNT: list_opened(Count()), **{named.name_part(part): list_opened(part) for part in named.parts}},
        "report": {name: fates[cell] == Fate.OPENED for cell, name in named.name_report().items()},
    }


def restrict_plan(named: NamedPlan, *, linkage: str, entries: Iterable[Entry]) -> Restriction | None:
    """Give what earlier tables leave closed of a plan; None if there are none.

    Args:
        named: the plan.
        linkage: the digest of its passes.
        entries: of jobs over the same people.

    Raises:
        Refused: `table-overlaps`: by columns that no earlier table has, or linked otherwise and by others.
    """
    mine, alike, jobs = set(named.by), [], set()
    for entry in entries:
        if entry["linkage"] == linkage:
            alike.append(entry)
            jobs.add(entry["job"])
        elif set(entry["by"]) != mine:
            raise _overlaps(entry["by"], "linked by the same passes")
        else:
            jobs.add(entry["job"])  # another ladder of one question: the desk holds the two against each other
    if not alike:
        return None
    finer = _find_finer(alike, mine)
    if finer is None:
        raise _overlaps(max((one["by"] for one in alike), key=len), "all of them or fewer")
    plan, parts = named.plan, {}
    for part in named.parts:
        name = named.name_part(part)
        have = [one for one in alike if name in one["opened"]]
        some = _find_finer(have, mine)
        if (have and some is None) or (not have and _bounds_matches(named, part, alike)):
            parts[part] = frozenset(range(len(plan.rows)))
        else:
            parts[part] = _list_hidden(named, some or [], name)
    report = {cell for cell, name in named.name_report().items() if any(_is_closed(name, one["report"]) for one in alike)}
    return Restriction(_list_hidden(named, finer, COUNT), parts, frozenset(report), frozenset(jobs))


def _find_finer(entries: Sequence[Entry], by: set[str]) -> list[Entry] | None:
    """Give the entries by these columns or more; None if none of them is by the columns of all entries."""
    every = set().union(*(one["by"] for one in entries)) if entries else set()
    finer = [one for one in entries if set(one["by"]) >= by]
    return finer if any(set(one["by"]) == every for one in finer) else None


def _list_hidden(named: NamedPlan, entries: Sequence[Entry], name: str) -> frozenset[int]:
    """Give the rows of which a part is hidden in an entry by the same columns or more."""
    shut = set()
    by = named.by
    for entry in entries:
        places = [entry["by"].index(meant) for meant in by]
        shut |= {
            tuple(levels[place] for place in places)
            for levels, opened in zip(entry["rows"], entry["opened"][name], strict=True)
            if not opened
        }
    return frozenset(row for row, levels in enumerate(named.plan.rows) if tuple(levels) in shut)


def _bounds_matches(named: NamedPlan, part: Present | Sum, entries: Sequence[Entry]) -> bool:
    """Tell whether a new count of values leaves some of matches that an entry shows: rows do not say who has its groups."""
    population = named.plan.population
    said = all(not population.may_lack(group) or f"{group}.present" in named.plan.by for group in _groups_of(named.plan, part))
    return not said and any(opened for one in entries for name, opened in one["report"].items() if "matched" in name)


def _groups_of(plan: Plan, part: Present | Sum) -> tuple[str, ...]:
    quantities = dict(plan.quantities)
    return tuple(dict.fromkeys(quantities[column].group for column in part.columns))


def _is_closed(name: str, report: Mapping[str, bool]) -> bool:
    """Tell whether an entry hid a number, or has levels of which it may be a sum."""
    by_level = name.startswith("group ") and any(one.startswith("group ") for one in report)
    return not report.get(name, not by_level)


def _overlaps(by: Sequence[str], how: str) -> Refused:
    columns = ", ".join(by) if by else "no column"
    return Refused(
        "table-overlaps",
        "a table of these people by other columns was opened before; with both, a cell that neither shows could follow",
        hint=f"ask by the columns of the earlier table ({columns}), {how}, or about other people; ask for the finest table first",
    )
