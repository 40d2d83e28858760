"""What can be counted of a dataset's records before there is a job: `tally node check`, `tally node datasets`, `tally lab check`.

Security: counts and names of columns, never values; `detail` of an error holds counts.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tallystick.core.agreement.declaration import DeclaredDataset
from tallystick.core.errors import TallyError
from tallystick.records.aliases import strangers
from tallystick.records.features import people_table
from tallystick.records.locked import quoted
from tallystick.records.reading import loaded


def survey(name: str, dataset: DeclaredDataset, folder: Path, *, max_memory_mib: int | None) -> dict[str, Any]:
    """Read a dataset whole and count: rows, people and how many it may have, who has each identifier, what was merged.

    Args:
        name: the dataset's.
        dataset: its declaration.
        folder: what the source's paths are relative to.
        max_memory_mib: what reading may take; None: as `locked.connect`.

    Returns:
        The counts; or, where the records cannot be read, `error`, `hint`, `detail` and `code`.
    """
    try:
        with loaded(name, dataset, folder, max_memory_mib=max_memory_mib) as records:
            table = people_table(records, name, where=None, used=(), derived={})
            usable = {key: int(sum(value is not None for value in values)) for key, values in table.identifiers.items()}
            missing = {
                column: int(records.connection.execute(f"SELECT count(*) - count({quoted(column)}) FROM records").fetchone()[0])  # noqa: S608 - quoted names
                for column in records.columns
            }
            report = {
                "rows": records.rows,
                "people": table.n,
                "at_most": dataset.people,
                "identifiers": usable,
                "missing": missing,
            }
            if dataset.aliases.most:
                who = [] if table.spellings is None else table.spellings.who.tolist()
                unknown = 0 if dataset.aliases.source is None else strangers(records.connection)[1]
                report["aliases"] = {"people": len(set(who)), "spellings": len(who), "unknown_rows": unknown}
            if records.duplicates is not None:
                report["duplicates"] = records.duplicates.json_value()
            return report
    except TallyError as error:
        return {"error": error.message, "hint": error.hint, "detail": error.detail, "code": error.code}
