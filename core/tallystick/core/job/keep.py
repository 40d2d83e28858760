"""The population that a job counts: a formula over its groups, as a polynomial of their presence.

    keep  = both { "or" both }
    both  = one { "and" one }
    one   = "not" one | "(" keep ")" | GROUP

Presence p of a group is 1 for a person whom the group has and 0 for anybody else, so `a and b` is a·b, `not a` is 1 - a, `a or b` is
a + b - a·b, and a·a is a. Every formula becomes one sum of products of different groups with whole coefficients:

    >>> parse_keep("care and not tanf", ("care", "tanf")).terms
    {('care',): 1, ('care', 'tanf'): -1}

Two formulas that keep the same people of every table have the same terms.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Final

from tallystick.core.errors import Invalid

MAX_TEXT: Final = 300
MAX_DEPTH: Final = 32
MAX_GROUPS: Final = 8

Groups = tuple[str, ...]
Terms = dict[Groups, int]
"""Coefficient of each product of groups; groups in the order of their names, no coefficient 0."""

_TOKEN: Final = re.compile(r"\s*(?:(?P<word>[A-Za-z_][A-Za-z0-9_.-]*)|(?P<mark>[()]))")
_OPERATORS: Final = frozenset({"and", "or", "not"})
_WORDS: Final = {
    "&": "write and",
    "|": "write or",
    "+": "write or",
    "!": "write not",
    "-": "write and not",
    "\\": "write and not",
}
"""What is meant by marks of other languages."""


@dataclass(frozen=True)
class Keep:
    """A checked formula.

    Attributes:
        text: the formula as it was written.
        terms: its polynomial; there is at least one term, and none without a group.
        named: the groups that the text names, in its order, each once.
    """

    text: str
    terms: Mapping[Groups, int] = field(hash=False)
    named: Groups

    @property
    def groups(self) -> Groups:
        """The groups that decide who is counted, in the order of their names."""
        return tuple(sorted({name for term in self.terms for name in term}))

    def holds(self, present: Collection[str]) -> bool:
        """Tell whether a person is counted whom just these groups have."""
        return bool(sum(coefficient for term, coefficient in self.terms.items() if set(term) <= set(present)))

    def terms_of(self, number: int, called: Mapping[str, str]) -> Terms:
        """Give the polynomial of the people counted whom just so many groups have.

        Its coefficient of a product of groups T is Σ over S ⊆ T of (-1)^(|T| - |S|), S of so many and kept (Möbius inversion).

        Args:
            number: of groups.
            called: what counts as one group, by each group of the job, whether the formula names it or not.
        """
        names = tuple(sorted(called))
        found: dict[Groups, int] = {
            some: int(len({called[name] for name in some}) == number and self.holds(some))
            for size in range(len(names) + 1)
            for some in combinations(names, size)
        }
        for name in names:
            for some in [one for one in found if name in one]:
                found[some] -= found[tuple(other for other in some if other != name)]
        return {term: coefficient for term, coefficient in found.items() if coefficient}

    @property
    def always(self) -> Groups:
        """The groups that have everybody who is counted, in the order of their names."""
        return tuple(name for name in self.groups if not any(self.holds(have) for have in _subsets(self.groups, without=name)))

    @property
    def never(self) -> Groups:
        """The groups that have nobody who is counted, in the order of their names."""
        return tuple(
            name for name in self.groups if not any(self.holds((*have, name)) for have in _subsets(self.groups, without=name))
        )


def parse_keep(text: str, groups: Collection[str], stacked: Mapping[str, Sequence[str]] | None = None) -> Keep:
    """Read a formula.

    Args:
        text: the formula.
        groups: the job's groups that it may name.
        stacked: of these, the groups that are one under a name, which means any of them.

    Raises:
        Invalid: `job-invalid`: it is no formula, names a group that the job lacks, counts people whom no group has (`not a`), or can
            count nobody (`a and not a`).
    """
    if len(text) > MAX_TEXT:
        raise _fault(f"keep is longer than {MAX_TEXT} characters", "write it shorter")
    stacks = stacked or {}
    if sum(len(stacks.get(name, (name,))) for name in groups) > MAX_GROUPS:
        raise _fault(f"a job has {MAX_GROUPS} groups at most", "leave groups out")
    reader = _Reader(_tokens(text), frozenset(groups), stacks)
    terms = reader.whole()
    if () in terms:
        names = [word for word in reader.words if word in groups]
        raise _fault(
            "keep counts people whom none of the groups has",
            _of_somebody(text.strip(), terms, {name: _any_of(stacks.get(name, (name,))) for name in (*names, *groups)}),
        )
    if not terms:
        raise _fault("keep counts nobody, whatever the records are", "take out the part that excludes everybody")
    return Keep(text, dict(sorted(terms.items())), tuple(reader.named))


class _Reader:
    """A reader by recursive descent that multiplies out as it reads."""

    def __init__(self, tokens: list[str], groups: frozenset[str], stacked: Mapping[str, Sequence[str]]) -> None:
        self._tokens = tokens
        self._at = 0
        self._depth = 0
        self._groups = groups
        self._stacked = stacked
        self.named: dict[str, None] = {}

    @property
    def words(self) -> list[str]:
        """What the text says, word by word."""
        return self._tokens

    def whole(self) -> Terms:
        terms = self._keep()
        if self._at < len(self._tokens):
            token = self._tokens[self._at]
            raise _fault(f"keep: `{token}` is not expected there", _instead(token, self._groups))
        return terms

    def _keep(self) -> Terms:
        terms = self._both()
        while self._take("or"):
            other = self._both()
            terms = _sum(_sum(terms, other), _product(terms, other), times=-1)
        return terms

    def _both(self) -> Terms:
        terms = self._one()
        while self._take("and"):
            terms = _product(terms, self._one())
        return terms

    def _one(self) -> Terms:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise _fault(f"keep is nested more than {MAX_DEPTH} deep", "write it simpler")
        try:
            if self._take("not"):
                return _sum({(): 1}, self._one(), times=-1)
            if self._take("("):
                terms = self._keep()
                if not self._take(")"):
                    raise _fault("keep: a parenthesis is not closed", "add )")
                return terms
            return self._group()
        finally:
            self._depth -= 1

    def _group(self) -> Terms:
        word = self._tokens[self._at] if self._at < len(self._tokens) else ""
        if not word or word in _OPERATORS or word == ")":
            raise _fault(
                f"keep: a group is missing {f'before `{word}`' if word else 'at the end'}", "name a group of people there"
            )
        if word not in self._groups:
            group, mark, _ = word.partition(".")
            if word.lower() in _OPERATORS:
                hint = f"write {word.lower()}"
            elif mark and group in self._groups:
                hint = f"write {group}: a formula is of groups, and where says which of their people"
            else:
                hint = f"people has: {', '.join(sorted(self._groups))}"
            raise _fault(f"keep names {word}, which is not in people", hint)
        self._at += 1
        parts = self._stacked.get(word, (word,))
        self.named |= dict.fromkeys(parts)
        return _any_of(parts)

    def _take(self, token: str) -> bool:
        found = self._at < len(self._tokens) and self._tokens[self._at] == token
        self._at += found
        return found


def _tokens(text: str) -> list[str]:
    tokens, at = [], 0
    end = len(text.rstrip())
    while at < end:
        match = _TOKEN.match(text, at)
        if match is None:
            mark = text[at:].strip()[:1]
            raise _fault(
                f"keep: `{mark}` is not understood", _WORDS.get(mark, "use group names, and, or, not, and parentheses")
            )
        tokens.append(match["word"] or match["mark"])
        at = match.end()
    return tokens


def _sum(one: Terms, other: Terms, times: int = 1) -> Terms:
    total = dict(one)
    for term, coefficient in other.items():
        total[term] = total.get(term, 0) + times * coefficient
    return {term: coefficient for term, coefficient in total.items() if coefficient}


def _product(one: Terms, other: Terms) -> Terms:
    total: Terms = {}
    for left, a in one.items():
        for right, b in other.items():
            term = tuple(sorted({*left, *right}))
            total[term] = total.get(term, 0) + a * b
    return {term: coefficient for term, coefficient in total.items() if coefficient}


def _any_of(parts: Sequence[str]) -> Terms:
    """Give the polynomial of the people whom some of these groups have."""
    terms: Terms = {}
    for part in parts:
        terms = _sum(_sum(terms, {(part,): 1}), _product(terms, {(part,): 1}), times=-1)
    return terms


def _of_somebody(text: str, terms: Terms, groups: Mapping[str, Terms]) -> str:
    """Give the smallest formula that counts of these people those whom some group has."""
    name = next((name for name, there in groups.items() if _product(there, terms)), None)
    if name is None:
        return "say of which group they are: put it into people, and write keep: GROUP and (" + text + ")"
    simple = "or" not in _tokens(text) and not text.startswith("(")
    return f"say who is counted: keep: {name} and {text if simple else f'({text})'}"


def _instead(found: str, groups: Collection[str]) -> str:
    """Say what to write where a formula could have ended."""
    word = found.lower()
    if word in _OPERATORS and word != found:
        return f"write {word}"
    if found == ")":
        return "take it out, or open it before"
    if found == "not":
        return "write and not"
    return f"write `and` or `or` {'before it' if found == '(' or found in groups else 'in its place'}"


def _subsets(groups: Groups, *, without: str) -> Iterator[tuple[str, ...]]:
    rest = [name for name in groups if name != without]
    for size in range(len(rest) + 1):
        yield from combinations(rest, size)


def _fault(message: str, hint: str) -> Invalid:
    return Invalid("job-invalid", message, hint=hint)
