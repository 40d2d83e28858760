"""The relay without a network: what is taken, what counts, and from whom (S-31, S-32)."""

from __future__ import annotations

import itertools
import resource
from dataclasses import replace
from pathlib import Path

import pytest

from tallystick.coordinator.records import MessageRecord
from tallystick.core.errors import Broken, NotReady, Refused, TallyError
from tallystick.core.net.chunks import MessageName
from tallystick.crypto.errors import PeerFault
from tallystick.crypto.machine import Ref
from tallystick.v1.types_pb2 import Envelope
from tests.town import AGENCIES, DESK, OTHER, Town, member, tags_refs

SEED = Ref("seed", OTHER, DESK)
POINTS = Ref("points", OTHER, DESK, OTHER)


@pytest.fixture
def town(tmp_path: Path) -> Town:
    town = Town(tmp_path)
    town.running()
    return town


def copy(envelope: Envelope) -> Envelope:
    return Envelope.FromString(envelope.SerializeToString())


def test_a_message_counts_when_all_of_it_is_there(town: Town) -> None:
    town.reach(POINTS)
    before = town.at.storage.messages(town.digest)
    one, two, three = town.envelopes(POINTS, [b"1", b"2", b"3"])
    name = town.name(POINTS)
    assert not town.upload(OTHER, name, [one, two]).complete
    assert town.at.storage.messages(town.digest) == before
    with pytest.raises(Refused, match="not-allowed"):
        town.at.relay.read(member(DESK), name, 0)
    state = town.upload(OTHER, name, [three])
    assert (state.complete, state.next_sequence) == (True, 3)
    assert list(town.at.relay.read(member(DESK), name, 1)) == [two, three]


def test_what_is_held_survives_a_restart(town: Town) -> None:
    town.reach(POINTS)
    one, two = town.envelopes(POINTS, [b"1", b"2"])
    name = town.name(POINTS)
    town.upload(OTHER, name, [one])
    town.restarted()
    assert town.at.relay.stat(member(OTHER), name).next_sequence == 1
    assert town.upload(OTHER, name, [one, two]).complete
    town.restarted()
    assert town.at.relay.stat(member(OTHER), name).complete


def test_a_newer_upload_ends_the_older(town: Town) -> None:
    """A connection that was lost leaves its call behind; the node that comes again must not wait for it."""
    town.reach(POINTS)
    one, two = town.envelopes(POINTS, [b"1", b"2"])
    name = town.name(POINTS)
    older = town.at.relay.receive(member(OTHER), name)
    older.take(one)
    newer = town.at.relay.receive(member(OTHER), name)
    with pytest.raises(Refused, match="job-state"):
        older.take(two)
    newer.take(two)
    assert newer.finish().complete
    with pytest.raises(Refused, match="job-state"):
        older.finish()


def test_s36_what_a_full_disk_did_not_take_is_not_said_to_be_held(town: Town) -> None:
    """An envelope that waits in memory for its place on the disk, where there is none, is lost with its upload; its sender must hear so."""
    town.reach(POINTS)
    one, two = town.envelopes(POINTS, [b"1", b"2" * 100_000])
    name = town.name(POINTS)
    receiving = town.at.relay.receive(member(OTHER), name)
    room = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, room[1]))
    try:
        receiving.take(one)
        with pytest.raises(OSError, match="File too large"):
            receiving.take(two)
        receiving.close()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, room)
    assert town.at.relay.stat(member(OTHER), name).next_sequence == 0
    assert town.upload(OTHER, name, [one, two]).complete


def test_the_same_again_is_skipped_and_another_is_refused(town: Town) -> None:
    name = town.name(SEED)
    [first], [second] = town.envelopes(SEED, [b"seed"]), town.envelopes(SEED, [b"seed"])
    assert town.upload(OTHER, name, [first]).complete
    assert town.upload(OTHER, name, [first]).complete
    with pytest.raises(Broken, match="differs"):
        town.upload(OTHER, name, [second])
    assert list(town.at.relay.read(member(DESK), name, 0)) == [first]


def test_s32_no_envelope_fits_in_the_place_of_another(town: Town) -> None:
    """All pairwise transplants of a recorded job's envelopes, relabelled to fit: every one is refused."""
    refs = [SEED, Ref("seed", DESK, OTHER), POINTS, Ref("points", DESK, OTHER, DESK), *tags_refs().values()]
    recorded = {ref: town.envelopes(ref, [b"first", b"second"]) for ref in refs}
    places = [(ref, index) for ref in refs for index in range(2)]
    tried = 0
    for (source, taken), (target, place) in itertools.permutations(places, 2):
        moved = copy(recorded[source][taken])
        moved.ref.CopyFrom(town.name(target).wire())
        moved.sequence, moved.last = place, place == 1
        before = recorded[target][:place]
        with pytest.raises((PeerFault, TallyError)):
            town.upload(target.sender, town.name(target), [*before, moved])
        tried += 1
    assert tried == len(places) * (len(places) - 1)
    assert not any(message.name.ref in refs for message in town.at.storage.messages(town.digest))
    for ref in refs:
        assert town.upload(ref.sender, town.name(ref), recorded[ref]).complete


def test_s32_an_earlier_attempts_envelopes_are_refused(town: Town) -> None:
    from tallystick.coordinator.records import FailureRecord

    old = town.envelopes(SEED, [b"seed"])
    town.at.jobs.report_failure(member(OTHER), town.digest, 1, FailureRecord(1, OTHER, "party-restarted", "", "", retry=True))
    town.greet(2)
    with pytest.raises(Refused, match="attempt 2"):
        town.upload(OTHER, town.name(SEED, 1), old)
    relabelled = copy(old[0])
    relabelled.ref.attempt = 2
    with pytest.raises(PeerFault, match="labor"):
        town.upload(OTHER, town.name(SEED, 2), [relabelled])
    assert town.put(SEED, [b"seed"], attempt=2).complete


