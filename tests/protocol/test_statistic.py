"""A statistical job in memory, from tokens to opened cells; and what happens to messages that are changed, moved or left out."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tallystick.coordinator.matching import Matches
from tallystick.core.linkage.passes.budget import BOUNDS, Budget, Odds
from tallystick.crypto import paillier, signing, tags
from tallystick.crypto.codec import frame
from tallystick.crypto.errors import PeerFault
from tallystick.crypto.machine import Message, Ref, advance
from tallystick.crypto.passes import FIRST
from tallystick.crypto.statistic import agency, desk, states
from tallystick.crypto.statistic import messages as kinds
from tallystick.crypto.statistic.computation import CellTerms, Computation
from tallystick.crypto.statistic.shares import read_added
from tallystick.crypto.statistic.term_plan import Term
from tests.protocol.bus import Bus, Tamper
from tests.protocol.cases import (
    JOB,
    Side,
    all_pairs,
    column_pairs,
    desk_setup,
    identity,
    paillier_key,
    run_of,
    run_until_slots,
    setups,
    sides_of_two,
)


@pytest.fixture(autouse=True)
def _one_paillier_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paillier, "generate", paillier_key)


def test_two_agencies_open_the_products_of_matched_people() -> None:
    sides = sides_of_two()
    computation = all_pairs("housing", "labor", sides, bound=121)
    _, opened = run_of(sides, computation, desk_name="housing")
    # a, b and the one without a strict token match: housing rows 0, 1, 2 with labor rows 4, 0, 2
    left, right = sides["housing"].columns[:, [0, 1, 2]], sides["labor"].columns[:, [4, 0, 2]]
    assert opened.values == tuple(int(left[i] @ right[j]) for i, j in column_pairs(computation, "housing", "labor"))


@pytest.mark.parametrize("decoys", [0, 8])
def test_a_pass_that_is_left_out_links_nobody_and_every_agency_is_told(decoys: int) -> None:
    people = {"number": ["1", "2", None, None], "name": [None, None, "c", "d"]}
    sides = {name: Side(people, np.ones((1, 4), dtype=np.int64)) for name in ("housing", "labor")}
    computation = all_pairs("housing", "labor", sides, bound=1)
    bus = Bus(setups(sides, computation, desk="housing", decoys=decoys), desk_setup(sides, computation, desk="housing"))
    never = Odds(1.0, 1.0, 1.0, tells=False)
    bus.budget = Budget(BOUNDS["default"], (None, never), (FIRST, FIRST), (4, 4), decoys, 2, again=False)
    assert bus.run().values[0] == 2
    for name in sides:
        header, *_ = bus.transcript[Ref(kinds.SLOTS, kinds.COORDINATOR, name)]
        assert header[8:] == bytes([0b0100_0000])


def test_a_third_agency_can_be_the_desk() -> None:
    sides = sides_of_two()
    computation = all_pairs("housing", "labor", sides, bound=121)
    _, opened = run_of(sides, computation, desk_name="schools")
    assert opened.values[0] == 3


@pytest.mark.parametrize("count", [3, 4, 5])
def test_s11_three_and_more_agencies_multiply_their_columns_over_the_people_of_all(count: int) -> None:
    """Tagged, matched, audited pair by pair, multiplied in a chain of exchanges; exact beside terms of two of them."""
    names = ("a-one", "b-two", "c-three", "d-four", "e-five")[:count]
    people = {name: [str(n) for n in range(place, 6 + place)] for place, name in enumerate(names)}
    sides = {
        name: Side({"number": list(tokens)}, np.array([[1] * 6, [int(token) - 4 for token in tokens]], dtype=np.int64))
        for name, tokens in people.items()
    }
    everybody: Term = tuple((place, 1) for place in range(count))
    terms: tuple[Term, ...] = (everybody, ((0, 0), (1, 0)), ((1, 1), (2, 1)), ((0, 0), (1, 0), (2, 0)))
    terms = tuple(dict.fromkeys(terms))
    cells = tuple(CellTerms(((1, term),), 10**5) for term in range(len(terms)))
    computation = Computation(names, (2,) * count, terms, cells)
    bus = Bus(setups(sides, computation, desk=names[1], decoys=3), desk_setup(sides, computation, desk=names[1]))
    shared = [set.intersection(*(set(people[names[place]]) for place, _ in term)) for term in terms]
    truth = [
        sum(int(np.prod([1 if column == 0 else int(one) - 4 for _, column in term])) for one in those)
        for term, those in zip(terms, shared, strict=True)
    ]
    assert list(bus.run().values) == truth
    audits = {ref.about for ref in bus.transcript if ref.kind == kinds.AUDIT}
    assert audits == {f"audit{number}" for number in range(count * (count - 1) // 2)}


def test_s45_with_three_agencies_a_link_that_two_of_them_miss_ends_the_job() -> None:
    """The coordinator parts a decoy's link between the second and the third agency; the first computes with both."""
    names = ("a-one", "b-two", "c-three")
    sides = {name: Side({"number": [str(n) for n in range(4)]}, np.ones((1, 4), dtype=np.int64)) for name in names}
    computation = Computation(names, (1, 1, 1), (((0, 0), (1, 0)),), (CellTerms(((1, 0),), 1),))
    bus = Bus(setups(sides, computation, desk=names[0], decoys=24), desk_setup(sides, computation, desk=names[0]))

    def part(matches: Matches) -> Matches:
        last = matches.cluster[2].copy()
        last[:] = -1
        return dataclasses.replace(matches, cluster=(*matches.cluster[:2], last))

    bus.alter = part
    with pytest.raises(PeerFault) as caught:
        bus.run()
    assert (caught.value.rule, caught.value.sender) == ("links-altered", kinds.COORDINATOR)


