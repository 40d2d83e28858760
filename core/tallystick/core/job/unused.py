"""Minimisation: a job asks for nothing that its answer does not need (M-11-02, "only the information needed").

A job names declared columns where it uses them, and derived ones in `derive` first. One that is derived and used nowhere would be read at its
agency for nothing. The rule holds for jobs under a license (`agreement/tiers.py`), not under an agreement of one file.
"""

from __future__ import annotations

from collections.abc import Iterator

from tallystick.core.agreement.model import Agreement
from tallystick.core.errors import Invalid, Refused, TallyError
from tallystick.core.job.columns import derivations_of, split
from tallystick.core.job.conditions import list_columns_read
from tallystick.core.job.derive import list_named
from tallystick.core.job.filters import filter_of
from tallystick.core.job.model import Question


def find_unused_columns(question: Question, agreement: Agreement) -> Iterator[TallyError]:
    """Give every derived column that no measure, `by`, `where`, `since`, `overall` or used derived column names: `column-unused`.

    What cannot be read is another rule's to refuse.
    """
    for group, people in question.people.items():
        try:
            made = derivations_of(people)
            where = filter_of(people, agreement.dataset_of(people.dataset)) if people.where is not None else None
        except (Invalid, Refused):
            continue
        used = _list_named(question, question.find_part_name(group))
        if where is not None:
            used |= {name for part in (where.rows, where.people) if part is not None for name in part.columns}
        waiting = [name for name in made if name in used]
        while waiting:
            inner = [name for name in list_named(made[waiting.pop()]) if name in made and name not in used]
            used |= {*inner}
            waiting += inner
        for name in made:
            if name not in used:
                yield Refused(
                    "column-unused",
                    f"people.{group}.derive: {name} is asked for, and no measure, by, where or other column uses it",
                    hint=f"leave {name} out: a job reads what its answer needs, and no more (OMB M-11-02)",
                )


def _list_named(question: Question, group: str) -> set[str]:
    """Give the columns of a group that measures, statistics of the table, `by` and `since` name."""
    columns = [column for measure in question.measures for column in measure.columns]
    columns += [column for one in question.overall or () for column in one.asked.of]
    columns += [*question.by, *(() if question.since is None else (question.since.event, question.since.of))]
    return {name for owner, text in map(split, columns) if owner == group for name in list_columns_read(text)}
