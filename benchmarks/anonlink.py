"""Our links of Febrl's data sets beside those of another project, on the same lists in the same run.

Writes its tables of benchmarks/results/linkage.md.

usage: anonlink.py --peer NAME=COMMAND … [--without-febrl4 | --households]

A second table turns every true pair of Febrl3 into two people of one household (`febrl.housemates`) and counts who is linked, the peer at
the threshold that was best on Febrl3 as it is. With --households that table alone is made.

In COMMAND, {a} and {b} stand for two CSV files with Febrl's columns and {out} for a file to write: a line for each link, with the
rows of both files, from 0, and a similarity. For anonlink: `PYTHON benchmarks/peers/clks.py {a} {b} {out}`, PYTHON being that of an
environment with clkhash and anonlink. The peer's threshold is searched against the truth, which nobody has in earnest: the one with
the best F is shown. Ours has none.
"""

from __future__ import annotations

import argparse
import csv
import shlex
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from benchmarks.febrl import COLUMNS, febrl4, halves, housemates
from benchmarks.linkage import write_section
from benchmarks.process import watched
from benchmarks.report import table
from tallystick.core.linkage.fields.normalise import normalise
from tallystick.crypto.randomness import SystemRandomness
from tallystick.lab.linking.people import ListPeople
from tallystick.lab.linking.trial import run_trial
from tallystick.lab.linking.truth import Truth

OURS: Final = (("default",), ("default", "similarity"), ("loose",), ("loose", "similarity-no-households"))
HEAD: Final = ("data", "project", "found", "wrong", "missed", "precision", "recall", "F")


