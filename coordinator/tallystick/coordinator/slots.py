"""Places in the job's shared table: one for each cluster, one for each row without a match, all at random.

Security: an agency learns the slots of its own rows only. The table is as large as all padded lists together, whatever matched,
and the slots are a uniform choice without replacement: neither its size nor one list's slots say which of its rows matched.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from tallystick.coordinator.matching import Matches
from tallystick.core.errors import Broken
from tallystick.crypto.randomness import Randomness, permutation

Slots = npt.NDArray[np.uint32]


def shuffle_table(sizes: Sequence[int], randomness: Randomness) -> Slots:
    """Give the slots of the table for lists of so many rows in random order; it depends on nothing that is matched.

    Args:
        sizes: rows of each agency's padded list.
        randomness: a CSPRNG.

    Raises:
        Broken: `internal`: more than 2^32 slots.
    """
    if sum(sizes) > 1 << 32:
        raise Broken("internal", "the table is too large")
    return permutation(randomness, sum(sizes)).astype(np.uint32)


def assign_slots(matches: Matches, sizes: Sequence[int], table: Slots) -> tuple[list[Slots], int]:
    """Give each row its slot.

    Args:
        matches: the clusters.
        sizes: rows of each agency's padded list.
        table: of `shuffle_table`, drawn for this assignment alone.

    Returns:
        Per agency the slots of its rows, shape (rows,); and the table's size, the sum of `sizes`.

    Raises:
        Broken: `internal`: `matches` or `table` is of other lists.
    """
    if [len(cluster) for cluster in matches.cluster] != list(sizes) or len(table) != sum(sizes):
        raise Broken("internal", "matches or table are not of these lists")
    taken = matches.clusters
    slots = []
    for cluster in matches.cluster:
        number = cluster.copy()
        alone = np.flatnonzero(cluster < 0)
        number[alone] = taken + np.arange(len(alone))
        taken += len(alone)
        slots.append(table[number])
    return slots, len(table)
