"""Several groups of one agency as one list, by the person keys that they share."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from tallystick.core.agreement.declaration import DeclaredDataset
from tallystick.core.contract import Contract
from tallystick.core.documents import sign_document
from tallystick.core.errors import Invalid, Refused
from tallystick.core.linkage.passes.spellings import Spellings
from tallystick.core.statistics.columns import PersonColumn
from tallystick.node.assignment import Assignment
from tallystick.node.config import NodeConfig, NodeFile
from tallystick.node.home import join_groups
from tallystick.node.ports import KeptJob
from tallystick.node.prepare import prepare_records
from tallystick.node.storage.memory import MemoryNodeStorage
from tallystick.records.features import PeopleTable
from tests.governance import NOW, agreement, agreement_value, identity, job, question, signed_agreement


def texts(*values: str | None) -> npt.NDArray[np.object_]:
    return np.array(values, dtype=object)


def table(keys: tuple[str, ...], spellings: Spellings | None = None, **identifiers: tuple[str | None, ...]) -> PeopleTable:
    ages = PersonColumn(np.arange(len(keys), dtype=np.int64), np.zeros(len(keys), dtype=np.bool_))
    return PeopleTable(
        len(keys), {"age": ages}, {name: texts(*values) for name, values in identifiers.items()}, spellings, keys=texts(*keys)
    )


def test_whom_two_groups_have_is_one_person_in_the_order_of_the_keys() -> None:
    mine = join_groups({"a": table(("k1", "k3"), ssn=("1", None)), "b": table(("k2", "k3"), ssn=("2", "3"), zip=("9", None))})
    assert mine.people.n == 3
    places = {group: members.places for group, members in mine.people.groups.items()}
    assert {group: None if at is None else at.tolist() for group, at in places.items()} == {"a": [0, 2], "b": [1, 2]}
    assert mine.identifiers["ssn"].tolist() == ["1", "2", "3"]  # what the first group lacks the second has
    assert mine.identifiers["zip"].tolist() == [None, "9", None]


def test_the_first_group_that_has_an_identifier_says_it() -> None:
    mine = join_groups({"a": table(("k",), ssn=("1",)), "b": table(("k",), ssn=("2",))})
    assert mine.identifiers["ssn"].tolist() == ["1"]


def test_other_spellings_are_those_of_the_first_group_that_has_the_person() -> None:
    def other(who: int, name: str) -> Spellings:
        return Spellings(np.array([who]), np.array([1]), {"last_name": texts(name)})

    mine = join_groups({
        "a": table(("k1",), other(0, "Old"), last_name=("Ray",)),
        "b": table(("k1", "k2"), other(1, "Was"), last_name=("Ray", "Wu")),
    })  # fmt: skip
    assert mine.spellings is not None
    assert (mine.spellings.who.tolist(), mine.spellings.identifiers["last_name"].tolist()) == ([0, 1], ["Old", "Was"])


def test_one_group_is_the_list() -> None:
    one = table(("k1", "k2"), ssn=("1", "2"))
    mine = join_groups({"a": one})
    assert (mine.people.n, mine.people.groups["a"].places) == (2, None)


def test_shared_keys_cannot_be_merged() -> None:
    value: dict[str, Any] = {"source": {"csv": "a.csv"}, "person": "id", "identifiers": {}, "columns": {}, "keys": "client"}
    assert DeclaredDataset.read(value, what="dataset").to_dataset("x").keys == "client"
    with pytest.raises(Invalid, match="cannot be merged here"):
        DeclaredDataset.read(value | {"duplicates": "merge"}, what="dataset")


def prepared(
    folder: Path,
    *,
    storage: MemoryNodeStorage | None = None,
    wrong: int = 0,
    declared: dict[str, Any] | None = None,
    **changes: Any,
) -> tuple[Contract, Any]:
    """Give what human services brings to a job over two of its datasets and labor's wages; so many of its SSNs are too short."""
    more = declared or {}
    storage = storage or MemoryNodeStorage()
    value = agreement_value(stewards={}, approvers={}, joins=["any"], **changes)
    own = {"agency": "human-services", "columns": {"young": {"type": "boolean"}}, "identifiers": ["ssn"], "keys": "client"}
    value["datasets"] = {"tanf": own, "snap": own, "wages": value["datasets"]["wages"] | {"identifiers": ["ssn"]}}
    value["link"] = ["ssn"]
    terms = agreement(**value)
    groups = {"tanf": ("human-services", "tanf"), "snap": ("human-services", "snap"), "wages": ("labor", "wages")}
    people = {name: {"agency": agency, "dataset": dataset} for name, (agency, dataset) in groups.items()}
    asked = question(people=people, keep="(tanf or snap) and not wages", by=["snap.young"], measures=["count"])
    contract = job(terms, asked)
    part = Contract(contract, sign_document("job", contract, "ana", identity("ana")), terms, signed_agreement(terms))
    numbers = [f"21245678{at + 1}"[: 4 if at in (0, 1, 3)[:wrong] else 9] for at in range(4)]
    (folder / "tanf.csv").write_text(f"id,ssn,young\nk1,{numbers[0]},yes\nk2,{numbers[1]},no\nk3,{numbers[2]},yes\n")
    (folder / "snap.csv").write_text(f"id,ssn,young\nk3,{numbers[2]},no\nk4,{numbers[3]},yes\n")
    declared = {
        name: {
            "source": {"csv": f"{name}.csv"}, "person": "id", "identifiers": {"ssn": "ssn"}, "keys": "client",
            "columns": own["columns"],
            **more,
        }
        for name in ("tanf", "snap")
    }  # fmt: skip
    file = {"agency": "human-services", "coordinator": {"address": "127.0.0.1:1"}, "datasets": declared}
    config = NodeConfig(NodeFile.read(file, what="node.yaml"), folder)
    storage.add_job(KeptJob(part.digest.hex(), part.document.encode(), NOW, state="running", attempt=1))
    return part, prepare_records(Assignment("human-services", part), config, storage)


