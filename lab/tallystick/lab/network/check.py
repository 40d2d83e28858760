"""What can be said of a question before a lab's network runs: whether its files can be read, and what stands against it.

Everything stays on this machine. Counts are shown, never values.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from tallystick.client.checking import Report, report_on
from tallystick.core.agreement.declaration import DeclaredDataset
from tallystick.core.agreement.model import Agreement
from tallystick.core.errors import Invalid, Refused, TallyError
from tallystick.core.job.columns import PRESENT, derivations_of, list_sources, split
from tallystick.core.job.conditions import list_columns_read
from tallystick.core.job.filters import filter_of
from tallystick.core.job.model import Question
from tallystick.core.job.since import find_follow_up
from tallystick.lab.network.build import rehearsal_agreement
from tallystick.lab.network.model import Lab
from tallystick.records.features import people_table
from tallystick.records.reading import load_dataset
from tallystick.records.survey import survey


@dataclass(frozen=True)
class Checked:
    """What was found.

    Attributes:
        files: by dataset that the question names: its `agency`, and what `survey` counts or says.
        groups: people of each group whose records could be read and counted.
        report: of the question; its problems hold those of the files as well.
    """

    files: Mapping[str, Mapping[str, Any]]
    groups: Mapping[str, int]
    report: Report

    def json_value(self) -> dict[str, Any]:
        """Give it as a JSON value."""
        return {"files": {**self.files}, "groups": dict(self.groups), **self.report.json_value()}


def check_in_lab(lab: Lab, question: Question, people: Mapping[str, int]) -> Checked:
    """Read the files that a question asks about, then check it against the agreement that the lab would sign.

    Args:
        lab: the lab file.
        question: what would be asked.
        people: sizes of groups to estimate the work for, in place of those that are counted.

    Raises:
        Invalid: `agreement-contradiction`; `job-invalid`: sizes that fit no group.
    """
    owned = {name: (agency, entry) for agency, group in lab.file.agencies.items() for name, entry in group.datasets.items()}
    named = [name for name in dict.fromkeys(group.dataset for group in question.people.values()) if name in owned]
    files = {
        name: {"agency": owned[name][0], **survey(name, owned[name][1], lab.folder, max_memory_mib=None).json_value()}
        for name in named
    }
    unread: list[TallyError] = [_fault(found) for found in files.values() if "error" in found]
    document = rehearsal_agreement(lab, question)
    report = report_on(question, document, None, {})
    groups: dict[str, int] = {}
    if not report.problems:
        agreement = document.read(Agreement)
        for group, asked in question.people.items():
            if "error" not in files[asked.dataset]:
                try:
                    groups[group] = _group_size(lab, owned[asked.dataset][1], question, group, agreement)
                except TallyError as error:
                    unread.append(error)
    if people or groups.keys() == question.people.keys():
        report = report_on(question, document, None, {**groups, **people})
    return Checked(files, groups, replace(report, problems=[*unread, *report.problems]))


def _group_size(lab: Lab, dataset: DeclaredDataset, question: Question, group: str, agreement: Agreement) -> int:
    """Count a group's people as its node would, from the columns that the question reads of it.

    Raises:
        Invalid: `source-varies`, `source-bounds`, `where-invalid`, …
        Refused: `too-few`.
    """
    asked = question.people[group]
    where = filter_of(asked, agreement.dataset_of(asked.dataset))
    references = [*question.by, *(column for measure in question.measures for column in measure.columns)]
    named = question.find_part_name(group)
    follow = find_follow_up(question, agreement)
    if follow is not None:
        references.append(follow.event)
        if follow.by_rows and split(follow.of)[0] == named:
            references = []  # its columns may differ from period to period
    read = [column for owner, column in map(split, references) if owner == named and column not in {PRESENT, ""}]
    used = sorted({name for column in read for name in list_columns_read(column)})
    derived = derivations_of(asked)
    tested = frozenset() if where.people is None else where.people.columns
    columns = {source for name in {*used, *tested} for source in list_sources(name, derived)} - {"*"}
    columns |= frozenset() if where.rows is None else where.rows.columns
    with load_dataset(asked.dataset, dataset, lab.folder, max_memory_mib=None, columns=columns) as records:
        rows = None if where.rows is None else where.rows.sql
        table = people_table(records, group, where=rows, used=used, derived=derived, passing=where.people)
    least = max(1, agreement.min_people)
    if table.n < least:
        raise Refused(
            "too-few",
            f"{group} has fewer people than the {least} that the agreement asks for",
            hint="ask about more people",
        )
    return table.n


def _fault(found: Mapping[str, Any]) -> TallyError:
    detail = f" ({found['detail']})" if found["detail"] else ""
    return Invalid(found["code"], f"{found['error']}{detail}", hint=found["hint"])
