"""One person under several keys of one list: who is merged, by what, and what speaks against it.

Evidence is a declared id that two keys share, or a recipe's token that they share; ids first, then recipes from strict to loose.

1. A value that more than `MOST` keys share is a default or a household's, not a person's: it is no evidence, and counted.
2. Two keys that contradict each other (`apart.py`) are never one person, whatever else they share.
3. What one kind of evidence links is put together as connected components. If any two of a component contradict each other, or it
   has more than `MOST` keys, it cannot be told who of them belongs to whom, and none of its links is made.

All links of one kind of evidence are found before any is made, so the result depends neither on the order of the rows nor on the keys.

Security: sees identifiers in clear; only counts leave it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

from tallystick.core.linkage.matching.apart import Apart
from tallystick.core.linkage.matching.components import components
from tallystick.core.linkage.passes.kind import token_values
from tallystick.core.linkage.passes.recipes import Recipe
from tallystick.core.linkage.passes.tokens import Fields, Identifiers

Int64s = npt.NDArray[np.int64]

MOST: Final = 16
"""Keys that one person may have. A list's default values are shared by more."""
BETWEEN: Final = "others"
"""Why two keys are not put together that do not contradict each other: others, between them, do."""

_NONE: Final = np.empty(0, dtype=np.int64)


@dataclass(frozen=True)
class DuplicateEvidence:
    """What says that keys are one person: those with the same value.

    Attributes:
        name: what it is called in reports.
        keys: (m,): indices of keys; a pair (key, value) stands once.
        values: (m,): the same number for the same value.
    """

    name: str
    keys: Int64s = field(repr=False)
    values: Int64s = field(repr=False)


@dataclass(frozen=True)
class Duplicates:
    """Which keys of a list are one person. Counts only are for others to see.

    Attributes:
        person: (n,): the smallest index of a key of the same person.
        merged: by evidence, how many people fewer there are for it.
        contradicted: by what contradicts, pairs of keys with evidence that stay two people.
        common: by evidence, values that too many keys share.
    """

    person: Int64s = field(repr=False)
    merged: Mapping[str, int]
    contradicted: Mapping[str, int]
    common: Mapping[str, int]

    @property
    def keys(self) -> int:
        """How many keys the list has."""
        return len(self.person)

    @property
    def people(self) -> int:
        """How many people they are."""
        return self.keys - sum(self.merged.values())

    def json_value(self) -> dict[str, object]:
        """Give the counts; what is 0 is left out."""
        return {
            "keys": self.keys,
            "people": self.people,
            "merged": {name: count for name, count in self.merged.items() if count},
            "contradicted": dict(self.contradicted),
            "common": {name: count for name, count in self.common.items() if count},
        }


def duplicates(
    identifiers: Identifiers, n: int, recipes: Sequence[Recipe], declared: Sequence[DuplicateEvidence] = ()
) -> Duplicates:
    """Tell which of `n` keys are one person.

    Args:
        identifiers: raw values, one per key, by identifier.
        n: number of keys.
        recipes: strict to loose; these identifiers can make them.
        declared: ids that the agency declares to be a person's; they come before the recipes.
    """
    evidence = [*declared, *token_evidence(identifiers, recipes)]
    found = {one.name: _pairs(one) for one in evidence}
    involved = np.unique(np.concatenate([_NONE, *(end for a, b, _ in found.values() for end in (a, b))]))
    apart = Apart({name: np.asarray(raw, dtype=object)[involved] for name, raw in identifiers.items()})
    label = np.arange(len(involved), dtype=np.int64)
    merged: dict[str, int] = {}
    parted: list[tuple[Int64s, Int64s, Int64s]] = []
    for name, (a, b, _) in found.items():
        label, merged[name], refused = _join_clusters(label, np.searchsorted(involved, a), np.searchsorted(involved, b), apart)
        parted += refused
    person = np.arange(n, dtype=np.int64)
    person[involved] = involved[label]
    return Duplicates(person, merged, _reasons(parted, label), {name: common for name, (_, _, common) in found.items()})


