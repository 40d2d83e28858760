"""Who may use a guarded token: where the guard says nothing of a person, the rest must be that person's alone.

Guards part the people of a list: two of them who share all that a recipe takes hold two tokens if one has a number and the other has none.
So each would seem to be alone with what they share, and the wrong one could be linked. Therefore a person who may meet somebody without the
guard's field (whoever lacks it, and everybody where exactly one of two has it) has a token only if nobody else of the whole list has the
recipe's other fields, under any spelling. The list's owner checks that alone, as it checks shared tokens.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from tallystick.core.linkage.fields.fields import EITHER_ORDER
from tallystick.core.linkage.passes.hashing import Halves, Hasher
from tallystick.core.linkage.passes.kind import MISSING
from tallystick.core.linkage.passes.recipes import Recipe
from tallystick.crypto.codec import LENGTH
from tallystick.crypto.order import alike
from tallystick.crypto.tags import TokenColumn

Bools = npt.NDArray[np.bool_]
Int64s = npt.NDArray[np.int64]
Spelled = dict[tuple[str, int], TokenColumn]
"""Columns by the text of their recipe and the number of the spelling."""


def keep_alone_by_core(recipes: Mapping[str, Recipe], columns: Spelled, hasher: Hasher) -> Spelled:
    """Take away the tokens of people whom a guard says nothing of and who share the rest with another of their list.

    Args:
        recipes: by text, of the list's side.
        columns: of all of them, by text and spelling.
        hasher: the keys under which tokens are compared.
    """
    numbers = sorted({number for _, number in columns})
    shared: dict[str, dict[int, Bools]] = {}
    made = dict(columns)
    for text, recipe in recipes.items():
        if not recipe.guards:
            continue
        ends = {number: _ends(recipe, columns[text, number]) for number in numbers}
        if recipe.core not in shared:  # the passes of one core differ in their guards alone
            hashes = {number: hasher.hash_up_to(columns[text, number], ends[number][0]) for number in numbers}
            shared[recipe.core] = _find_shared(hashes, {number: columns[text, number].usable for number in numbers})
        for number in numbers:
            column = made[text, number]
            away = shared[recipe.core][number] & ends[number][1]
            if away.any():
                made[text, number] = replace(column, usable=column.usable & ~away)
    return made


def _ends(recipe: Recipe, column: TokenColumn) -> tuple[Int64s, Bools]:
    """Give where each token's guards begin, and whose token may meet one without a guard's field."""
    data = np.frombuffer(column.data, dtype=np.uint8)
    who = np.flatnonzero(column.usable)
    place = column.offsets[:-1][who].copy()
    core = sum(2 if part.field in EITHER_ORDER else 1 for part in recipe.parts)
    ends, weak = np.zeros(len(column.usable), dtype=np.int64), np.zeros(len(column.usable), dtype=np.bool_)
    for step in range(core + len(recipe.guards)):
        if step == core:
            ends[who] = place
        size = np.zeros(len(who), dtype=np.int64)
        for byte in range(LENGTH):
            size = size << 8 | data[place + byte]
        if step >= core:
            guard = recipe.guards[step - core]
            weak[who] |= guard.one or ((size == len(MISSING)) & (data[place + LENGTH] == ord(MISSING)))
        place += LENGTH + size
    return ends, weak


def _find_shared(hashes: Mapping[int, Halves], usable: Mapping[int, Bools]) -> dict[int, Bools]:
    """Tell by spelling whose hash another person has under any spelling."""
    numbers = list(hashes)
    people = len(usable[numbers[0]])
    person = np.tile(np.arange(people, dtype=np.int64), len(numbers))
    found = np.concatenate([hashes[number] for number in numbers])
    has = np.flatnonzero(np.concatenate([usable[number] for number in numbers]))
    order, new = alike(found[has, 0], found[has, 1])
    run = np.cumsum(new) - 1
    flags = np.zeros(len(person), dtype=np.bool_)
    if len(order):
        who = person[has[order]]
        start = np.flatnonzero(new)
        low, high = np.minimum.reduceat(who, start), np.maximum.reduceat(who, start)
        flags[has[order]] = (low != high)[run]
    return dict(zip(numbers, np.split(flags, len(numbers)), strict=True))