def test_a_job_over_two_datasets_of_one_agency_brings_one_list(tmp_path: Path) -> None:
    part, made = prepared(tmp_path)
    assert made.people == 4
    assert [int(column.usable.sum()) for column in made.passes.values()] == [4]
    own = dict(zip([cell.label for cell in part.plan.cells], made.own, strict=True))
    assert (own["people(tanf)"], own["people(snap)"], own["matched(tanf, snap)"], own["people(wages)"]) == (3, 2, 1, 0)
    columns = made.over_slots(np.arange(4), 4)
    assert columns.shape == (len(part.plan.columns_of("human-services")), 4)
    both = next(at for at, column in enumerate(part.plan.columns_of("human-services")) if len(column) == 2)
    assert columns[both].tolist()[:2] == [0, 0]  # k1 and k2 are not in snap
    assert columns[both].tolist()[3] == 0  # k4 is not in tanf


def test_each_group_has_as_many_people_as_the_agreement_asks_for(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="snap has fewer people than the 3"):
        prepared(tmp_path, min_people=3)


@pytest.mark.parametrize(("wrong", "declared", "warned"), [(2, {}, False), (3, {}, True), (3, {"usable": "0.2"}, False)])
def test_s51_an_agencys_people_are_warned_of_identifiers_that_hardly_can_be_used(
    tmp_path: Path, wrong: int, declared: dict[str, Any], warned: bool
) -> None:
    storage = MemoryNodeStorage()
    part, made = prepared(tmp_path, storage=storage, wrong=wrong, declared=declared)
    kept = storage.job(part.digest.hex())
    assert kept is not None
    assert [reason for reason in kept.reasons if reason.startswith("fewer than half of the values can be used of ssn")] == (
        [kept.reasons[0]] if warned else []
    )
    assert ("212456781" in str(kept.reasons), made.people) == (False, 4)
    events = [json.loads(one.entry)["event"] for one in storage.events()]
    assert events.count("identifiers-unusable") == warned


@pytest.mark.parametrize(("state", "wrong", "told"), [("released", 1, True), ("released", 0, False), ("failed", 1, False)])
def test_an_agencys_people_are_told_where_records_are_not_those_of_the_last_answer(
    tmp_path: Path, state: str, wrong: int, told: bool
) -> None:
    storage = MemoryNodeStorage()
    first, _ = prepared(tmp_path, storage=storage)
    before = storage.job(first.digest.hex())
    assert before is not None
    assert before.reasons == ()
    storage.change_job(before, replace(before, state=state))
    second, _ = prepared(tmp_path, storage=storage, wrong=wrong, min_people=2)
    after = storage.job(second.digest.hex())
    assert after is not None
    assert second.digest != first.digest
    expected = f"the records of snap and tanf that it reads are not those of the last answer, job {first.digest.hex()[:12]} of"
    assert [reason.startswith(expected) for reason in after.reasons] == ([True] if told else [])
    events = [json.loads(one.entry)["event"] for one in storage.events()]
    assert events.count("records-changed") == told


class Watched(MemoryNodeStorage):
    """Remembers which tables it was given."""

    def keep_table(self, job: str, attempt: int, family: str, table: bytes, **more: Any) -> None:
        self.given = json.loads(table)
        super().keep_table(job, attempt, family, table, **more)


def test_a_mark_of_records_needs_the_secret(tmp_path: Path) -> None:
    """Two nodes keep other marks of the same records, and no value of theirs is in it."""
    marks = set()
    for _ in range(2):
        storage = Watched()
        prepared(tmp_path, storage=storage)
        assert storage.given.keys() == {"job", "mark", "read"}
        assert "212456781" not in str(storage.given)
        marks.add(storage.given["mark"])
    assert len(marks) == 2