def main() -> None:
    """Measure and write the section."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peer", action="append", default=[], metavar="NAME=COMMAND")
    parser.add_argument("--without-febrl4", action="store_true")
    parser.add_argument("--households", action="store_true")
    arguments = parser.parse_args()
    peers = {name: command for name, _, command in (pair.partition("=") for pair in arguments.peer)}
    if not peers:
        print("no peer is named: nothing to compare with, and nothing written")
        return
    write_section("peers-households", households(peers))
    if arguments.households:
        return
    rows = []
    for number in (1, 2, 3) if arguments.without_febrl4 else (1, 2, 3, 4):
        for without in ((), ("ssn",)):
            lists = febrl4(without) if number == 4 else halves(number, without)
            name = f"Febrl{number}" + (", no soc_sec_id" if without else "")
            rows += [_row(name, "Tallystick, " + " + ".join(link), *ours(lists, link)) for link in OURS]
            for peer, command in peers.items():
                threshold, *counts = best_of_peer(lists, command)
                rows.append(_row(name, f"{peer}, best threshold {threshold:.3f}", *counts))
            print(*rows[-len(OURS) - len(peers) :], sep="\n", flush=True)
    write_section("peers", table(HEAD, rows))


def ours(lists: tuple[ListPeople, ListPeople, Truth], link: Sequence[str]) -> tuple[int, int, int]:
    """Link two lists as a job would; give (found, wrong, missed)."""
    first, second, truth = lists
    score = run_trial(first, second, link, SystemRandomness(), truth).score
    assert score is not None
    return score.found, score.wrong, score.missed


def best_of_peer(lists: tuple[ListPeople, ListPeople, Truth], command: str) -> tuple[float, int, int, int]:
    """Run a peer once; give the threshold with the best F, and (found, wrong, missed) there."""
    first, second, truth = lists
    links = links_of_peer(first, second, command)
    right = truth.holds(links[:, 0].astype(np.int64), links[:, 1].astype(np.int64), second.count)
    found = []
    for threshold in np.unique(links[:, 2]):
        made = links[:, 2] >= threshold
        hits, wrong = int((made & right).sum()), int((made & ~right).sum())
        found.append((_f(hits, wrong, truth.people - hits), -float(threshold), hits, wrong, truth.people - hits))
    _, low, hits, wrong, missed = max(found)
    return -low, hits, wrong, missed


def links_of_peer(first: ListPeople, second: ListPeople, command: str) -> npt.NDArray[np.float64]:
    """Run a peer on two lists; give its links, shape (links, 3): row of the first, row of the second, similarity."""
    with tempfile.TemporaryDirectory() as name:
        paths = {what: Path(name) / f"{what}.csv" for what in ("a", "b", "out")}
        both = _fields_of_both(first, second)
        for path, people in ((paths["a"], first), (paths["b"], second)):
            _write(path, people, both)
        watched(shlex.split(command.format_map({what: str(path) for what, path in paths.items()})))
        return np.loadtxt(paths["out"], delimiter=",", ndmin=2).reshape(-1, 3)


def households(peers: Mapping[str, str]) -> str:
    """Count who is linked where every pair is two people of one household."""
    rows = []
    for without in ((), ("ssn",)):
        lists = halves(3, without)
        thresholds = {peer: best_of_peer(lists, command)[0] for peer, command in peers.items()}
        for twins in (False, True):
            first, second = housemates(*lists, twins=twins)
            name = ("no soc_sec_id, " if without else "") + ("twins" if twins else "housemates")
            for link in OURS:
                trial = run_trial(first, second, link, SystemRandomness())
                rows.append(
                    [name, "Tallystick, " + " + ".join(link), f"{first.count:,}", f"{int((trial.a == trial.b).sum()):,}"]
                )
            for peer, threshold in thresholds.items():
                links = links_of_peer(first, second, peers[peer])
                linked = int(((links[:, 0] == links[:, 1]) & (links[:, 2] >= threshold)).sum())
                rows.append([name, f"{peer}, threshold {threshold:.3f}", f"{first.count:,}", f"{linked:,}"])
    return table(("Febrl3 as", "project", "pairs", "linked"), rows)


def _fields_of_both(first: ListPeople, second: ListPeople) -> list[str]:
    """Give the fields that both lists have; the first letter of a name, where one list has no more of it."""
    fields = [field for field in first.identifiers if field in second.identifiers]
    named = [{"first_name", "first_initial"} & set(people.identifiers) for people in (first, second)]
    return [*fields, "first_initial"] if not named[0] & named[1] and all(named) else fields


def _write(path: Path, people: ListPeople, kept: Sequence[str]) -> None:
    """Write fields of a list with Febrl's columns, as the peer's own tutorial has them: the house number apart from the street.

    Fields that Febrl has not keep their names. Birth dates that can be read are written as YYYYMMDD, for peers compare them as text.
    """
    if "birth_date" in kept:
        told = people.identifiers["birth_date"]
        read = normalise("birth_date", told).texts()
        dates = np.array([one or raw for one, raw in zip(read, told, strict=True)], dtype=object)
        people = replace(people, identifiers={**people.identifiers, "birth_date": dates})
    names = {to: column for column, to in COLUMNS.items()} | {"street": "address_1"}
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        numbers = ["street_number"] if "street" in kept else []
        writer.writerow([*(names.get(field, field) for field in kept), *numbers])
        writer.writerows(_cells(people, kept))


def _cells(people: ListPeople, fields: Sequence[str]) -> Iterator[list[str]]:
    for row in range(people.count):
        cells = [
            people.identifiers[field][row] or ""
            if field in people.identifiers
            else (people.identifiers["first_name"][row] or "")[:1]
            for field in fields
        ]
        if "street" not in fields:
            yield cells
            continue
        at = fields.index("street")
        number, _, street = cells[at].partition(" ")
        house = number if number.isdigit() else ""
        cells[at] = street if house else cells[at]
        yield [*cells, house]


def _f(found: int, wrong: int, missed: int) -> float:
    return 2 * found / (2 * found + wrong + missed)


def _row(data: str, project: str, found: int, wrong: int, missed: int) -> list[str]:
    shares = (found / (found + wrong), found / (found + missed), _f(found, wrong, missed))
    return [data, project, f"{found:,}", f"{wrong:,}", f"{missed:,}", *(f"{share:.4f}" for share in shares)]


if __name__ == "__main__":
    main()