@pytest.mark.parametrize("count", [3, 4])
def test_s05_more_agencies_are_tagged_with_corrections_and_two_compute(count: int) -> None:
    names = ["a-one", "b-two", "c-three", "d-four"][:count]
    sides = {
        name: Side(
            {"ssn": [f"{person}" if (person + place) % 3 else f"{name}{person}" for person in range(12)]},
            np.ones((1, 12), dtype=np.int64),
        )
        for place, name in enumerate(names)
    }
    computation = all_pairs(names[0], names[1], sides, bound=1)
    bus = Bus(
        setups(sides, computation, desk=names[0]),
        desk_setup({name: sides[name] for name in names[:2]}, computation, desk=names[0]),
    )
    # agencies that are only tagged have nothing to multiply: they stop at the slots
    run_until_slots(bus)
    slots = {name: bus.transcript[Ref(kinds.SLOTS, kinds.COORDINATOR, name)] for name in names}
    placed = {name: _person_slots(bus, name, chunks) for name, chunks in slots.items()}
    for first in names:
        for second in names:
            if first < second:
                same = [p for p in range(12) if sides[first].tokens["ssn"][p] == sides[second].tokens["ssn"][p]]
                shared = [p for p in range(12) if placed[first][p] in set(placed[second])]
                assert [p for p in same if placed[first][p] == placed[second][p]] == same
                assert shared == same


def _person_slots(bus: Bus, name: str, chunks: list[bytes]) -> list[int]:
    state = bus.states[name]
    assert isinstance(state, states.Matching)
    slots, table_size, _ = kinds.read_slots(chunks, len(state.persons), sender=kinds.COORDINATOR)
    assert table_size == state.table_size
    of_person = dict(zip(state.persons.tolist(), slots.tolist(), strict=True))
    return [of_person[person] for person in range(bus.setups[name].people)]


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_s11_random_jobs_open_what_the_clear_gives(data: st.DataObject) -> None:
    people = {name: data.draw(st.integers(1, 6)) for name in ("alpha", "beta")}
    tokens = {
        name: data.draw(st.lists(st.sampled_from([None, "1", "2", "3", "4"]), min_size=n, max_size=n))
        for name, n in people.items()
    }
    values = st.integers(-(10**9), 10**9)
    sides = {
        name: Side(
            {"pass": tokens[name]}, np.array([[1] * n, data.draw(st.lists(values, min_size=n, max_size=n))], dtype=np.int64)
        )
        for name, n in people.items()
    }
    computation = all_pairs("alpha", "beta", sides, bound=10**18)
    _, opened = run_of(sides, computation, desk_name="beta")
    links = [
        (a, b)
        for a, token in enumerate(tokens["alpha"])
        for b, other in enumerate(tokens["beta"])
        if token is not None and token == other and tokens["alpha"].count(token) == 1 and tokens["beta"].count(other) == 1
    ]
    x, y = sides["alpha"].columns, sides["beta"].columns
    assert opened.values == tuple(
        sum(int(x[i, a]) * int(y[j, b]) for a, b in links) for i, j in column_pairs(computation, "alpha", "beta")
    )


