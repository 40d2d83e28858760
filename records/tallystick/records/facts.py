"""What a dataset's records say of themselves for linkage, as its declaration and its agreement have it: `tally node linkage`."""

from __future__ import annotations

from pathlib import Path

from tallystick.core.agreement.declaration import DeclaredDataset
from tallystick.core.agreement.model import LinkageFacts
from tallystick.core.linkage.quality.facts import count_facts
from tallystick.records.features import people_table
from tallystick.records.reading import load_dataset


def count_linkage(name: str, dataset: DeclaredDataset, folder: Path, *, max_memory_mib: int | None) -> LinkageFacts:
    """Read a dataset whole and count who has which field, and look-alikes by recipe, rounded.

    Args:
        name: the dataset's.
        dataset: its declaration.
        folder: what the source's paths are relative to.
        max_memory_mib: what reading may take; None: as `locked.connect`.

    Raises:
        As `loaded`.
    """
    with load_dataset(name, dataset, folder, max_memory_mib=max_memory_mib) as records:
        table = people_table(records, name, where=None, used=(), derived={})
    return LinkageFacts.of(count_facts(table.identifiers, table.n))
