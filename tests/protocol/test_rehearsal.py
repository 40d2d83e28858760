"""S-11: a rehearsal in the clear links whom a job links, where keys are merged and people have other spellings.

Two agencies' files are read by the nodes' own code and linked under encryption, machines, matching and desk in memory; and rehearsed,
from their declarations and from the options of `tally link try`. What is compared are the agencies' own keys.
"""

from __future__ import annotations

import csv
import json
import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from tallystick.core.agreement.declaration import DeclaredDataset
from tallystick.core.contract import Contract
from tallystick.core.documents import sign_document
from tallystick.core.linkage.matching.matching import Matches
from tallystick.core.linkage.quality.report import count_links, encode_report
from tallystick.crypto import paillier
from tallystick.crypto.randomness import SystemRandomness
from tallystick.crypto.statistic.desk import DeskSetup
from tallystick.crypto.statistic.states import AgencySetup
from tallystick.crypto.workers import SerialWorkers
from tallystick.lab.linking.rehearse import Rehearsal, rehearse
from tallystick.node.assignment import Assignment
from tallystick.node.config import NodeConfig, NodeFile
from tallystick.node.prepare import people_of, prepare_records
from tallystick.node.storage.memory import MemoryNodeStorage
from tests.governance import agreement, identity, job, question, signed_agreement
from tests.protocol.bus import Bus
from tests.protocol.cases import paillier_key

Int64s = npt.NDArray[np.int64]
Row = dict[str, str]

LINK = ("ssn+last_name:4", "first_name+last_name+birth_date")
AGENCIES = {"tanf": "human-services", "wages": "labor"}
IDENTIFIERS = {"ssn": "ssn", "first_name": "first", "last_name": "last", "birth_date": "dob"}
FIRST = ("Ana", "Bo", "Cyrus", "Dora", "Emil", "Faye", "Gus", "Hana")
LAST = ("Field", "Stone", "Ray", "Lopez", "Nguyen", "Moor", "Kern", "Wu")


@dataclass(frozen=True)
class Shape:
    """What both lists declare."""

    duplicates: Any
    aliases: tuple[int, int]
    files: tuple[bool, bool]


SHAPES = {
    "merged by recipes, aliases here": Shape("merge", (2, 0), (True, False)),
    "merged by ids, aliases there": Shape({"ids": "master"}, (0, 1), (False, False)),
    "merged by both, aliases in both": Shape({"ids": "master", "link": "default"}, (1, 2), (True, True)),
    "nobody merged, aliases in both": Shape("keep", (1, 1), (False, True)),
}


@pytest.fixture(autouse=True)
def _one_paillier_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paillier, "generate", paillier_key)


