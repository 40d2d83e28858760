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


def assigned_slots(matches: Matches, sizes: Sequence[int], randomness: Randomness) -> tuple[list[npt.NDArray[np.uint32]], int]:
    """Give each row its slot.

    Args:
        matches: the clusters.
        sizes: rows of each agency's padded list.
        randomness: a CSPRNG.

    Returns:
        Per agency the slots of its rows, shape (rows,); and the table's size, the sum of `sizes`.

    Raises:
        Broken: `internal`: `matches` is of other lists, or the table would have more than 2^32 slots.
    """
    table_size = sum(sizes)
    if [len(cluster) for cluster in matches.cluster] != list(sizes) or table_size > 1 << 32:
        raise Broken("internal", "matches are not of these lists, or the table is too large")
    places = permutation(randomness, table_size).astype(np.uint32)
    taken = matches.clusters
    slots = []
    for cluster in matches.cluster:
        number = cluster.copy()
        alone = np.flatnonzero(cluster < 0)
        number[alone] = taken + np.arange(len(alone))
        taken += len(alone)
        slots.append(places[number])
    return slots, table_size
