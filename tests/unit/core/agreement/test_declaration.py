"""A dataset's declaration: what the agreement says of it, what a node does, and where the two differ."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tallystick.core.agreement.declaration import DeclaredDataset
from tallystick.core.errors import Invalid
from tallystick.records.registry import node_entry
from tests.declared import WAGES
from tests.governance import agreement

TITLED: dict[str, Any] = {**WAGES, "title": "Wages"}


def declared(**change: Any) -> DeclaredDataset:
    return DeclaredDataset.read({**TITLED, **change}, what="dataset")


def test_declarations_that_agree() -> None:
    assert declared().differences(agreement().datasets["wages"]) == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"people": 99_999}, "people differs"),
        ({"rows_per_person": 21}, "rows_per_person differs"),
        ({"out_of_bounds": "clip"}, "out_of_bounds differs"),
        ({"identifiers": {"ssn": "SSN"}}, "identifiers differ: birth_date"),
        ({"columns": {**TITLED["columns"], "extra": {"type": "integer"}}}, "column extra is not in the agreement"),
        ({"columns": {"quarter": {"type": "category"}}}, "column wage of the agreement is missing"),
        ({"columns": {**TITLED["columns"], "quarter": {"type": "integer"}}}, "column quarter: type differs"),
        (
            {"columns": {**TITLED["columns"], "industry": {"type": "category", "values": ["retail"]}}},
            "column industry: values differs",
        ),
    ],
)
def test_declarations_that_differ_are_named(change: dict[str, Any], said: str) -> None:
    assert said in declared(**change).differences(agreement().datasets["wages"])


def test_what_it_becomes_in_an_agreement_agrees_with_it() -> None:
    agreed = declared(people=70).to_dataset("labor")
    assert declared(people=70).differences(agreed) == []
    assert (agreed.agency, agreed.people, agreed.identifiers) == ("labor", 70, ("birth_date", "ssn"))


def test_an_agreement_holds_no_place_of_the_agency() -> None:
    agreed = declared().to_dataset("labor").json_value()
    assert agreed["columns"]["industry"] == {"type": "category", "values": ["retail", "care"]}
    for private in ("wages.csv", "NAICS", "SSN", "DOB"):
        assert private not in str(agreed)


@pytest.mark.parametrize("source", [{"csv": "w.csv"}, {"parquet": "sub/w.parquet"}])
def test_a_nodes_entry_reads_back_with_an_absolute_path(tmp_path: Path, source: dict[str, str]) -> None:
    entry = DeclaredDataset.read(node_entry(declared(source=source), tmp_path), what="dataset")
    assert entry.source.settings == str(tmp_path / next(iter(source.values())))
    assert entry.columns["industry"].source == "NAICS title"
    assert entry.differences(declared().to_dataset("labor")) == []


@pytest.mark.parametrize("people", [0, -1, 100_000_001, "many"])
def test_a_number_of_people_that_is_none(people: Any) -> None:
    with pytest.raises(Invalid) as caught:
        declared(people=people)
    assert caught.value.code == "document-invalid"


@pytest.mark.parametrize(
    ("written", "ids", "link"),
    [
        ("keep", (), ()),
        ("merge", (), ("strict",)),
        ({"ids": "master"}, ("master",), ()),
        ({"ids": ["a", "b"], "link": ["strict", "ssn+last_name:4"]}, ("a", "b"), ("strict", "ssn+last_name:4")),
    ],
)
def test_ways_to_say_which_keys_are_one_person(tmp_path: Path, written: Any, ids: Any, link: Any) -> None:
    dataset = declared(duplicates=written)
    assert (dataset.duplicates.ids, dataset.duplicates.link) == (ids, link)
    assert dataset.duplicates.merges == (written != "keep")
    assert DeclaredDataset.read(node_entry(dataset, tmp_path), what="dataset").duplicates == dataset.duplicates
    assert dataset.to_dataset("labor") == declared().to_dataset("labor"), "it stays with the agency"


@pytest.mark.parametrize("written", ["fuse", 1, {"ids": ["a", "a"]}, {"link": "similarity"}, {"link": "Strict!"}, {"by": "x"}])
def test_ways_that_are_none(written: Any) -> None:
    with pytest.raises(Invalid) as caught:
        declared(duplicates=written)
    assert caught.value.code == "document-invalid"
    assert "duplicates" in caught.value.message