def token_evidence(identifiers: Identifiers, recipes: Iterable[Recipe]) -> list[DuplicateEvidence]:
    """Give, for each recipe, who has which token; keys without a token are not in it."""
    fields = Fields(identifiers, {})
    evidence = []
    for recipe in recipes:
        parts = token_values(recipe, fields)
        values = parts[0].codes
        for part in parts[1:]:
            missing = (values < 0) | (part.codes < 0)
            values = np.where(missing, -1, values * (len(part.values) + 1) + part.codes)
            values = np.unique(values, return_inverse=True)[1] - int(missing.any())
        keys = np.flatnonzero(values >= 0)
        evidence.append(DuplicateEvidence(recipe.name, keys, values[keys]))
    return evidence


def _pairs(evidence: DuplicateEvidence) -> tuple[Int64s, Int64s, int]:
    """Give all pairs of keys with the same value, the smaller first, and how many values too many keys share."""
    order = np.lexsort((evidence.keys, evidence.values))
    keys, values = evidence.keys[order], evidence.values[order]
    run, size = np.unique(values, return_inverse=True, return_counts=True)[1:]
    kept = (size > 1) & (size <= MOST)
    keys, run = keys[kept[run]], run[kept[run]]
    firsts, seconds = [_NONE], [_NONE]
    for step in range(1, min(MOST, int(size.max(initial=1)))):
        same = np.flatnonzero(run[step:] == run[:-step])
        firsts.append(keys[same])
        seconds.append(keys[same + step])
    return np.concatenate(firsts), np.concatenate(seconds), int(np.count_nonzero(size > MOST))


def _join_clusters(
    label: Int64s, a: Int64s, b: Int64s, apart: Apart
) -> tuple[Int64s, int, list[tuple[Int64s, Int64s, Int64s]]]:
    """Put together whom pairs (a[i], b[i]) link.

    Args:
        label: of everybody involved, the smallest index of the same person.
        a: indices of people.
        b: as many.
        apart: what tells them apart.

    Returns:
        The new labels, how many people fewer there are, and pairs that are not made (first, second, reason).
    """
    new = label[a] != label[b]
    a, b = a[new], b[new]
    reason = apart.reasons(a, b)
    refused = [(a[reason >= 0], b[reason >= 0], reason[reason >= 0])]
    a, b = a[reason < 0], b[reason < 0]
    if not len(a):
        return label, 0, refused
    nodes, at = np.unique(np.stack([label[a], label[b]]), return_inverse=True)
    at = at.reshape(2, -1)
    component = components(len(nodes), at[0], at[1])
    bad = _find_mixed(label, nodes, component, apart)
    away = bad[component[at[0]]]
    refused.append((a[away], b[away], np.full(int(away.sum()), len(Apart.REASONS))))
    target = np.arange(len(label), dtype=np.int64)
    good = ~bad[component]
    target[nodes[good]] = nodes[component[good]]
    return target[label], int(np.count_nonzero(good & (component != np.arange(len(nodes))))), refused


def _find_mixed(label: Int64s, nodes: Int64s, component: Int64s, apart: Apart) -> npt.NDArray[np.bool_]:
    """Tell of which components two members contradict each other, or there are too many; shape (nodes,)."""
    members = np.flatnonzero(np.isin(label, nodes))
    of = component[np.searchsorted(nodes, label[members])]
    bad: npt.NDArray[np.bool_] = np.bincount(of, minlength=len(nodes)) > MOST
    first, second, _ = _pairs(DuplicateEvidence("", members, of))
    contrary = apart.reasons(first, second) >= 0
    place = np.empty(len(label), dtype=np.int64)
    place[members] = of
    bad[place[first[contrary]]] = True
    return bad


def _reasons(parted: Sequence[tuple[Int64s, Int64s, Int64s]], label: Int64s) -> dict[str, int]:
    """Count pairs that stayed two people, each once, by the first reason that was found."""
    first, second, reason = (
        (np.concatenate([_NONE, *column]) for column in zip(*parted, strict=True)) if parted else [_NONE] * 3
    )
    once = np.unique(first * len(label) + second, return_index=True)[1]
    still = once[label[first[once]] != label[second[once]]]
    names = (*Apart.REASONS, BETWEEN)
    counted = Counter(reason[still].tolist())
    return {names[code]: counted[code] for code in sorted(counted)}
