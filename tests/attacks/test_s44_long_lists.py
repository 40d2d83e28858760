"""S-44: no list is longer than the agreement's declarations allow its owner, whoever brings it and however.

An agency that could bring any number of rows would bring every number there is. Here it brings one row too many, 2^28 rows that are only
announced, and a list whose bytes go on; the next agency and the coordinator refuse each and name who sent it, before they multiply or
match any of it. The longest list that is allowed passes everywhere.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick.coordinator import driver
from tallystick.core.agreement.check import COORDINATOR
from tallystick.core.agreement.model import Agreement
from tallystick.core.contract import Contract
from tallystick.core.errors import Refused
from tallystick.core.job.bounds import most_rows
from tallystick.core.job.lifecycle import JobState
from tallystick.core.job.passes import passes_of
from tallystick.crypto import kernel, paillier, tags
from tallystick.crypto.errors import PeerFault
from tallystick.crypto.machine import Message, Ref
from tallystick.crypto.randomness import SystemRandomness
from tallystick.crypto.statistic import agency, states
from tallystick.crypto.statistic import messages as kinds
from tests.governance import agreement, agreement_value, question
from tests.protocol.bus import Bus
from tests.protocol.cases import Side, all_pairs, desk_setup, paillier_key, run_until_slots, setups
from tests.town import AGENCIES, DESK, OTHER, Town, lasting_agreement, member, tags_refs

PEOPLE, DECOYS = 5, 4
MOST = tags.rows_of(PEOPLE, 1, DECOYS)
HUGE = 1 << 28


# the next agency


def ring(names: tuple[str, ...], most: int = MOST) -> Bus:
    """Give agencies of as many people as their datasets are declared for."""
    tokens = [str(person) for person in range(PEOPLE)]
    sides = {name: Side({"pass": tokens}, np.ones((1, PEOPLE), dtype=np.int64)) for name in names}
    computation = all_pairs(names[0], names[1], sides, bound=1)
    made = setups(sides, computation, desk=names[0], decoys=DECOYS)
    made = {name: replace(setup, most_rows=dict.fromkeys(names, most)) for name, setup in made.items()}
    return Bus(made, desk_setup({name: sides[name] for name in names[:2]}, computation, desk=names[0]))


def headed(rows: int) -> bytes:
    return (1).to_bytes(4, "little") + rows.to_bytes(8, "little")


@pytest.mark.parametrize("names", [("housing", "labor"), ("housing", "labor", "schools")])
def test_s44_the_longest_list_that_is_allowed_is_tagged(names: tuple[str, ...]) -> None:
    bus = ring(names)
    run_until_slots(bus)
    assert {state.table_size for state in bus.states.values()} == {len(names) * MOST}


@pytest.mark.parametrize("rows", [MOST + 1, HUGE, (1 << 64) - 1])
@pytest.mark.parametrize("names", [("housing", "labor"), ("housing", "labor", "schools")])
def test_s44_a_longer_list_is_refused_on_its_header_and_nothing_of_it_is_multiplied(
    monkeypatch: pytest.MonkeyPatch, names: tuple[str, ...], rows: int
) -> None:
    bus = ring(names)
    for name, setup in bus.setups.items():
        bus._take(name, agency.begin(setup))
    sender, receiver = names[-1], names[0]
    for other in names[1:]:
        message = Message(Ref(kinds.SEED, other, receiver), [bytes([1]) * 64])
        bus._take(receiver, agency.TABLE[(states.Seeding, kinds.SEED)](bus.states[receiver], message))
    read: list[int] = []

    def chunks() -> Iterator[bytes]:
        yield headed(rows)
        read.append(1)
        yield bytes(32)

    def refused(*_: Any) -> Any:
        raise AssertionError("a point was multiplied")

    monkeypatch.setattr(kernel, "mask", refused)
    with pytest.raises(PeerFault) as caught:
        agency.on_points(bus.states[receiver], Message(Ref(kinds.POINTS, sender, receiver, sender), chunks()))
    assert (caught.value.rule, caught.value.sender) == ("list-too-long", sender)
    assert not read


def test_s44_each_owner_has_its_own_bound() -> None:
    """One agency is declared for fewer people than it brings; the next one refuses its list and no other."""
    bus = ring(("housing", "labor"))
    small = tags.rows_of(PEOPLE - 3, 1, DECOYS)
    assert small < MOST
    for name, setup in bus.setups.items():
        bus.setups[name] = replace(setup, most_rows={"housing": small, "labor": MOST})  # type: ignore[index]  # a dictionary here
    with pytest.raises(PeerFault) as caught:
        run_until_slots(bus)
    assert (caught.value.rule, caught.value.sender) == ("list-too-long", "housing")


# the coordinator


def declaring(people: int, **changes: Any) -> Agreement:
    datasets = agreement_value()["datasets"]
    for entry in datasets.values():
        entry["people"] = people
    return lasting_agreement(datasets=datasets, decoys=DECOYS, **changes)


@pytest.fixture
def town(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Town:
    monkeypatch.setattr(paillier, "generate", paillier_key)
    town = Town(tmp_path, terms=declaring(PEOPLE))
    town.running()
    return town


def contract_of(town: Town) -> Contract:
    record = town.at.storage.job(town.digest)
    assert record is not None
    return town.at.jobs.contract(record)


def random_list(rows: int, width: int = kinds.TAG_BYTES) -> Iterator[bytes]:
    return kinds.list_payload(np.random.default_rng().integers(0, 256, (1, rows, width), dtype=np.uint8))


def test_s44_the_coordinator_takes_and_matches_the_longest_lists_that_are_allowed(town: Town) -> None:
    assert contract_of(town).most_rows == dict.fromkeys(AGENCIES, MOST)
    for ref in contract_of(town).schedule.refs(kinds.POINTS):
        assert town.put(ref, random_list(MOST, kinds.POINT_BYTES)).complete
    for ref in tags_refs().values():
        assert town.put(ref, random_list(MOST)).complete
    town.advance()
    assert town.state == JobState.RUNNING
    assert {m.name.ref for m in town.at.storage.messages(town.digest)} > set(contract_of(town).schedule.refs(kinds.SLOTS))


@pytest.mark.parametrize("rows", [MOST + 1, HUGE])
def test_s44_the_coordinator_matches_no_longer_list_and_names_its_sender(
    town: Town, monkeypatch: pytest.MonkeyPatch, rows: int
) -> None:
    def refused(*_: Any) -> Any:
        raise AssertionError("a list was matched")

    monkeypatch.setattr(driver, "match_tags", refused)
    refs = tags_refs()
    town.put(refs[OTHER], random_list(MOST))
    chunks = random_list(rows) if rows == MOST + 1 else iter([headed(rows)])
    town.put(refs[DESK], chunks)
    town.advance()
    [failure] = town.at.storage.failures(town.digest)
    assert (town.state, failure.code) == (JobState.FAILED, "protocol-broken")
    assert failure.party == refs[DESK].sender == OTHER
    assert f"a list of {rows} rows where the agreement allows {MOST}" in failure.message


@pytest.mark.parametrize("kind", [kinds.POINTS, kinds.TAGS])
def test_s44_an_upload_that_goes_on_is_refused_before_it_is_written(town: Town, kind: str) -> None:
    contract = contract_of(town)
    ref = min(contract.schedule.refs(kind), key=str)
    most = contract.most_bytes(ref)
    assert most is not None
    with pytest.raises(Refused, match=rf"{ref.round} of {ref.sender} is over its limit") as caught:
        town.put(ref, iter([headed(HUGE), *[bytes(1024)] * 1000]))
    assert caught.value.code == "too-large"
    held = sum(path.stat().st_size for path in (town.settings.state / "spool").rglob(f"{kind}*"))
    assert held < 2 * most  # what an envelope has in the file besides
    assert town.at.relay.stat(member(ref.sender), town.name(ref)).bytes <= most


def test_s44_many_small_envelopes_use_up_the_same_room(town: Town) -> None:
    ref = tags_refs()[DESK]
    with pytest.raises(Refused, match="too-large"):
        town.put(ref, iter([headed(MOST), *[b"x"] * (MOST * kinds.TAG_BYTES)]))


# the bound itself


IDENTIFIERS = ("ssn", "first_name", "last_name", "birth_date", "street", "city", "zip")


@given(
    declared=st.tuples(st.integers(2, 50_000), st.integers(2, 50_000)),
    decoys=st.integers(0, 2048),
    aliases=st.integers(0, 3),
    link=st.sampled_from([["strict"], ["default"], ["default", "similarity"], ["loose"]]),
    data=st.data(),
)
def test_s44_no_honest_list_is_longer_than_its_bound(
    declared: tuple[int, int], decoys: int, aliases: int, link: list[str], data: st.DataObject
) -> None:
    datasets = agreement_value()["datasets"]
    for name, people in zip(("tanf", "wages"), declared, strict=True):
        datasets[name] |= {"identifiers": list(IDENTIFIERS), "people": people, "aliases": aliases}
    terms = agreement(datasets=datasets, decoys=decoys, link=link)
    asked = question(link=link[0])
    bounds, passes = most_rows(asked, terms), passes_of(asked, terms)
    own_passes = len(passes.exact) + (passes.similarity is not None)
    for owner, most in zip(("human-services", "labor"), declared, strict=True):
        people = data.draw(st.integers(0, most))
        assert tags.rows_of(people, own_passes, decoys) <= bounds[owner] == tags.rows_of(most, own_passes, decoys)


def test_s44_a_list_with_aliases_bands_and_all_its_people_is_as_long_as_its_bound() -> None:
    """The list itself, not the formula for its length."""
    people = 20
    datasets = agreement_value()["datasets"]
    for name in ("tanf", "wages"):
        datasets[name] |= {"identifiers": list(IDENTIFIERS), "people": people, "aliases": 1}
    terms = agreement(datasets=datasets, decoys=16, link=["default", "similarity"])
    asked = question(link="default")
    passes = passes_of(asked, terms)
    assert passes.bands
    assert any("@" in recipe.name for recipe in passes.exact)
    column = tags.TokenColumn(b"", np.zeros(people + 1, dtype=np.int64), np.zeros(people, dtype=np.bool_))
    own = tags.own_list(
        dict.fromkeys(passes.names, column), people, ladder=passes.ladder,
        secret=bytes(32), job_digest=bytes(32), coin_key=bytes(32), decoys=16,
        scalar=bytes([64]) * 32, randomness=SystemRandomness(),
    )  # fmt: skip
    assert own.rows == most_rows(asked, terms)["labor"]


def test_s44_tags_are_named_after_the_agency_that_hands_them_on() -> None:
    assert {(ref.sender, ref.receiver) for ref in tags_refs().values()} == {(DESK, COORDINATOR), (OTHER, COORDINATOR)}


def test_s31_a_small_message_without_end_does_not_fill_the_memory() -> None:
    """A peer and a coordinator together can send more than the relay takes; the node reads one chunk over the limit, and stops."""
    taken: list[int] = []

    def endless() -> Iterator[bytes]:
        while True:
            taken.append(1)
            yield bytes(kinds.PIECE)

    with pytest.raises(PeerFault) as caught:
        Message(Ref(kinds.SEED, "labor", "housing"), endless()).read()
    assert (caught.value.rule, caught.value.sender, len(taken)) == ("message-too-large", "labor", 2)