def spelled(person: int, at: int) -> Row:
    """Give one way in which somebody is written; the first is the usual one."""
    row = {
        "ssn": f"{212_456_781 + 7_919 * person}",
        "first": FIRST[person % 8],
        "last": LAST[person // 8 % 8] + chr(97 + person % 26) + "man",
        "dob": f"{1950 + person}-05-0{1 + person % 9}",
    }
    changes: list[Row] = [
        {},
        {"last": f"Born{LAST[person % 8]}"},
        {"ssn": "", "first": row["first"][0]},
        {"ssn": f"{400_000_000 + person}"},
    ]
    return {**row, **changes[at]}


def write(folder: Path, name: str, rng: random.Random, *, married: bool) -> list[dict[str, Any]]:
    """Write a list and a file of aliases; some people have two keys, some rows are spelled otherwise; give whose each key is."""
    rows: list[Row] = []
    aka: list[Row] = [{"key": f"{name}-nobody", "was": "Strange"}]
    truth = []
    for person in rng.sample(range(40), 28):
        keys = [f"{name}{rng.randrange(10**6):06d}" for _ in range(rng.choice((1, 1, 2)))]
        for key in keys:
            usual = 1 if married and person % 3 == 0 else 0
            ways = [usual] * 2 + rng.sample(range(4), rng.choice((0, 0, 1, 2)))
            master = f"m{person}" if rng.random() < 0.7 else ""
            rows += [{"id": key, "master": master, **spelled(person, way)} for way in ways]
            truth.append({"dataset": name, "key": key, "person": f"p{person}"})
        if rng.random() < 0.6:
            aka.append({"key": keys[-1], "was": spelled(person, 1)["last"]})
    rng.shuffle(rows)
    for file, lines in ((name, rows), (f"{name}_aka", aka)):
        with (folder / f"{file}.csv").open("w", newline="") as out:
            table = csv.DictWriter(out, list(lines[0]))
            table.writeheader()
            table.writerows(lines)
    return truth


def declared(name: str, shape: Shape, side: int) -> dict[str, Any]:
    """Give a list's declaration."""
    aliases: dict[str, Any] = {"most": shape.aliases[side]}
    if shape.files[side]:
        aliases |= {"source": {"csv": f"{name}_aka.csv"}, "person": "key", "identifiers": {"last_name": "was"}}
    return {
        "source": {"csv": f"{name}.csv"}, "person": "id", "identifiers": IDENTIFIERS, "columns": {}, "people": 1000,
        "duplicates": shape.duplicates, "aliases": aliases,
    }  # fmt: skip


def options(shape: Shape) -> tuple[list[str], list[str]]:
    """Give `--duplicates` and `--aliases` that say the same."""
    duplicates: list[str] = []
    if shape.duplicates == "merge":
        duplicates = ["merge"]
    elif shape.duplicates != "keep":
        duplicates = [f"{name}={value}" for name, value in shape.duplicates.items()]
    aliases = []
    for side, (name, most) in enumerate(zip(AGENCIES, shape.aliases, strict=True)):
        letter = "ab"[side]
        aliases += [f"{letter}.{most}"] * bool(most)
        if shape.files[side]:
            aliases.append(f"{letter}.file={name}_aka.csv,{letter}.key=key,{letter}.last_name=was")
    return duplicates, aliases


def linked_by_a_job(folder: Path, shape: Shape, decoys: int) -> tuple[set[tuple[str, str]], list[int]]:
    """Run a job over both lists in memory; give which keys (the smallest of each person) share a slot, and links by pass."""
    datasets = {name: DeclaredDataset.read(declared(name, shape, side), what=name) for side, name in enumerate(AGENCIES)}
    terms = agreement(
        datasets={name: one.to_dataset(AGENCIES[name]).json_value() for name, one in datasets.items()},
        link=list(LINK), decoys=decoys, stewards={}, approvers={},
    )  # fmt: skip
    people = {name: {"agency": agency, "dataset": name} for name, agency in AGENCIES.items()}
    asked = question(people=people, keep="tanf and wages", link=None, measures=["count"], by=[])
    contract = job(terms, asked)
    part = Contract(contract, sign_document("job", contract, "ana", identity("ana")), terms, signed_agreement(terms))
    slots: dict[str, Int64s] = {}
    setups, keys = {}, {}
    for side, (name, agency) in enumerate(AGENCIES.items()):
        mine, storage = Assignment(agency, part), MemoryNodeStorage()
        file = {
            "agency": agency,
            "coordinator": {"address": "127.0.0.1:1"},
            "datasets": {name: declared(name, shape, side)},
        }
        config = NodeConfig(NodeFile.read(file, what="node.yaml"), folder)
        made = prepare_records(mine, config, storage)
        keys[agency] = smallest_keys(folder, name, people_of(mine.groups[0], config).duplicates)
        assert len(keys[agency]) == made.people
        setups[agency] = AgencySetup(
            me=agency, agencies=part.agencies, desk=part.desk, job=part.digest, attempt=1, passes=made.passes, people=made.people,
            ladder=part.passes.ladder,
            decoys=decoys, most_rows=part.most_rows, coin_key=storage.secret(), columns=noted(slots, agency, made.over_slots), own=made.own,
            computation=part.computation, sign=identity(agency).sign, randomness=SystemRandomness(),
            workers=SerialWorkers(), tell=lambda *_: None,
        )  # fmt: skip
    public = {agency: bytes.fromhex(terms.parties[agency].key) for agency in setups}
    links: list[int] = []

    def report(tags: list[Any], matches: Matches) -> bytes:
        links.extend(matches.links)
        return encode_report(
            count_links(tags, matches, part.passes.exact, decoys), job=part.digest, attempt=1, passes=part.passes.digest
        )

    desk = DeskSetup(part.desk, part.agencies, part.digest, 1, public, part.computation, SystemRandomness())
    Bus(setups, desk, report=report).run()
    first, second = AGENCIES.values()
    _, a, b = np.intersect1d(slots[first], slots[second], return_indices=True)
    return {(keys[first][one], keys[second][other]) for one, other in zip(a.tolist(), b.tolist(), strict=True)}, links


def noted(slots: dict[str, Int64s], agency: str, columns: Callable[[Int64s, int], Int64s]) -> Callable[[Int64s, int], Int64s]:
    """Note the slots of an agency's people as its columns are laid."""

    def laid(of_person: Int64s, table_size: int) -> Int64s:
        slots[agency] = of_person
        return columns(of_person, table_size)

    return laid


def smallest_keys(folder: Path, name: str, duplicates: Any) -> list[str]:
    """Give each person's smallest key, in order."""
    with (folder / f"{name}.csv").open(newline="") as file:
        keys = sorted({row["id"] for row in csv.DictReader(file)})
    return keys if duplicates is None else [keys[at] for at in sorted(set(duplicates.person.tolist()))]


def linked_by_a_rehearsal(done: Rehearsal) -> set[tuple[str, str]]:
    """Give which keys (the smallest of each person) were linked."""
    smallest = []
    for people in done.lists:
        first = np.unique(people.persons(), return_index=True)[1]
        smallest.append(people.keys[first])
    return set(zip(smallest[0][done.trial.a].tolist(), smallest[1][done.trial.b].tolist(), strict=True))


@pytest.mark.parametrize(("seed", "name", "decoys"), [(at, name, 4 * (at % 2)) for at, name in enumerate(SHAPES)])
def test_s11_a_rehearsal_links_whom_a_job_links(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int, name: str, decoys: int
) -> None:
    shape, rng = SHAPES[name], random.Random(seed)
    for dataset in AGENCIES:
        write(tmp_path, dataset, rng, married=dataset == "wages")
    entries = {dataset: declared(dataset, shape, side) for side, dataset in enumerate(AGENCIES)}
    agencies = {AGENCIES[dataset]: {"datasets": {dataset: entry}} for dataset, entry in entries.items()}
    (tmp_path / "lab.yaml").write_text(json.dumps({"agencies": agencies}))
    monkeypatch.chdir(tmp_path)
    there = rehearse((Path("lab.yaml:tanf"), Path("lab.yaml:wages")), link=LINK)
    files = (Path("tanf.csv"), Path("wages.csv"))
    fields, keys = ["birth_date=dob,first_name=first,last_name=last"], ("id", "id")
    duplicates, aliases = options(shape)
    typed = rehearse(files, link=LINK, fields=fields, keys=keys, duplicates=duplicates, aliases=aliases)
    plain = rehearse(files, link=LINK, fields=fields, keys=keys)
    pairs, links = linked_by_a_job(tmp_path, shape, decoys)
    assert linked_by_a_rehearsal(there) == linked_by_a_rehearsal(typed) == pairs
    assert linked_by_a_rehearsal(plain) != pairs
    assert len(pairs) >= 8
    told = [one.links for one in there.trial.passes]
    assert told == [one.links for one in typed.trial.passes]
    assert len(links) == len(told)
    assert decoys or links == told
    assert sum(there.trial.passes[step].links for step in there.trial.others) > 0
    if shape.duplicates != "keep":
        assert all(people.count < len(people.keys) for people in there.lists)
