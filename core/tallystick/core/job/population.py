"""Whom a job counts: its groups, whose they are, and the formula that keeps some of their people."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final, Literal

from tallystick.core.agreement.model import JoinKind
from tallystick.core.errors import Invalid
from tallystick.core.job.keep import Keep, parse_keep
from tallystick.core.job.model import Question

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
    """

    keep: Keep
    members: tuple[tuple[str, str], ...]

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

        The disclosure rules know how the rows of the first two add up.
        """
        if len(self.members) != PAIR or len(self.agencies) != PAIR:
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

    def may_lack(self, group: str) -> bool:
        """Tell whether somebody who is counted may not be in a group."""
        return group not in self.keep.always


def population_of(question: Question) -> Population:
    """Give the population of a question.

    Raises:
        Invalid: `job-invalid`: no formula, or one that makes no sense (`parse_keep`); a `join`, with the `keep` to write instead; groups
            of more agencies than a job may have; a group that is called as an operator is.
    """
    names = sorted(question.people)
    for name in names:
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
    keep = parse_keep(question.keep, names)
    members = tuple((name, question.people[name].agency) for name in names)
    agencies = {agency for _, agency in members}
    if len(agencies) > MAX_AGENCIES:
        raise Invalid(
            "job-invalid",
            f"a job uses the data of {MAX_AGENCIES} agencies at most, not {len(agencies)}",
            hint="leave groups out",
        )
    return Population(keep, members)


def _instead(question: Question, names: list[str]) -> str:
    """Give the line that says what a join of the first edition said."""
    match = _JOIN.match(question.join or "")
    if match is not None and {match[1], match[3]} <= set(names):
        return f"keep: {match[1]} and {match[3]}" if match[2] == "inner" else f"keep: {match[1]}"
    return f"keep: {' and '.join(names)}"
