"""Templates over the region, in memory: the nodes' own code reads its files, terms are added up in the clear, and a desk makes the result.

A person's slot is the person's place in the region's truth, so links are the true ones; what linkage finds is others' to test.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from tallystick.client.answer import Answer, build_answer
from tallystick.client.asking import new_job
from tallystick.client.templates.fill import fill_template
from tallystick.client.templates.model import load_templates
from tallystick.core.agreement.model import Agreement, CoordinatorParty, Disclosure
from tallystick.core.clock import FixedClock
from tallystick.core.contract import Contract
from tallystick.core.documents import SignedDocument, sign_document
from tallystick.core.job.approval import find_required
from tallystick.core.job.model import Job, Question
from tallystick.core.keyfile import new_identity
from tallystick.core.linkage.quality.report import LinkageCounts, encode_report
from tallystick.core.released import Released
from tallystick.core.results import plain
from tallystick.core.statistics.columns import USABLE, AgencyList, agency_columns, own_totals, usable_column
from tallystick.core.statistics.plan import Plan
from tallystick.core.statistics.table import linkage_numbers, table
from tallystick.core.yaml import load_yaml
from tallystick.crypto.envelope import SealingKey
from tallystick.crypto.statistic.desk import Opened
from tallystick.lab.network.build import LabKeys, agreement_of, sign_by_all
from tallystick.lab.network.model import Lab, read_lab
from tallystick.lab.region.write import generate_region
from tallystick.node.assignment import Assignment
from tallystick.node.config import NodeConfig, NodeFile
from tallystick.node.desk import Desk
from tallystick.node.home import join_groups
from tallystick.node.ports import KeptJob
from tallystick.node.prepare import people_of
from tallystick.node.storage.memory import MemoryNodeStorage
from tallystick.records.features import PeopleTable
from tallystick.records.registry import node_entry
from tests.e2e import clear
from tests.governance import approval, identity

Lists = dict[str, tuple[AgencyList, np.ndarray[Any, Any]]]
"""By agency: its people, and the place of each."""
NOW: Final = datetime(2026, 6, 1, 12, tzinfo=UTC)
ANALYST: Final = "analyst"


def write_example(name: str) -> str:
    """Give a template's job over the region."""
    template = load_templates()[name]
    return fill_template(name, template, {one.name: one.example for one in template.parameters}, "region", "rehearsal")


def ask_example(name: str) -> Question:
    """Give a template's question over the region."""
    return Question.read(load_yaml(write_example(name), what=name), what=name)


@dataclass(frozen=True)
class Opening:
    """A job whose cells were opened in the clear: its part, plan, and the value of each cell."""

    part: Assignment
    values: list[int]

    @property
    def plan(self) -> Plan:
        """The job's plan."""
        return self.part.contract.plan

    @property
    def rows(self) -> list[dict[str, Any]]:
        """The table before any rule of disclosure."""
        return table(self.plan, self.values)

    @property
    def linkage(self) -> dict[str, Any]:
        """The numbers of the linkage report before any rule of disclosure."""
        return dict(linkage_numbers(self.plan, self.values))


