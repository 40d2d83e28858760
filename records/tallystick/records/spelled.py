"""What raw values of one identifier say: which of them are spelt alike, and which say nothing.

Two values are spelt alike if every field that recipes can make of the identifier is the same, missing ones too: `ANN` and `Ann`, but not
`García López` and `GarciaLopez`, whose parts differ.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from tallystick.core.linkage.fields.fields import FIELDS
from tallystick.core.linkage.fields.normalise import normalise

Int64s = npt.NDArray[np.int64]

NOTHING: Final = 2
"""How little a value says of which nothing can be made."""


def number_spellings(identifier: str, raw: npt.NDArray[Any] | Sequence[object]) -> tuple[Int64s, Int64s]:
    """Give, for each raw value of an identifier, a number that those spelt alike share, and how little it says.

    How little: 0 if it is the identifier, 1 if something can be made of it all the same (`xxx-xx-6789` is no SSN, and has its last
    four digits), 2 if nothing can. All that say nothing are spelt alike.
    """
    fields = [name for name, kind in FIELDS.items() if identifier in kind.sources and not kind.needs_all]
    made = np.stack([normalise(name, raw).codes for name in fields])
    alike = np.unique(made, axis=1, return_inverse=True)[1].reshape(-1).astype(np.int64)
    little = np.where(made[fields.index(identifier)] >= 0, 0, np.where((made >= 0).any(axis=0), 1, NOTHING))
    return alike, little.astype(np.int64)
