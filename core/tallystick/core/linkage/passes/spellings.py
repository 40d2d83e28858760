"""Other spellings of people's identifiers: a maiden name, a second way to write a name, another number.

A recipe between lists that use other spellings is several passes, one for each pair of a spelling of the left list and one of the
right: `ssn+last_name:4`, then `ssn+last_name:4@0.1` of first spellings with the right list's second, and so on. Each is a pass like any
other, so a person is one row, and stands once in every column, however many spellings there are.

Tokens of guarded recipes are used as `guarding.py` says. Two rules keep spellings from saying more than they do. A token that a person has
under two spellings stands under the first of them alone. A token that one person has under another spelling, and somebody else under any, is
ambiguous: nobody of the list has it (S-10).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from tallystick.core.linkage.passes.guarding import keep_alone_by_core
from tallystick.core.linkage.passes.hashing import Halves, Hasher
from tallystick.core.linkage.passes.recipes import Recipe
from tallystick.core.linkage.passes.tokens import Identifiers, find_list_days, token_columns
from tallystick.crypto.passes import FIRST
from tallystick.crypto.randomness import Randomness
from tallystick.crypto.tags import TokenColumn

Int64s = npt.NDArray[np.int64]


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


def expand_ladder(recipes: Iterable[Recipe], left: int, right: int) -> list[Recipe]:
    """Give a ladder's passes between a list with `left` other spellings and one with `right`.

    All pairs of spellings of a recipe come before the next recipe, those of first spellings before others.
    """
    pairs = sorted(((one, two) for one in range(left + 1) for two in range(right + 1)), key=lambda pair: (sum(pair), pair))
    return [replace(recipe, spelling=pair) for recipe in recipes for pair in pairs]


def build_spelled_columns(
    recipes: Sequence[Recipe],
    side: int,
    identifiers: Identifiers,
    n: int,
    others: Spellings | None,
    randomness: Randomness,
) -> dict[str, TokenColumn]:
    """Give the tokens of `n` people at each pass, as `token_columns` does, each pass by its spelling.

    Args:
        recipes: passes that these identifiers can make, as `expand_ladder` gives them.
        side: 0 for the left list, 1 for the right one.
        identifiers: raw values of first spellings, one per person, by identifier.
        n: number of people.
        others: other spellings; None if nobody has any.
        randomness: for the keys under which tokens are compared.

    Raises:
        Invalid: as `token_columns`.
    """
    plain = {recipe.text: replace(recipe.of_side(side), called=recipe.text, spelling=FIRST) for recipe in recipes}
    days = find_list_days(identifiers)
    made = {(name, 0): column for name, column in token_columns(plain.values(), identifiers, n, days).items()}
    numbers = {recipe.spelling[side] for recipe in recipes} - {0}
    spelled = sorted(numbers) if others is not None and len(others.who) else []
    for number in spelled:
        assert others is not None
        columns = token_columns(plain.values(), _of(number, identifiers, n, others), n, days)
        made |= {(name, number): column for name, column in columns.items()}
    hasher = Hasher(randomness)
    made = keep_alone_by_core(plain, made, hasher)
    if not spelled:
        nobody = TokenColumn(b"", np.zeros(n + 1, dtype=np.int64), np.zeros(n, dtype=np.bool_))
        made |= {(name, number): nobody for name in plain for number in numbers}
    else:
        for name in plain:
            of = {number: made[name, number] for number in (0, *spelled)}
            made |= {(name, number): column for number, column in _unambiguous(of, hasher).items()}
    return {recipe.name: made[recipe.text, recipe.spelling[side]] for recipe in recipes}


def _of(number: int, identifiers: Identifiers, n: int, others: Spellings) -> dict[str, npt.NDArray[Any]]:
    """Give the identifiers of one spelling, one per person; None for people who do not have it."""
    here = others.number == number
    raw = {}
    for name in identifiers:
        raw[name] = np.full(n, None, dtype=object)
        raw[name][others.who[here]] = others.identifiers[name][here]
    return raw


def _unambiguous(columns: Mapping[int, TokenColumn], hasher: Hasher) -> dict[int, TokenColumn]:
    """Take away the tokens that are not to be used, of one recipe's columns by spelling."""
    who = [np.flatnonzero(column.usable) for column in columns.values()]
    hashes = [_hashes(column, hasher) for column in columns.values()]
    # what nobody has under another spelling is not concerned
    concerned = np.isin(hashes[0][:, 0], np.concatenate(hashes[1:])[:, 0])
    who[0], hashes[0] = who[0][concerned], hashes[0][concerned]
    person, found = np.concatenate(who), np.concatenate(hashes)
    number = np.repeat(np.array(list(columns), dtype=np.int64), [len(one) for one in who])
    order = np.lexsort((number, person, found[:, 1], found[:, 0]))
    person, found, number = person[order], found[order], number[order]
    away = np.zeros(len(order), dtype=np.bool_)
    if len(order):
        new = np.concatenate([[True], (found[1:] != found[:-1]).any(axis=1)])
        again = ~new & np.concatenate([[False], person[1:] == person[:-1]])
        run = np.cumsum(new) - 1
        people, other = np.bincount(run, weights=~again), np.bincount(run, weights=number > 0)
        away = again | ((people > 1) & (other > 0))[run]
    kept = {}
    for which, column in columns.items():
        usable = column.usable.copy()
        usable[person[away & (number == which)]] = False
        kept[which] = replace(column, usable=usable)
    return kept


def _hashes(column: TokenColumn, hasher: Hasher) -> Halves:
    """Give the hashes of the usable tokens, in order."""
    data, offsets = column.usable_only()
    return hasher.hash(TokenColumn(bytes(data), offsets, np.ones(len(offsets) - 1, dtype=np.bool_)))
