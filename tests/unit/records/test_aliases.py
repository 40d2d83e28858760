"""Other spellings of people: from rows that differ and from a file of aliases, in an order that says nothing of the source's."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest

from tallystick.core.agreement.declaration import DeclaredDataset
from tallystick.core.errors import Invalid, TallyError
from tallystick.node.config import read_config
from tallystick.node.fingerprint import fingerprint
from tallystick.node.preflight import check_datasets, key_counts
from tallystick.records.features import PeopleTable, people_table
from tallystick.records.reading import load_dataset
from tallystick.records.registry import node_entry

HEADER = "id,ssn,first,last,nights\n"
ROWS = (
    "b,403-11-2096,Bo,Ray,1\n"
    "a,212-45-6781,Ana,Lopez,2\n"
    "a,212-45-6781,Ana,Lopez,4\n"
    "a,,Ann,Lopez,8\n"  # what is empty is as in the first
    "a,212-45-6781,Ana,Stone,16\n"
    "a,212-45-6781,Ana,Stone,16\n"
    "a,212-45-6781,Ana,Bond,32\n"
    "c,,Cy,,64\n"
)
AKA = "key,was\nb,Rey\nz,Nobody\nb,\nc,Roe\nb,Rey\na,Lopez\n"


def declared(**change: Any) -> DeclaredDataset:
    value: dict[str, Any] = {
        "source": {"csv": "people.csv"},
        "person": "id",
        "identifiers": {"ssn": "ssn", "first_name": "first", "last_name": "last"},
        "columns": {"nights": {"type": "integer", "min": 0, "max": 366}},
        **change,
    }
    return DeclaredDataset.read(value, what="dataset")


FILE: dict[str, Any] = {"most": 2, "source": {"csv": "aka.csv"}, "person": "key", "identifiers": {"last_name": "was"}}


def table(folder: Path, aliases: Any, rows: str = ROWS, aka: str = AKA, where: str | None = None, **change: Any) -> PeopleTable:
    (folder / "people.csv").write_text(HEADER + rows)
    (folder / "aka.csv").write_text(aka)
    with load_dataset("stays", declared(aliases=aliases, **change), folder, max_memory_mib=256) as records:
        return people_table(records, "stays", where=where, used=(), derived={})


def shown(found: PeopleTable) -> list[tuple[Any, ...]]:
    if found.spellings is None:
        return []
    values = zip(*(found.spellings.identifiers[name] for name in ("ssn", "first_name", "last_name")), strict=True)
    return [
        (who, number, *row)
        for who, number, row in zip(found.spellings.who.tolist(), found.spellings.number.tolist(), values, strict=True)
    ]


def test_a_persons_rows_that_differ_are_other_spellings_the_most_frequent_first(tmp_path: Path) -> None:
    found = table(tmp_path, 3)
    assert [values[0] for values in (found.identifiers["ssn"], found.identifiers["last_name"])] == ["212-45-6781", "Lopez"]
    assert shown(found) == [
        (0, 1, "212-45-6781", "Ana", "Stone"),
        (0, 2, "212-45-6781", "Ana", "Bond"),
        (0, 3, "212-45-6781", "Ann", "Lopez"),
    ]
    assert [row[1] for row in shown(table(tmp_path, 1))] == [1]


def test_none_are_kept_unless_the_declaration_says_so(tmp_path: Path) -> None:
    assert table(tmp_path, 0).spellings is None
    assert table(tmp_path, 2, ROWS.splitlines(keepends=True)[0]).spellings is None


def test_those_of_a_file_come_first_and_say_only_what_they_say(tmp_path: Path) -> None:
    assert shown(table(tmp_path, FILE)) == [
        (0, 1, "212-45-6781", "Ana", "Stone"),
        (0, 2, "212-45-6781", "Ana", "Bond"),
        (1, 1, "403-11-2096", "Bo", "Rey"),
        (2, 1, None, "Cy", "Roe"),
    ]
    file = shown(table(tmp_path, FILE, aka="key,was\na,Wu\n"))
    assert [row[-1] for row in file] == ["Wu", "Stone"]


def test_a_file_serves_people_of_one_row_each(tmp_path: Path) -> None:
    rows = ROWS.splitlines(keepends=True)
    assert shown(table(tmp_path, FILE, rows[0] + rows[-1])) == [(0, 1, "403-11-2096", "Bo", "Rey"), (1, 1, None, "Cy", "Roe")]


def test_what_is_spelt_alike_is_one_spelling_and_what_says_nothing_is_none(tmp_path: Path) -> None:
    rows = (
        "a,212-45-6781,Ana,Lopez,1\n" * 4
        + "a,212456781,ANA,LOPEZ,2\n" * 3  # the first spelling again
        + "a,999-99-9999,UNKNOWN,Lopez,4\n" * 3  # says nothing else
        + "a,212-45-6781,Ana,STONE,8\na,212456781,Ana,Stone,16\na,212456781,Ana,Stone,16\n"
        + "a,212-45-6781,Ana,Bond,32\n" * 2
    )
    assert shown(table(tmp_path, 1, rows)) == [(0, 1, "212456781", "Ana", "Stone")]
    assert [row[-1] for row in shown(table(tmp_path, 3, rows))] == ["Stone", "Bond"]
    assert [row[-1] for row in shown(table(tmp_path, FILE, rows, aka="key,was\na,LOPEZ\na,n/a\na,BOND\n"))] == ["BOND", "Stone"]


def test_identifiers_that_nobody_has_are_no_spelling(tmp_path: Path) -> None:
    rows = "a,,Ana,Lopez,1\na,,Ana,Lopez,1\na,,Ana,Stone,2\nb,,,,4\nb,,,,8\n"
    assert shown(table(tmp_path, 2, rows)) == [(0, 1, None, "Ana", "Stone")]
    assert table(tmp_path, 2, "a,UNKNOWN,Ana,Lopez,1\na,000000000,Ana,Lopez,2\n").spellings is None


def test_the_order_of_rows_says_nothing(tmp_path: Path) -> None:
    rows, aka = ROWS.splitlines(keepends=True), AKA.splitlines(keepends=True)
    expected = shown(table(tmp_path, FILE))
    for seed in range(4):
        random.Random(seed).shuffle(rows)
        mixed = aka[1:]
        random.Random(seed).shuffle(mixed)
        assert shown(table(tmp_path, FILE, "".join(rows), aka[0] + "".join(mixed))) == expected


def test_only_people_of_the_group_have_them(tmp_path: Path) -> None:
    assert shown(table(tmp_path, FILE, where="nights = 1")) == [(0, 1, "403-11-2096", "Bo", "Rey")]


def test_what_merged_keys_are_called_becomes_spellings_of_one_person(tmp_path: Path) -> None:
    rows = "m,212-45-6781,Ana,Lopez,1\nk,212-45-6781,Ana,Lopez Diaz,2\n"
    found = table(tmp_path, FILE, rows, "key,was\nm,Bond\n", duplicates={"link": "ssn+first_name:1"})
    assert found.identifiers["last_name"].tolist() == ["Lopez"]
    assert shown(found) == [(0, 1, "212-45-6781", "Ana", "Bond"), (0, 2, "212-45-6781", "Ana", "Lopez Diaz")]


def test_s18_a_changed_alias_is_another_table(tmp_path: Path) -> None:
    prints = {
        fingerprint(found, secret=bytes(32), job=bytes(32))
        for found in (
            table(tmp_path, 0),
            table(tmp_path, FILE),
            table(tmp_path, FILE, aka=AKA.replace("Rey", "Rai")),
            table(tmp_path, FILE, aka=AKA.replace("b,Rey", "c,Rey")),
        )
    }
    assert len(prints) == 4


@pytest.mark.parametrize(
    ("aliases", "aka", "code", "words"),
    [
        (FILE, "key,is\na,Wu\n", "source-columns", "stays (aliases)"),
        (FILE, "key,was\n,Wu\n", "source-types", "aliases have no person key"),
        ({**FILE, "source": {"csv": "gone.csv"}}, AKA, "source-missing", "stays (aliases)"),
    ],
)
def test_a_file_that_does_not_serve(tmp_path: Path, aliases: Any, aka: str, code: str, words: str) -> None:
    with pytest.raises(TallyError) as caught:
        table(tmp_path, aliases, aka=aka)
    assert caught.value.code == code
    assert words in caught.value.message
    assert "Wu" not in caught.value.message + caught.value.detail


@pytest.mark.parametrize(
    "aliases",
    [
        4,
        -1,
        "2",
        {**FILE, "most": 0},
        {"source": {"csv": "a"}, "most": 1},
        {**FILE, "identifiers": {"phone": "was"}},
        {"person": "a"},
    ],
)
def test_declarations_of_aliases_that_are_none(aliases: Any) -> None:
    with pytest.raises(Invalid) as caught:
        declared(aliases=aliases)
    assert caught.value.code == "document-invalid"


def test_a_declaration_reads_back_and_the_agreement_has_the_number_alone(tmp_path: Path) -> None:
    again = DeclaredDataset.read(node_entry(declared(aliases=FILE), tmp_path), what="dataset")
    assert again.aliases.source is not None
    assert again.aliases.source.settings == str(tmp_path / "aka.csv")
    agreed = again.to_dataset("housing")
    assert agreed.aliases == 2
    assert "was" not in str(agreed.json_value())
    assert declared(aliases=2).differences(agreed) == []
    assert declared(aliases=1).differences(agreed) == ["aliases differ"]


def test_a_node_tells_how_many_have_aliases_and_how_many_rows_are_of_nobody(tmp_path: Path) -> None:
    table(tmp_path, FILE)
    config = {
        "agency": "housing",
        "coordinator": {"address": "127.0.0.1:1"},
        "datasets": {"stays": node_entry(declared(aliases=FILE), tmp_path)},
    }
    (tmp_path / "node.yaml").write_text(json.dumps(config))
    checks = check_datasets(read_config(tmp_path / "node.yaml"))
    (check,) = checks
    assert check.json_value()["aliases"] == {"people": 3, "spellings": 4, "unknown_rows": 1}
    assert key_counts(checks) == [("stays", "people with aliases", "", 3), ("stays", "alias rows of nobody", "", 1)]
