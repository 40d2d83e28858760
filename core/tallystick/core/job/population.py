"""Whom a job counts: its groups, whose they are, and the formula that keeps some of their people."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from typing import Final, Literal

from tallystick.core.agreement.model import JoinKind
from tallystick.core.errors import Invalid
from tallystick.core.job.keep import Keep, Terms, parse_keep
from tallystick.core.job.model import SYSTEMS, Question

MAX_AGENCIES: Final = 5
"""Agencies whose data one job may use: as many as the machines multiply columns of."""
PAIR: Final = 2
_JOIN: Final = re.compile(r"^\s*(\S+)\s+(inner|left)\s+(\S+)\s*$")
_WORDS: Final = ("and", "or", "not")

Shape = Literal["both", "first", "other"]


@dataclass(frozen=True)
class Population:
    """Who is counted.

    Attributes:
        keep: the formula.
        members: (group, its agency) of every group of the job, in the order of the groups' names.
        by_systems: whether rows say in how many groups a person is.
        stacked: (name, its parts) of the groups that are one together.
        followed: whether rows are of people of one group by the time since their event (`since.py`).
    """

    keep: Keep
    members: tuple[tuple[str, str], ...]
    by_systems: bool = False
    stacked: tuple[tuple[str, tuple[str, ...]], ...] = ()
    followed: bool = False

    @property
    def groups(self) -> tuple[str, ...]:
        """The groups, in the order of their names."""
        return tuple(group for group, _ in self.members)

    @cached_property
    def agency_of(self) -> Mapping[str, str]:
        """The agency of each group."""
        return dict(self.members)

    @property
    def agencies(self) -> tuple[str, ...]:
        """The agencies, in the order of their names."""
        return tuple(sorted(set(self.agency_of.values())))

    @property
    def shape(self) -> Shape:
        """Whether two agencies' groups are counted where both have a person (`a and b`), or all people of one of them (`a`), or otherwise.

        The disclosure rules know how the rows of the first two add up, unless these say in how many groups a person is, or since when.
        """
        if len(self.members) != PAIR or len(self.agencies) != PAIR or self.by_systems or self.followed:
            return "other"
        if dict(self.keep.terms) == {self.groups: 1}:
            return "both"
        return "first" if list(self.keep.terms.values()) == [1] else "other"

    @property
    def first(self) -> str:
        """The group whose people are all counted, where `shape` is `first`; otherwise the group that the formula names first.

        `b and a or a` counts all people of a, so the disclosure rules must take the rows to add up to them, not to those of b.
        """
        return self.keep.groups[0] if self.shape == "first" else self.keep.named[0]

    @property
    def second(self) -> str:
        """The other of two groups. Pre-condition: there are two."""
        return next(group for group in self.groups if group != self.first)

    @property
    def kinds(self) -> tuple[JoinKind, ...]:
        """What an agreement calls this population: it allows it by any of these words."""
        terms = dict(self.keep.terms)
        both, one = terms == {self.groups: 1}, [len(term) for term in terms] == [1]
        kinds: tuple[tuple[JoinKind, bool], ...] = (("inner", both), ("left", one), ("any", True))
        return tuple(kind for kind, holds in kinds if holds)

    @cached_property
    def systems(self) -> Mapping[int, Terms]:
        """In how many groups somebody who is counted can be, in order, and the polynomial of these people for each."""
        numbers = range(1, len(set(self._called.values())) + 1)
        return {number: terms for number in numbers if (terms := self.keep.terms_of(number, self._called))}

    def count_systems(self, have: Collection[str]) -> int:
        """Count these groups as `systems` does: stacked ones once."""
        return len({self._called[group] for group in have})

    @cached_property
    def _called(self) -> Mapping[str, str]:
        """What counts as one group, by each group."""
        return {group: group for group in self.groups} | {part: name for name, parts in self.stacked for part in parts}

    def parts_of(self, group: str) -> tuple[str, ...]:
        """Give the groups that are one together under a name; itself, if it is not stacked."""
        return dict(self.stacked).get(group, (group,))

    def may_lack(self, group: str) -> bool:
        """Tell whether somebody who is counted may not be in a group."""
        if group not in dict(self.stacked):
            return group not in self.keep.always
        others = sorted(set(self.groups) - set(self.parts_of(group)))
        return any(self.keep.holds(some) for size in range(len(others) + 1) for some in combinations(others, size))


def population_of(question: Question) -> Population:
    """Give the population of a question.

    Raises:
        Invalid: `job-invalid`: no formula, or one that makes no sense (`parse_keep`); a `join`, with the `keep` to write instead; groups
            of more agencies than a job may have; a group that is called as an operator is.
    """
    _check_stacked(question)
    names = list(question.groups)
    for name in (*names, *sorted(question.people)):
        if name in _WORDS:
            raise Invalid(
                "job-invalid", f"people: a group cannot be called {name}", hint="keep means and, or, not by these words"
            )
    if question.join is not None:
        raise Invalid(
            "job-invalid", "join is now keep, which says who is counted", hint=f"instead of join: {_instead(question, names)}"
        )
    if question.keep is None:
        raise Invalid("job-invalid", "keep is missing: it says who is counted", hint=f"keep: {' and '.join(names)}")
    keep = parse_keep(question.keep, names, question.stacked)
    by_systems = SYSTEMS in question.by
    if by_systems and SYSTEMS in names:
        raise Invalid(
            "job-invalid",
            f"by: {SYSTEMS} says in how many groups a person is, and a group is called {SYSTEMS}",
            hint="give the group another name",
        )
    if by_systems and len(names) < PAIR:
        raise Invalid("job-invalid", f"by: {SYSTEMS} of one group is 1 for everybody", hint=f"leave {SYSTEMS} out of by")
    members = tuple((name, people.agency) for name, people in sorted(question.people.items()))
    agencies = {agency for _, agency in members}
    if len(agencies) > MAX_AGENCIES:
        raise Invalid(
            "job-invalid",
            f"a job uses the data of {MAX_AGENCIES} agencies at most, not {len(agencies)}",
            hint="leave groups out",
        )
    stacked = tuple(sorted((question.stacked or {}).items()))
    return Population(keep, members, by_systems, stacked, followed=question.since is not None)


def _check_stacked(question: Question) -> None:
    """Check that stacked groups are of groups of people, each in one, and of different agencies.

    Raises:
        Invalid: `job-invalid`.
    """
    seen: dict[str, str] = {}
    for name, parts in sorted((question.stacked or {}).items()):
        if name in question.people:
            raise Invalid(
                "job-invalid", f"stacked: {name} is a group of people, too", hint="give the stacked group another name"
            )
        for part in parts:
            if part not in question.people:
                raise Invalid(
                    "job-invalid", f"stacked.{name}: people has no {part}", hint=f"it has: {', '.join(sorted(question.people))}"
                )
            if part in seen:
                raise Invalid("job-invalid", f"stacked: {part} stands twice", hint="name each group once")
            seen[part] = name
        agencies = [question.people[part].agency for part in parts]
        if len(set(agencies)) < len(agencies):
            raise Invalid(
                "job-invalid", f"stacked.{name}: two of its groups are of one agency", hint="stack groups of different agencies"
            )


def _instead(question: Question, names: list[str]) -> str:
    """Give the line that says what a join of the first edition said."""
    match = _JOIN.match(question.join or "")
    if match is not None and {match[1], match[3]} <= set(names):
        return f"keep: {match[1]} and {match[3]}" if match[2] == "inner" else f"keep: {match[1]}"
    return f"keep: {' and '.join(names)}"
