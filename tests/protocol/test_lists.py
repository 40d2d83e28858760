"""Lists of points on their way: bad and repeated values, what waits until all was read, and how much a node holds of them."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from tallystick.crypto import paillier
from tallystick.crypto.errors import PeerFault
from tallystick.crypto.machine import Message, Outbound, Ref, advance
from tallystick.crypto.statistic import agency
from tallystick.crypto.statistic import messages as kinds
from tests.protocol.bus import Bus
from tests.protocol.cases import Side, all_pairs, desk_setup, paillier_key, run_of, run_until_slots, setups, sides_of_two


@pytest.fixture(autouse=True)
def _one_paillier_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paillier, "generate", paillier_key)


def test_s06_a_repeated_value_names_the_sender() -> None:
    def repeat(ref: Ref, chunks: list[bytes]) -> list[bytes]:
        if ref.kind == kinds.POINTS and ref.sender == "labor":
            return [chunks[0], chunks[1][:32] + chunks[1][:32] + chunks[1][64:]]
        return chunks

    with pytest.raises(PeerFault, match="labor") as caught:
        run_of(sides_of_two(), all_pairs("housing", "labor", sides_of_two(), bound=121), desk_name="housing", tamper=repeat)
    assert caught.value.sender == "labor"


@pytest.mark.parametrize("bad", [bytes(32), b"\x02" + bytes(31), b"\xff" * 32])
def test_s03_nothing_made_of_a_list_leaves_if_its_last_point_is_bad(monkeypatch: pytest.MonkeyPatch, bad: bytes) -> None:
    monkeypatch.setattr(agency, "MASKED_AT_ONCE", 1)
    sent: list[Ref] = []

    def spoil(ref: Ref, chunks: list[bytes]) -> list[bytes]:
        sent.append(ref)
        return [*chunks[:-1], chunks[-1][:-32] + bad] if ref.kind == kinds.POINTS and ref.sender == "labor" else chunks

    with pytest.raises(PeerFault) as caught:
        run_of(sides_of_two(), all_pairs("housing", "labor", sides_of_two(), bound=121), desk_name="housing", tamper=spoil)
    assert (caught.value.sender, caught.value.rule) == ("labor", "point-not-canonical" if bad[0] == 255 else "point-invalid")
    assert not any(ref.kind == kinds.TAGS and ref.about == "labor" for ref in sent)


@pytest.mark.parametrize("names", [("housing", "labor"), ("housing", "labor", "schools")])
def test_s03_what_is_made_of_a_list_is_withheld_until_all_of_it_was_read(names: tuple[str, ...]) -> None:
    """Tags to the coordinator, and points to the next of three or more."""
    bus = tagging_bus(names, passes=2, rows=3)
    kept: dict[Ref, bool] = {}
    send = bus._send

    def noted(outbound: Outbound) -> None:
        kept[outbound.ref] = outbound.withheld
        send(outbound)

    bus._send = noted  # type: ignore[method-assign]  # for this bus alone
    run_until_slots(bus)
    lists = {ref: withheld for ref, withheld in kept.items() if ref.kind in {kinds.POINTS, kinds.TAGS}}
    assert len(lists) == len(names) ** 2
    assert lists == {ref: ref.sender != ref.about for ref in lists}


def tagging_bus(names: tuple[str, ...], *, passes: int, rows: int) -> Bus:
    """Give a bus of agencies without decoys, who all have the same people."""
    sides = {
        name: Side(
            {f"pass-{at:02d}": [f"{at} {person}" for person in range(rows)] for at in range(passes)},
            np.ones((1, rows), dtype=np.int64),
        )
        for name in names
    }
    computation = all_pairs(names[0], names[1], sides, bound=1)
    return Bus(
        setups(sides, computation, desk=names[0], decoys=0),
        desk_setup({name: sides[name] for name in names[:2]}, computation, desk=names[0]),
    )


def test_s38_a_node_holds_the_points_of_one_pass_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    passes, rows = 30, 1024
    monkeypatch.setattr(kinds, "PIECE", 4096)
    monkeypatch.setattr(agency, "MASKED_AT_ONCE", 128)
    bus = tagging_bus(("housing", "labor"), passes=passes, rows=rows)
    for name, setup in bus.setups.items():
        bus._take(name, agency.begin(setup))
    for name, other in (("housing", "labor"), ("labor", "housing")):
        ref = Ref(kinds.SEED, other, name)
        bus._take(name, advance(agency.TABLE, bus.states[name], Message(ref, iter(bus.transcript[ref]))))
    ref = Ref(kinds.POINTS, "labor", "housing", "labor")
    tracemalloc.start()
    try:
        step = advance(agency.TABLE, bus.states["housing"], Message(ref, iter(bus.transcript[ref])))
        number = sum(len(chunk) for outbound in step.outbound for chunk in outbound.chunks)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert number == 12 + passes * rows * kinds.TAG_BYTES
    assert peak < 5 * rows * kinds.POINT_BYTES  # of what is 30 passes
