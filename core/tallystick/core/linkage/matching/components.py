"""Connected components, without a loop over nodes or edges."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Int64s = npt.NDArray[np.int64]


def components(count: int, a: Int64s, b: Int64s) -> Int64s:
    """Give each of `count` nodes the smallest node that links (a[i], b[i]) connect it with."""
    label = np.arange(count, dtype=np.int64)
    while True:
        low = np.minimum(label[a], label[b])
        before = label.copy()
        # the roots of both ends get the smaller root, then every node looks one step up
        np.minimum.at(label, label[a], low)
        np.minimum.at(label, label[b], low)
        label = label[label]
        if np.array_equal(label, before):
            return label
