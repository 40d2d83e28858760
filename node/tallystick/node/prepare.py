"""What an agency brings to an attempt: its people, read and checked, as tokens and columns. Runs in a thread; blocks.

Security: what is here stays in this process. The only thing kept of it is a keyed fingerprint, so that a later attempt over other
records is noticed before anything of it leaves (S-18).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from tallystick.core.errors import Refused
from tallystick.core.linkage.sharing import list_counts
from tallystick.core.linkage.similarity import band_columns
from tallystick.core.linkage.spellings import spelled_columns
from tallystick.core.linkage.tokens import with_any_token
from tallystick.core.sources.records import loaded
from tallystick.core.statistics.columns import USABLE, PersonColumn, own_totals, side_columns, usable_column
from tallystick.crypto.randomness import SystemRandomness
from tallystick.crypto.tags import TokenColumn
from tallystick.node.assignment import Assignment
from tallystick.node.config import NodeConfig
from tallystick.node.features import PeopleTable, people_table
from tallystick.node.fingerprint import fingerprint
from tallystick.node.ports import Storage

Int64s = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Prepared:
    """People, ready for the machine.

    Attributes:
        people: how many.
        passes: tokens by pass, strict to loose, the bands of a similarity pass last.
        columns: what the plan reads, with `#usable`.
        own: per cell, what this agency adds by itself.
    """

    assignment: Assignment
    people: int = field(repr=False)
    passes: Mapping[str, TokenColumn] = field(repr=False)
    columns: Mapping[str, PersonColumn] = field(repr=False)
    own: tuple[int, ...] = field(repr=False)

    def over_slots(self, slots: Int64s, table_size: int) -> Int64s:
        """Give my side's columns over the table."""
        return side_columns(self.assignment.plan, self.assignment.side, self.columns, slots, table_size)


def prepared(assignment: Assignment, config: NodeConfig, storage: Storage) -> Prepared:
    """Read my people and make tokens and columns of them.

    Raises:
        Invalid: `source-…`, `where-invalid`, `link-impossible`.
        Refused: `too-few`; `source-changed`: a share over other records has left already.
        Broken: `source-large`, `disk`.
    """
    table = people_of(assignment, config)
    floor = max(1, assignment.contract.agreement.min_people)
    if table.n < floor:
        raise Refused(
            "too-few",
            f"{assignment.group} has fewer people than the {floor} that the agreement asks for",
            hint="ask about more people",
        )
    storage.pin_table(assignment.job.hex(), fingerprint(table, secret=storage.secret(), job=assignment.job))
    side = ("left", "right").index(assignment.side)
    passes = spelled_columns(assignment.passes.exact, side, table.identifiers, table.n, table.spellings, SystemRandomness())
    if assignment.passes.similarity is not None:
        passes |= band_columns(assignment.passes.similarity, table.identifiers, table.n)
    columns = {**table.columns, USABLE: usable_column(with_any_token(passes, table.n))}
    bands = () if assignment.passes.similarity is None else assignment.passes.similarity.passes
    counts = list_counts(assignment.passes.exact, passes, table.n, SystemRandomness(), bands=bands)
    own = own_totals(assignment.plan, assignment.side, columns, table.n, counts)
    return Prepared(assignment, table.n, passes, columns, own)


def people_of(assignment: Assignment, config: NodeConfig) -> PeopleTable:
    """Read my people: only the columns that the job reads, from records that are closed again when it returns."""
    name = assignment.people.dataset
    with loaded(
        name, config.dataset(name), config.folder, max_memory_mib=config.file.max_memory_mib, columns=assignment.read
    ) as records:
        return people_table(
            records,
            assignment.group,
            where=None if assignment.where is None else assignment.where.sql,
            used=assignment.used,
            derived=assignment.derived,
        )
