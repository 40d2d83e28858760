"""A job over records, in the clear: the nodes' own code reads files and makes columns, and terms are added up without encryption.

People with the same key are one person at every agency. So a measure is tested from its job file to its row, in a fraction of a second.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from tallystick.core.agreement.declaration import DeclaredDataset
from tallystick.core.agreement.model import Agreement
from tallystick.core.contract import Contract
from tallystick.core.documents import sign_document
from tallystick.core.job.check import question_problems
from tallystick.core.job.model import Question
from tallystick.core.overall import list_operations
from tallystick.core.statistics.plan import Plan
from tallystick.node.assignment import Assignment
from tallystick.node.config import NodeConfig, NodeFile
from tallystick.node.prepare import prepare_records
from tallystick.node.storage.memory import MemoryNodeStorage
from tests.governance import agreement, identity, job, signed_agreement

AGENCIES = {"tanf": "human-services", "wages": "labor"}
RECIPE = "ssn+birth_date"


def declare(
    columns: Mapping[str, Mapping[str, Any]],
    employers: Mapping[str, str] | None = None,
    households: Mapping[str, str] | None = None,
) -> dict[str, dict[str, Any]]:
    """Give the declaration of each dataset, from its columns, and those which name employers and households."""
    fields = {"ssn": "ssn", "birth_date": "dob"}
    return {
        name: {"source": {"csv": f"{name}.csv"}, "person": "id", "people": 1000, "columns": dict(some), "identifiers": fields}
        | ({"employers": employers[name]} if employers and name in employers else {})
        | ({"households": households[name]} if households and name in households else {})
        for name, some in columns.items()
    }


def terms_of(
    columns: Mapping[str, Mapping[str, Any]],
    employers: Mapping[str, str] | None = None,
    households: Mapping[str, str] | None = None,
    **changes: Any,
) -> Agreement:
    """Give an agreement over these datasets that allows every measure."""
    declared = declare(columns, employers, households)
    datasets = {
        name: DeclaredDataset.read(one, what=name).to_dataset(AGENCIES[name]).json_value() for name, one in declared.items()
    }
    plain = {"stewards": {}, "approvers": {}, "disclosure": {"profile": "open"}, "joins": ["inner", "left", "any"]}
    return agreement(datasets=datasets, link=[RECIPE], operations=list(list_operations()), decoys=2, **(plain | changes))


def ask(**changes: Any) -> Question:
    """Give a question of the people whom both datasets have."""
    value: dict[str, Any] = {
        "agreement": "county",
        "purpose": "evaluation",
        "people": {name: {"agency": agency, "dataset": name} for name, agency in AGENCIES.items()},
        "keep": "tanf and wages",
        "measures": ["count"],
    }
    return Question.read(value | changes, what="job")


def open_in_clear(
    asked: Question,
    terms: Agreement,
    columns: Mapping[str, Mapping[str, Any]],
    frames: Mapping[str, pd.DataFrame],
    folder: Path,
) -> tuple[Plan, list[int]]:
    """Give a job's plan and its opened cells.

    Args:
        asked: the question.
        terms: `terms_of(columns)`.
        columns: of each dataset, as declared.
        frames: of each dataset, its rows; `id` is the person's key, and the other columns are under their names.
        folder: where files may stand.
    """
    assert [str(one) for one in question_problems(asked, terms, "ana")] == []
    employers = {name: one.employers for name, one in terms.datasets.items() if one.employers}
    households = {name: one.households for name, one in terms.datasets.items() if one.households}
    declared = declare(columns, employers, households)
    contract = job(terms, asked)
    part = Contract(contract, sign_document("job", contract, "ana", identity("ana")), terms, signed_agreement(terms))
    keys = sorted({str(key) for frame in frames.values() for key in frame["id"]})
    known = {key: f"{212_456_701 + at}" for at, key in enumerate(keys)}
    columns_of, owns = {}, []
    for name, frame in frames.items():
        told = frame.assign(ssn=[known[str(key)] for key in frame["id"]], dob="1980-02-29")
        told.to_csv(folder / f"{name}.csv", index=False)
        agency = AGENCIES[name]
        file = {"agency": agency, "coordinator": {"address": "127.0.0.1:1"}, "datasets": {name: declared[name]}}
        made = prepare_records(
            Assignment(agency, part), NodeConfig(NodeFile.read(file, what="node"), folder), MemoryNodeStorage()
        )
        mine = sorted({str(key) for key in frame["id"]}, key=str.encode)
        assert made.people == len(mine)
        columns_of[agency] = made.over_slots(np.array([keys.index(key) for key in mine]), len(keys))
        owns.append(made.own)
    values = [[int(value) for value in columns_of[part.plan.agencies[at]][column]] for at, column in _factors(part.plan)]
    place = {factor: values[index] for index, factor in enumerate(_factors(part.plan))}
    products = [
        sum(one * other for one, other in zip(*(place[factor] for factor in term), strict=True)) for term in part.plan.terms
    ]
    sums = [sum(coefficient * products[term] for coefficient, term in cell.terms) for cell in part.plan.cells]
    return part.plan, [total + sum(own[at] for own in owns) for at, total in enumerate(sums)]


def _factors(plan: Plan) -> list[tuple[int, int]]:
    return list(dict.fromkeys(factor for term in plan.terms for factor in term))
