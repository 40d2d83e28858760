"""Other spellings of people's identifiers: a maiden name, a second way to write a name, another number.

A recipe between lists that use other spellings is several passes, one for each pair of a spelling of the left list and one of the
right: `ssn+last_name:4`, then `ssn+last_name:4@0.1` of first spellings with the right list's second, and so on. Each is a pass like any
other, so a person is one row, and stands once in every column, however many spellings there are.

Two rules keep spellings from saying more than they do. A token that a person has under two spellings stands under the first of them
alone. A token that one person has under another spelling, and somebody else under any, is ambiguous: nobody of the list has it (S-10).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from tallystick.core.linkage.duplicates import token_evidence
from tallystick.core.linkage.recipes import Recipe
from tallystick.core.linkage.tokens import Identifiers, token_columns
from tallystick.crypto.tags import TokenColumn

Int64s = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

FIRST: Final = (0, 0)
"""First spellings on both sides."""


@dataclass(frozen=True)
class Spellings:
    """Other spellings of some people of a list.

    Attributes:
        who: (m,): the index of the person.
        number: (m,): 1 for a person's second spelling, 2 for the third, …; none twice.
        identifiers: (m,) raw values by identifier, as complete as the first spelling's.
    """

    who: Int64s = field(repr=False)
    number: Int64s = field(repr=False)
    identifiers: Mapping[str, npt.NDArray[Any]] = field(repr=False)


def spelled(recipes: Iterable[Recipe], left: int, right: int) -> list[Recipe]:
    """Give a ladder's passes between a list with `left` other spellings and one with `right`.

    All pairs of spellings of a recipe come before the next recipe, those of first spellings before others.
    """
    pairs = sorted(((one, two) for one in range(left + 1) for two in range(right + 1)), key=lambda pair: (sum(pair), pair))
    return [
        recipe if pair == FIRST else replace(recipe, name=f"{recipe.name}@{pair[0]}.{pair[1]}", spelling=pair)
        for recipe in recipes
        for pair in pairs
    ]


def spelled_columns(
    recipes: Sequence[Recipe], side: int, identifiers: Identifiers, n: int, others: Spellings | None
) -> dict[str, TokenColumn]:
    """Give the tokens of `n` people at each pass, as `token_columns` does, each pass by its spelling.

    Args:
        recipes: passes that these identifiers can make, as `spelled` gives them.
        side: 0 for the left list, 1 for the right one.
        identifiers: raw values of first spellings, one per person, by identifier.
        n: number of people.
        others: other spellings; None if nobody has any.

    Raises:
        Invalid: as `token_columns`.
    """
    plain = {recipe.text: replace(recipe, name=recipe.text) for recipe in recipes}
    made = {(name, 0): column for name, column in token_columns(plain.values(), identifiers, n).items()}
    numbers = {recipe.spelling[side] for recipe in recipes} - {0}
    if others is None or not len(others.who):
        nobody = TokenColumn(b"", np.zeros(n + 1, dtype=np.int64), np.zeros(n, dtype=np.bool_))
        made |= {(name, number): nobody for name in plain for number in numbers}
    elif numbers:
        for number in numbers:
            columns = token_columns(plain.values(), _of(number, identifiers, n, others), n)
            made |= {(name, number): column for name, column in columns.items()}
        for name, away in _away(list(plain.values()), identifiers, n, others):
            for number in (0, *numbers):
                column = made[name, number]
                made[name, number] = replace(column, usable=column.usable & ~_at(number, away, n, others))
    return {recipe.name: made[recipe.text, recipe.spelling[side]] for recipe in recipes}


def _of(number: int, identifiers: Identifiers, n: int, others: Spellings) -> dict[str, npt.NDArray[Any]]:
    """Give the identifiers of one spelling, one per person; None for people who do not have it."""
    here = others.number == number
    raw = {}
    for name in identifiers:
        raw[name] = np.full(n, None, dtype=object)
        raw[name][others.who[here]] = others.identifiers[name][here]
    return raw


def _away(recipes: Sequence[Recipe], identifiers: Identifiers, n: int, others: Spellings) -> Iterable[tuple[str, Bools]]:
    """Tell, by recipe, of which spellings the token is not to be used; shape (n + others,), first spellings first."""
    both = {
        name: np.concatenate([np.asarray(raw, dtype=object), others.identifiers[name]]) for name, raw in identifiers.items()
    }
    person = np.concatenate([np.arange(n), others.who])
    number = np.concatenate([np.zeros(n, dtype=np.int64), others.number])
    for evidence in token_evidence(both, recipes):
        order = np.lexsort((number[evidence.keys], person[evidence.keys], evidence.values))
        rows, values = evidence.keys[order], evidence.values[order]
        away = np.zeros(len(person), dtype=np.bool_)
        if len(rows):
            new = np.concatenate([[True], values[1:] != values[:-1]])
            again = ~new & np.concatenate([[False], person[rows][1:] == person[rows][:-1]])
            run = np.cumsum(new) - 1
            people = np.bincount(run, weights=~again)
            other = np.bincount(run, weights=number[rows] > 0)
            away[rows] = again | ((people > 1) & (other > 0))[run]
        yield evidence.name, away


def _at(number: int, away: Bools, n: int, others: Spellings) -> Bools:
    """Give the part of `away` that is of one spelling, shape (n,)."""
    if not number:
        return away[:n]
    found = np.zeros(n, dtype=np.bool_)
    here = others.number == number
    found[others.who[here]] = away[n:][here]
    return found
