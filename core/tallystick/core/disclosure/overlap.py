"""Which table is refused beside an earlier one that was opened, because of its measures, its totals or its columns."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from tallystick.core.agreement.model import Agreement
from tallystick.core.disclosure.families import Names
from tallystick.core.errors import Refused
from tallystick.core.job.model import Question


def check_overlap(
    question: Question, agreement: Agreement, kept: Iterable[Mapping[str, Any]], *, held: Collection[str] = ()
) -> None:
    """Check that no earlier table of the same people crosses this one: what opens of one was decided without the other.

    It crosses if it is by other columns of which the agencies' tests did not know, asks for other totals, or has a measure over one of the
    same columns in another condition or together with others.

    Args:
        question: of a job with a gate, or by the time since an event.
        agreement: that allows it.
        kept: tables of the same cohort, as the desk keeps them.
        held: digests of the jobs whose patterns the tests were held against (`totals/ledger.py`).

    Raises:
        Refused: `table-overlaps`.
    """
    names = Names.of(question, agreement)
    mine = sorted(meant for _, meant in names.by)
    tables = list(kept)
    earlier = [Names.read(one["names"]) for one in tables]
    others = [Names.read(one["names"]) for one in tables if one.get("job") not in held]
    if any(names.find_crossing(one) for one in earlier):
        raise _cross()
    if any(one.totals != names.totals for one in earlier):
        raise Refused(
            "table-overlaps",
            "a table of these people with other totals was opened before; what is hidden beside one total could follow from the other",
            hint="ask for the same totals as before, or about other people",
        )
    if any(sorted(meant for _, meant in one.by) != mine for one in others):
        raise Refused(
            "table-overlaps",
            "a table of these people by other columns or periods was opened before; with both, a cell that neither shows could follow",
            hint="ask by the same columns as before, or about other people; ask for the finest table first",
        )


def check_thresholds(question: Question, agreement: Agreement, kept: Iterable[Mapping[str, Any]]) -> None:
    """Check that no earlier table of a family has a measure that parts people by one of the same columns in another way.

    Counts of one condition in two tables are held against each other (`rules/differences.py`); those of two conditions are not, and their
    difference counts the people between two thresholds.

    Args:
        question: of a job without a gate.
        agreement: that allows it.
        kept: tables of the same family, as the desk keeps them.

    Raises:
        Refused: `table-overlaps`.
    """
    names = Names.of(question, agreement)
    if any(names.find_crossing(Names.read(one["names"]), parting=True) for one in kept):
        raise _cross()


def _cross() -> Refused:
    return Refused(
        "table-overlaps",
        "an earlier table of these people has a measure over one of these columns, together with others or in another condition; with "
        "both, the people between the two could follow",
        hint="ask for measures over the same columns and conditions as before, or about other people",
    )