class RegionRoom:
    """The region of so many people, and all its agencies in one room."""

    def __init__(self, folder: Path, people: int) -> None:
        self.folder = folder
        self.lab: Lab = read_lab(generate_region(folder, people).programs)
        self.truth = pd.read_csv(folder / "truth.csv", dtype=str, keep_default_na=False)

    @cached_property
    def person_of(self) -> dict[tuple[str, str], int]:
        """The person of each dataset's key."""
        return {(dataset, key): int(person) for dataset, key, person in self.truth.itertuples(index=False)}

    def terms(self, profile: str) -> SignedDocument:
        """Give an agreement of all agencies that allows everything under a profile."""
        keys = LabKeys({name: identity(name) for name in self.lab.file.agencies}, identity(ANALYST))
        made = agreement_of(
            self.lab,
            name="region",
            purposes=("rehearsal",),
            parties={name: one.key for name, one in keys.agencies.items()},
            analysts={ANALYST: keys.analyst.key},
            coordinator=CoordinatorParty(key=new_identity().key, sealing_key=SealingKey.generate().public.hex()),
            start=NOW.replace(year=2025),
            end=NOW.replace(year=2027),
        )
        hides = Disclosure.read({"profile": profile}, what="disclosure")
        return sign_by_all(made.model_copy(update={"disclosure": hides}), keys)

    def open_in_clear(self, question: Question, profile: str, *, linked: bool = False) -> Opening:
        """Ask a question of everybody's records.

        Args:
            question: what is asked.
            profile: of the agreement.
            linked: people are whom the agreement's recipes link (`tests/e2e/clear.py`), not whom the truth says.
        """
        agreed = self.terms(profile)
        terms = agreed.read(Agreement)
        document, _ = new_job(question, terms, terms.digest(), identity(ANALYST), now=NOW)
        contract = Contract(document.read(Job), document, terms, agreed)
        lists: Lists = {}
        named: dict[str, tuple[list[str], list[str]]] = {}
        beyond = int(max(self.person_of.values())) + 1
        for agency in contract.plan.agencies:
            config = self._config(agency)
            groups = Assignment(agency, contract).groups
            tables = {one.group: people_of(one, config, keyed=True) for one in groups}
            places: dict[str, int] = {}
            taken: set[int] = set()
            for one in groups:
                for key in _keys(tables[one.group]):
                    person = self._person(one.people.dataset, key)
                    if key not in places:
                        if person is None or person in taken:  # two keys of one person, or a key that no truth knows
                            beyond, person = beyond + 1, beyond
                        places[key] = person
                        taken.add(person)
            people = _with_usable(join_groups(tables).people)
            lists[agency] = (people, np.array([places[key] for key in sorted(places)], dtype=np.int64))
            named[agency] = (sorted({one.people.dataset for one in groups}), sorted(places))
        if linked:
            lists, beyond = self._link(lists, named)
        plan = contract.plan
        columns = {agency: agency_columns(plan, agency, people, at, beyond) for agency, (people, at) in lists.items()}
        counted = {own.counted: 0 for cell in plan.cells for _, own in cell.own if own.counted is not None}
        owns = [own_totals(plan, agency, people, counted) for agency, (people, _) in lists.items()]
        plan = contract.plan
        products = []
        for term in plan.terms:
            product = np.ones(beyond, dtype=object)
            for at, column in term:
                product = product * columns[plan.agencies[at]][column]
            products.append(int(product.sum()))
        sums = [sum(coefficient * products[term] for coefficient, term in cell.terms) for cell in plan.cells]
        values = [total + sum(own[at] for own in owns) for at, total in enumerate(sums)]
        return Opening(Assignment(self.lab.desk, contract), values)

    def _link(self, lists: Lists, named: dict[str, tuple[list[str], list[str]]]) -> tuple[Lists, int]:
        """Give each list's people the places that the agreement's recipes link them to, and how many places there are."""
        tokens = {}
        for agency, (datasets, keys) in named.items():
            entries = [self.lab.file.agencies[agency].datasets[dataset] for dataset in datasets]
            entry = entries[0]  # the others have the same keys and identifiers
            person = entry.person if entry.relation is None else entry.relation.person
            sources = [one.source if one.relation is None else one.relation.source for one in entries]
            rows = pd.concat([clear.read(self.folder, str(one.settings).removesuffix(".csv")) for one in sources])
            fields: dict[str, str] = {name: column for name, column in entry.identifier_columns.items() if name in clear.RULES}
            found = clear.identifiers(rows, person, keys, fields)
            tokens[agency] = [clear.tokens(found, recipe) for recipe in self.lab.file.agreement.link]
        places = {agency: np.full(len(keys), -1, dtype=np.int64) for agency, (_, keys) in named.items()}
        clusters = clear.clusters(tokens)
        for at, cluster in enumerate(clusters):
            for agency, place in cluster.items():
                places[agency][place] = at
        assert all((some >= 0).all() for some in places.values())
        return {agency: (people, places[agency]) for agency, (people, _) in lists.items()}, len(clusters)

    def release(self, opening: Opening) -> Answer:
        """Let the desk make the result, and give it as people read it."""
        contract = opening.part.contract
        storage = MemoryNodeStorage()
        storage.add_job(KeptJob(contract.digest.hex(), contract.document.encode(), NOW))
        desk = Desk(self.lab.desk, identity(self.lab.desk), storage, FixedClock(NOW), "auto")
        counts = LinkageCounts(tuple(0 for _ in contract.passes.told), None)
        report = encode_report(counts, job=contract.digest, attempt=1, passes=contract.passes.digest)
        approvals = [_approve(contract, agency) for agency in find_required(contract.job, contract.agreement).agencies]
        record = desk.make_candidate(opening.part, 1, Opened(tuple(opening.values), {}, report), approvals)
        assert record.candidate is not None
        released = Released.read({**_load(record.candidate), "released": "2026-06-01T12:00:00Z"}, what="result")
        document = sign_document("result", released, self.lab.desk, identity(self.lab.desk))
        return build_answer(document, plain(document))

    def _config(self, agency: str) -> NodeConfig:
        datasets = {name: node_entry(one, self.folder) for name, one in self.lab.file.agencies[agency].datasets.items()}
        file = {"agency": agency, "coordinator": {"address": "127.0.0.1:1"}, "datasets": datasets}
        return NodeConfig(NodeFile.read(file, what="node"), self.folder)

    def _person(self, dataset: str, key: str) -> int | None:
        return self.person_of.get((dataset.replace("families", "caregivers"), key))


def _keys(table: PeopleTable) -> list[str]:
    assert table.keys is not None
    return [str(key) for key in table.keys]


def _with_usable(people: AgencyList) -> AgencyList:
    """Give a list whose people all have a token; which of them have is nothing that a template asks."""
    sizes = {name: people.n if one.places is None else len(one.places) for name, one in people.groups.items()}
    usable = {name: {USABLE: usable_column(np.ones(size, dtype=np.bool_))} for name, size in sizes.items()}
    groups = {name: replace(one, columns={**one.columns, **usable[name]}) for name, one in people.groups.items()}
    return replace(people, groups=groups)


def _load(candidate: bytes) -> dict[str, Any]:
    value: dict[str, Any] = json.loads(candidate)
    return value


def _approve(contract: Contract, agency: str) -> bytes:
    return approval(contract.job, contract.agreement, agency).encode()