@pytest.mark.parametrize(
    "ref",
    [
        Ref("gossip", OTHER, DESK),
        Ref("seed", OTHER, OTHER),
        Ref("seed", OTHER, "housing"),
        Ref("seed", OTHER, "coordinator"),
        Ref("seed", OTHER, DESK, OTHER),
        Ref("points", OTHER, DESK, DESK),
        Ref("tags", OTHER, "coordinator", OTHER),
        Ref("correction", OTHER, "coordinator"),
        Ref("columns", OTHER, DESK),
        Ref("audit", OTHER, OTHER),
        Ref("audit", OTHER, "coordinator"),
        Ref("recipient", OTHER, DESK),
        Ref("release", OTHER, "coordinator"),
        Ref("slots", "coordinator", OTHER),
        Ref("sealed", "coordinator", DESK),
        Ref("../../x", OTHER, DESK),
    ],
    ids=lambda ref: ref.round,
)
def test_only_messages_of_the_protocol_are_taken(town: Town, ref: Ref) -> None:
    contract = town.at.jobs.contract(town.at.jobs.visible(member("ana"), town.digest)[0])
    if ref in contract.schedule.refs("columns"):
        ref = Ref("columns", ref.receiver, ref.sender)
    with pytest.raises(Broken, match="protocol-broken"):
        town.at.relay.receive(member(ref.sender if ref.sender in AGENCIES else OTHER), town.name(ref))
    assert not list((town.settings.state / "spool").glob("*/1/*"))


def test_s32_nothing_is_taken_before_what_it_must_be_made_of(town: Town) -> None:
    """A list before the other's contribution, tags and shares before what their sender gets; the desk's key waits for nothing."""
    tags, shares = tags_refs()[DESK], Ref("shares", OTHER, "coordinator")
    for ref in (POINTS, tags, shares):
        with pytest.raises(Broken, match="comes before what it must be made of"):
            town.upload(OTHER, town.name(ref), town.envelopes(ref, [b"early"]))
    assert not list((town.settings.state / "spool").glob("*/1/*"))
    assert town.upload(OTHER, town.name(SEED), town.envelopes(SEED, [b"seed"])).complete
    with pytest.raises(Broken, match="comes before"):  # its own contribution is not the other's
        town.upload(OTHER, town.name(POINTS), town.envelopes(POINTS, [b"early"]))
    other = Ref("seed", DESK, OTHER)
    assert town.upload(DESK, town.name(other), town.envelopes(other, [b"seed"])).complete
    assert town.upload(OTHER, town.name(POINTS), town.envelopes(POINTS, [b"in time"])).complete
    with pytest.raises(Broken, match="comes before"):
        town.upload(OTHER, town.name(tags), town.envelopes(tags, [b"early"]))
    recipient = Ref("recipient", DESK, OTHER)
    assert town.upload(DESK, town.name(recipient), town.envelopes(recipient, [b"key"])).complete


def test_nothing_is_taken_in_anothers_name_or_without_a_job(town: Town) -> None:
    with pytest.raises(Broken, match="protocol-broken"):
        town.at.relay.receive(member(DESK), town.name(SEED))
    for who in ("housing", "board"):
        with pytest.raises(TallyError):
            town.at.relay.receive(member(who), town.name(SEED))
    with pytest.raises(Refused, match="job-unknown"):
        town.at.relay.receive(member(OTHER), MessageName(bytes(32), 1, SEED))


def test_s31_small_kinds_stay_small(town: Town) -> None:
    chunks = [bytes(512 * 1024)] * 3
    with pytest.raises(Refused, match="too-large"):
        town.put(SEED, chunks)
    assert town.put(POINTS, chunks).complete


def test_s31_an_attempt_holds_so_much(tmp_path: Path) -> None:
    town = Town(tmp_path, config={"limits": {"job_mib": 1}})
    town.running()
    assert town.put(POINTS, [bytes(500 * 1024)]).complete
    with pytest.raises(Refused, match="too-large"):
        town.put(Ref("points", DESK, OTHER, DESK), [bytes(500 * 1024), bytes(300 * 1024)])
    assert town.put(Ref("recipient", DESK, OTHER), [b"key"]).complete


def test_a_job_that_ends_during_an_upload_takes_no_more(town: Town) -> None:
    receiving = town.at.relay.receive(member(OTHER), town.name(SEED))
    [envelope] = town.envelopes(SEED, [b"seed"])
    receiving.take(envelope)
    town.at.jobs.cancel(member("ana"), town.digest)
    with pytest.raises(Refused, match="job-state"):
        receiving.finish()
    assert town.at.storage.messages(town.digest) == ()


def test_a_full_spool_takes_messages_later(tmp_path: Path) -> None:
    town = Town(tmp_path, config={"limits": {"spool_gib": 1}})
    town.running()
    town.reach(POINTS)
    record = town.at.storage.job(town.digest)
    assert record is not None
    full = MessageRecord(town.name(Ref("sealed", "coordinator", DESK)), 1, (1 << 30) + 1)
    held = town.at.storage.change(record, record, messages=[full])
    envelopes = town.envelopes(POINTS, [b"1"])
    with pytest.raises(NotReady, match="spool is full"):
        town.upload(OTHER, town.name(POINTS), envelopes)
    town.at.storage.change(held, replace(held, attempt=2))  # the message is gone, and there is room
    with pytest.raises(Refused, match="attempt 2"):
        town.upload(OTHER, town.name(POINTS), envelopes)