def test_own_totals_are_added_and_never_stand_in_a_share() -> None:
    sides = sides_of_two()
    computation = Computation(("housing", "labor"), (2, 2), (((0, 0), (1, 0)),), (CellTerms(((-1, 0),), 2), CellTerms((), 2)))
    opened_shares = []
    for _ in range(2):
        ready = setups(sides, computation, desk="schools")
        ready["housing"] = dataclasses.replace(ready["housing"], own=(5, 5))
        bus = Bus(ready, desk_setup(sides, computation, desk="schools"))
        assert bus.run().values == (5 - 3, 5)
        sealed = b"".join(bus.transcript[Ref(kinds.SEALED, kinds.COORDINATOR, "schools")])
        from tallystick.crypto.modulus import modulus
        from tallystick.crypto.statistic.shares import packing_of, read_shares

        document = read_added(sealed, ("housing", "labor"))[1]["labor"]
        share, _ = read_shares(document, sender="labor")
        bits = [modulus(primes).bit_length() for primes in computation.cell_primes(share.people)]
        opened_shares.append(packing_of(bits).unpack(paillier.decrypt_ciphertexts(paillier_key(), list(share.ciphertexts))))
    # labor adds nothing of its own to the second cell, and yet the desk sees a fresh random number there
    assert opened_shares[0][1] != opened_shares[1][1]
    assert 0 not in (opened_shares[0][1], opened_shares[1][1])


@pytest.mark.parametrize("step", [1, 5, 1 << 17])
def test_lists_masked_in_blocks_of_any_size_open_the_same(monkeypatch: pytest.MonkeyPatch, step: int) -> None:
    monkeypatch.setattr(agency, "MASKED_AT_ONCE", step)
    monkeypatch.setattr(tags, "_BLOCK", step)
    test_two_agencies_open_the_products_of_matched_people()


@pytest.mark.parametrize("report", [b"", b"x" * (64 * 1024 + 1)])
def test_nothing_is_opened_beside_a_report_that_is_empty_or_too_long(report: bytes) -> None:
    def tamper(ref: Ref, chunks: list[bytes]) -> list[bytes]:
        return [report] if ref.kind == kinds.REPORT else chunks

    sides = sides_of_two()
    with pytest.raises(PeerFault) as caught:
        run_of(sides, all_pairs("housing", "labor", sides, bound=121), desk_name="housing", tamper=tamper)
    assert (caught.value.sender, caught.value.rule) == ("coordinator", "report-malformed")


@pytest.mark.parametrize(
    "kind", [kinds.SEED, kinds.POINTS, kinds.SLOTS, kinds.COLUMNS, kinds.PRODUCTS, kinds.AUDIT, kinds.RECIPIENT, kinds.SEALED]
)
@pytest.mark.parametrize("change", ["empty", "cut", "longer"])
def test_a_message_of_a_wrong_length_is_refused(kind: str, change: str) -> None:
    def tamper(ref: Ref, chunks: list[bytes]) -> list[bytes]:
        if ref.kind != kind:
            return chunks
        if change == "empty":
            return []
        return chunks[:-1] + ([chunks[-1][:-1]] if change == "cut" else [chunks[-1] + b"\x00"])

    sides = sides_of_two()
    with pytest.raises(PeerFault):
        run_of(sides, all_pairs("housing", "labor", sides, bound=121), desk_name="housing", tamper=tamper)


def test_a_message_that_no_row_of_the_table_awaits_is_refused_and_changes_nothing() -> None:
    sides = sides_of_two()
    state = agency.begin(setups(sides, all_pairs("housing", "labor", sides, bound=121), desk="housing")["housing"]).state
    for ref in (
        Ref(kinds.SEED, "schools", "housing"), Ref(kinds.SEED, "labor", "labor"), Ref(kinds.SLOTS, kinds.COORDINATOR, "housing"),
        Ref(kinds.POINTS, "labor", "housing", "labor"), Ref("gossip", "labor", "housing"),
    ):  # fmt: skip
        with pytest.raises(PeerFault, match="not awaited"):
            advance(agency.TABLE, state, Message(ref, (bytes(64),)))
    assert state.awaits == (Ref(kinds.SEED, "labor", "housing"),)


