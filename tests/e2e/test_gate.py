"""S-19, S-34: a job with a gate between processes: nodes die in its rounds, and its desk has no small cell anywhere."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import pytest

from tallystick.core.failpoint import KILLED
from tests.e2e.network import ENDS_S, Network, check_gated, ended_everywhere
from tests.e2e.party import START_S, Party
from tests.e2e.records import BOARD, EXITS, WAGES, Records, question
from tests.e2e.test_kill import job_through

K = 5
PLANTED = 444_433
"""Cents that each person of a planted small cell has as benefit."""
FEW = 3
GATED = {"min_cell": K, "gate": True}
LABELS = ("node-gate-sent", "node-gate-taken", "node-pattern-sent", "node-pattern-taken")


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Network]:
    with Network(tmp_path_factory.mktemp("network"), records=Records(2, here=60, shared=40, disclosure=GATED)) as running:
        yield running


def test_s34_nodes_die_in_rounds_of_the_gate(network: Network) -> None:
    network.heal()
    view = job_through(network, {EXITS: "node-gate-taken", WAGES: "node-pattern-sent"})
    check_gated(network, view, K)


@pytest.mark.slow
@pytest.mark.parametrize("label", LABELS)
@pytest.mark.parametrize("party", [EXITS, WAGES])
def test_s34_one_node_dies_at_one_place_of_the_gate(network: Network, party: str, label: str) -> None:
    network.heal()
    view = job_through(network, {party: label})
    check_gated(network, view, K)


@pytest.mark.slow
@pytest.mark.parametrize("label", LABELS)
def test_s34_the_coordinator_dies_with_a_node_in_a_round_of_the_gate(network: Network, label: str) -> None:
    network.heal()
    network.restart({WAGES: label})
    job = network.submit()
    network.until(lambda: network.parties[WAGES].code == KILLED, ENDS_S, "nobody died")
    network.coordinator.kill()
    view = network.wait(job)
    check_gated(network, view, K)


def planted() -> Records:
    """Give records of which one cell has few people, all with the same benefit."""
    records = Records(2, here=60, shared=40, disclosure=GATED)
    left, right = records.left, records.right
    keys = set(zip(right["ssn"], right["dob"], strict=True))
    both = [index for index, key in enumerate(zip(left["ssn"], left["dob"], strict=True)) if key in keys]
    few = both[:FEW]
    left.loc[left.index[both], "region"] = "north"
    left.loc[left.index[few], "region"] = "south"
    left.loc[left.index[few], "benefit"] = f"{PLANTED / 100:.2f}"
    return records


def needles() -> tuple[bytes, ...]:
    """Give the planted cell's sum as texts and as machines hold it."""
    cents = FEW * PLANTED
    texts = (f"{cents}", f"{cents / 100:.2f}")
    return (
        *(text.encode() for text in texts),
        struct.pack("<q", cents),
        struct.pack(">q", cents),
        struct.pack("<d", cents / 100),
    )


def memory_of(party: Party) -> Iterator[bytes]:
    """Give what a process holds in memory, part by part."""
    with Path(f"/proc/{party.pid}/mem").open("rb", buffering=0) as memory:
        for line in Path(f"/proc/{party.pid}/maps").read_text().splitlines():
            where, rights, *_ = line.split()
            start, stop = (int(one, 16) for one in where.split("-"))
            if rights.startswith("rw") and "[v" not in line:
                memory.seek(start)
                try:
                    yield memory.read(stop - start)
                except OSError:
                    continue


def found_at(party: Party) -> set[bytes]:
    """Give which of the needles a party has, in memory, if it runs, or in a file: states, spools, logs."""
    files = (path.read_bytes() for path in party.folder.rglob("*") if path.is_file())
    memory = memory_of(party) if party.alive else ()
    return {needle for part in chain(files, memory) for needle in needles() if needle in part}


def test_s19_no_party_has_a_small_cell_in_memory_or_files(tmp_path: Path) -> None:
    """The desk has no data; an agency knows each person's benefit, and not who of them is in the cell; the coordinator has neither."""
    asked = question(by=["exits.region"], measures=["count", {"sum": "exits.benefit"}])
    with Network(tmp_path, third=True, records=planted()) as network:
        network.restart({BOARD: "node-candidate-stored"})
        job = network.submit(asked)
        network.until(lambda: network.parties[BOARD].code == KILLED, ENDS_S, "the desk does not open")
        nothing: dict[str, set[bytes]] = {name: set() for name in network.parties}
        assert {name: found_at(party) for name, party in network.parties.items()} == nothing
        view = network.wait(job)
        assert view.state == "released", (view, network.told())
        rows = {row["exits.region"]: row for row in network.result(view.job).rows}
        assert rows["south"]["count"] is None
        assert rows["south"]["suppressed"] == "small-or-beside"
        shown = rows["north"]["sum(exits.benefit)"]
        assert rows["north"]["count"] == 40 - FEW
        network.until(lambda: ended_everywhere(network, view), START_S, "a node does not hear of the end")
        assert {name: found_at(party) for name, party in network.parties.items()} == nothing
        texts = b"".join(path.read_bytes() for path in (network.parties[BOARD].folder).rglob("*") if path.is_file())
        assert repr(shown).encode() in texts, "the search finds what did open"
