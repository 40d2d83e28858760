"""Rows carried to related people: children's to caregivers and the reverse, members' to heads of households; what does not fit is told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tallystick.core.agreement.declaration import DeclaredDataset
from tallystick.core.errors import Invalid, TallyError
from tallystick.core.job.derive import parse_derive
from tallystick.records.features import PeopleTable, people_table
from tallystick.records.reading import load_dataset
from tallystick.records.relations import count_in_circles
from tallystick.records.survey import survey

CHILDREN = """child,carer,ssn,days
c1,p1,111223333,10
c2,p1,111224444,20
c3,p2,111225555,30
c4,,111226666,40
c5,p9,111227777,50
c6,p3,111228888,60
c6,p2,111228888,60
"""
CARERS = """id,number,kin
p1,212456701,true
p2,212456702,false
p3,,true
"""


def declare(**changes: Any) -> DeclaredDataset:
    value = {
        "source": {"csv": "children.csv"},
        "person": "child",
        "identifiers": {"ssn": "number"},
        "columns": {"days": {"type": "integer", "min": 0, "max": 100}},
        "relation": {"kind": "caregiver", "source": {"csv": "carers.csv"}, "person": "id", "rows": "carer", "people": "id"},
    }
    return DeclaredDataset.read(value | changes, what="dataset")


@pytest.fixture(name="folder")
def write_files(tmp_path: Path) -> Path:
    (tmp_path / "children.csv").write_text(CHILDREN, encoding="utf-8")
    (tmp_path / "carers.csv").write_text(CARERS, encoding="utf-8")
    return tmp_path


def read(folder: Path, declared: DeclaredDataset, derive: str) -> tuple[PeopleTable, tuple[str, ...]]:
    with load_dataset("d", declared, folder, max_memory_mib=None) as records:
        derived = {"made": parse_derive(derive)}
        return people_table(records, "g", where=None, used=["made"], derived=derived, keyed=True), records.told


def values(table: PeopleTable) -> dict[str, int | None]:
    assert table.keys is not None
    column = table.columns["made"]
    return {
        key: None if gone else int(value) for key, value, gone in zip(table.keys, column.values, column.missing, strict=True)
    }


def test_childrens_rows_are_carried_to_their_caregivers_and_what_does_not_fit_is_told(folder: Path) -> None:
    table, told = read(folder, declare(), "sum(days)")
    assert values(table) == {"p1": 30, "p2": 90, "p3": 60}
    assert table.identifiers["ssn"].tolist() == ["212456701", "212456702", None]
    assert told == (
        "relation: 1 of 7 rows name no caregiver; they are left out",
        "relation: 1 of 7 rows name a caregiver whom the second file does not have; they are left out",
        "relation: rows of 1 people are carried to more than one person each (caregiver), and count with each of them",
    )


def test_caregivers_rows_are_carried_to_their_children(folder: Path) -> None:
    declared = declare(
        source={"csv": "carers.csv"},
        person="id",
        identifiers={"ssn": "ssn"},
        columns={"kin": {"type": "boolean"}},
        relation={"kind": "caregiver", "source": {"csv": "children.csv"}, "person": "child", "rows": "id", "people": "carer"},
    )
    table, told = read(folder, declared, "max(kin)")
    assert values(table) == {"c1": 1, "c2": 1, "c3": 0, "c6": 1}
    assert table.identifiers["ssn"].tolist() == ["111223333", "111224444", "111225555", "111228888"]
    assert told == (
        "relation: rows of 2 people are carried to more than one person each (caregiver), and count with each of them",
    )


def test_members_rows_are_carried_to_the_head_of_their_household(folder: Path) -> None:
    (folder / "members.csv").write_text("who,home,paid,ssn\na,h1,5,\nb,h1,7,\nc,h2,9,\n", encoding="utf-8")
    (folder / "heads.csv").write_text("who,home,number\na,h1,212456701\nc,h2,212456702\n", encoding="utf-8")
    declared = declare(
        source={"csv": "members.csv"},
        person="who",
        columns={"paid": {"type": "integer", "min": 0, "max": 100}},
        relation={"kind": "household", "source": {"csv": "heads.csv"}, "person": "who", "rows": "home", "people": "home"},
    )
    table, told = read(folder, declared, "sum(paid)")
    assert (values(table), told) == ({"a": 12, "c": 9}, ())


def test_what_says_nothing_relates_nobody(folder: Path) -> None:
    (folder / "members.csv").write_text("who,home,paid\na,h1,5\nb,UNKNOWN,7\nc,0,9\nd,N/A,1\n", encoding="utf-8")
    (folder / "heads.csv").write_text("who,home,number\na,h1,212456701\nx,UNKNOWN,212456702\ny,0,212456703\n", encoding="utf-8")
    declared = declare(
        source={"csv": "members.csv"},
        person="who",
        columns={"paid": {"type": "integer", "min": 0, "max": 100}},
        relation={"kind": "household", "source": {"csv": "heads.csv"}, "person": "who", "rows": "home", "people": "home"},
    )
    table, told = read(folder, declared, "sum(paid)")
    assert values(table) == {"a": 5}
    assert told == ("relation: 3 of 4 rows name no household; they are left out",)


def test_people_who_are_their_own_caregivers_over_one_step_or_more_are_told(folder: Path) -> None:
    (folder / "people.csv").write_text("id,carer,ssn\na,b,1\nb,c,2\nc,a,3\nd,d,4\ne,a,5\nf,e,6\n", encoding="utf-8")
    declared = declare(
        source={"csv": "people.csv"},
        person="id",
        identifiers={"ssn": "ssn"},
        columns={},
        relation={"kind": "caregiver", "source": {"csv": "people.csv"}, "person": "id", "rows": "carer", "people": "id"},
    )
    _, told = read(folder, declared, "count(*)")
    assert told == ("relation: 4 people are, over one or more steps, their own caregiver; correct the records",)


@pytest.mark.parametrize(
    ("pairs", "circles"), [([], 0), ([("a", "b"), ("b", "c")], 0), ([("a", "a")], 1), ([("a", "b"), ("b", "a")], 2)]
)
def test_circles(pairs: list[tuple[str, str]], circles: int) -> None:
    own, other = (np.array([pair[at] for pair in pairs], dtype=object) for at in (0, 1))
    assert count_in_circles(own, other) == circles


def test_a_check_of_the_dataset_tells_it(folder: Path) -> None:
    found = survey("d", declare(), folder, max_memory_mib=None).json_value()
    assert (found["people"], found["rows"]) == (3, 5)
    assert any("name no caregiver" in note for note in found["notes"])


def test_a_relation_that_carries_nothing_is_refused(folder: Path) -> None:
    (folder / "carers.csv").write_text("id,number,kin\nq1,212456701,true\n", encoding="utf-8")
    with pytest.raises(Invalid, match="no row is carried") as refusal:
        read(folder, declare(), "count(*)")
    assert refusal.value.code == "source-types"


def test_a_fault_of_a_row_is_told_at_its_line_of_the_file(folder: Path) -> None:
    (folder / "children.csv").write_text(CHILDREN + "c7,p3,1,many\n", encoding="utf-8")
    with pytest.raises(TallyError) as refusal:
        read(folder, declare(), "count(*)")
    assert refusal.value.code == "source-types"
    assert "line 9" in refusal.value.detail


def test_the_agreement_says_whose_relatives_its_people_are() -> None:
    made = declare().to_dataset("county")
    assert made.relation == "caregiver"
    assert declare().differences(made) == []
    assert "relation differs" in declare().differences(made.model_copy(update={"relation": None}))


def test_a_relation_goes_with_no_duplicates() -> None:
    with pytest.raises(Invalid, match="relation has no duplicates"):
        declare(duplicates="merge")