@pytest.mark.parametrize("lie", [b"\x00" * 8, (2**20).to_bytes(8, "little")])
def test_a_table_of_another_size_than_all_lists_is_refused(lie: bytes) -> None:
    def tamper(ref: Ref, chunks: list[bytes]) -> list[bytes]:
        return [lie, *chunks[1:]] if ref.kind == kinds.SLOTS else chunks

    sides = sides_of_two()
    with pytest.raises(PeerFault, match="coordinator"):
        run_of(sides, all_pairs("housing", "labor", sides, bound=121), desk_name="housing", tamper=tamper)


class TestSealedShares:
    """What a coordinator could try with the sealed shares."""

    def opened_with(self, tamper: Tamper) -> desk.Opened:
        sides = sides_of_two()
        return run_of(sides, all_pairs("housing", "labor", sides, bound=121), desk_name="housing", tamper=tamper)[1]

    def changed(self, change: str) -> Tamper:
        public = paillier_key().public

        def tamper(ref: Ref, chunks: list[bytes]) -> list[bytes]:
            if ref.kind != kinds.SEALED:
                return chunks
            product, documents = read_added(b"".join(chunks), ("housing", "labor"))
            if change == "add one to the product":
                from tallystick.crypto.randomness import SystemRandomness

                one = paillier.encrypt(public, [1] + [0] * (len(product) - 1), SystemRandomness())
                product = tuple(paillier.multiply_ciphertexts(public, [list(product), one]))
            elif change == "one agency twice":
                documents["labor"] = documents["housing"]
            elif change == "flip a bit":
                documents["labor"] = (
                    documents["labor"][:-600] + bytes([documents["labor"][-600] ^ 1]) + documents["labor"][-599:]
                )
            elif change == "signed by another":
                from tallystick.crypto.statistic.shares import read_shares

                read, _ = read_shares(documents["labor"], sender="labor")
                documents["labor"] = read.document(lambda context, message: signing.sign(identity("mallory"), context, message))
            elif change == "of another attempt":
                from tallystick.crypto.statistic.shares import read_shares

                read, _ = read_shares(documents["labor"], sender="labor")
                other = dataclasses.replace(read, attempt=2)
                documents["labor"] = other.document(lambda context, message: signing.sign(identity("labor"), context, message))
            return list(kinds.pieces(frame(frame(*product), *(documents[name] for name in sorted(documents)))))

        return tamper

    @pytest.mark.parametrize(
        ("change", "rule"),
        [
            ("add one to the product", "product-differs"), ("one agency twice", "shares-malformed"), ("flip a bit", "signature-invalid"),
            ("signed by another", "signature-invalid"), ("of another attempt", "shares-transplanted"),
        ],
    )  # fmt: skip
    def test_s17_is_found_by_the_desk(self, change: str, rule: str) -> None:
        with pytest.raises(PeerFault) as caught:
            self.opened_with(self.changed(change))
        assert caught.value.rule == rule


def test_nothing_that_travels_holds_a_token_or_a_value() -> None:
    marks = [b"canary-token-17", b"canary-token-42"]
    value = 0x5A5A5A5A5A5A
    columns = np.array([[value, value]], dtype=np.int64)
    sides = {name: Side({"pass": [mark.decode() for mark in marks]}, columns) for name in ("housing", "labor")}
    bus, opened = run_of(sides, all_pairs("housing", "labor", sides, bound=value**2), desk_name="housing")
    assert opened.values == (2 * value**2,)
    travelled = b"".join(chunk for chunks in bus.transcript.values() for chunk in chunks)
    for mark in [*marks, value.to_bytes(6, "little"), value.to_bytes(6, "big"), JOB[:0] + str(value).encode()]:
        assert mark not in travelled


def test_states_do_not_print_what_they_hold() -> None:
    sides = sides_of_two()
    ready = setups(sides, all_pairs("housing", "labor", sides, bound=121), desk="housing")
    step = agency.begin(ready["housing"])
    text = repr(step)
    assert "b'" not in text.replace(repr(JOB), "")
    assert "array" not in text
