"""Messages as streams of envelopes (S-32): what is not exactly awaited neither verifies nor opens."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tallystick.core.errors import Broken, Invalid, Refused
from tallystick.core.net.chunks import MessageName, check_shape, open_chunks, same, seal_envelopes
from tallystick.crypto.envelope import CHUNK, OVERHEAD
from tallystick.crypto.errors import LocalFault, PeerFault
from tallystick.crypto.machine import Ref
from tallystick.v1.types_pb2 import Envelope, MessageRef
from tests.governance import identity, sealing_key

NAME = MessageName(bytes(range(32)), 1, Ref("points", "labor", "housing", "labor"))


def sealed(chunks: list[bytes], name: MessageName = NAME) -> list[Envelope]:
    return list(
        seal_envelopes(
            name, iter(chunks), receiver_public=sealing_key("housing").public, sender_private=identity("labor").private
        )
    )


def opened(envelopes: list[Envelope], name: MessageName = NAME) -> list[bytes]:
    return list(open_chunks(name, envelopes, receiver=sealing_key("housing"), sender_public=identity("labor").public))


@settings(max_examples=25, deadline=None)
@given(st.lists(st.binary(max_size=300), max_size=6))
def test_chunks_come_out_as_they_went_in(chunks: list[bytes]) -> None:
    envelopes = sealed(chunks)
    assert opened(envelopes) == (chunks or [b""])
    assert [envelope.sequence for envelope in envelopes] == list(range(len(envelopes)))
    assert [envelope.last for envelope in envelopes] == [False] * (len(envelopes) - 1) + [True]


def test_the_largest_chunk_fits_a_message_and_one_byte_more_does_not() -> None:
    [envelope] = sealed([bytes(CHUNK)])
    check_shape(envelope)
    assert len(envelope.sealed) == CHUNK + OVERHEAD
    assert envelope.ByteSize() < 1 << 20
    with pytest.raises(LocalFault):
        sealed([bytes(CHUNK + 1)])
    envelope.sealed += b"\0"
    with pytest.raises(Refused, match="too-large"):
        check_shape(envelope)


def test_s32_another_order_gaps_and_repetitions_are_refused() -> None:
    one, two, three = sealed([b"1", b"2", b"3"])
    for wrong in ([], [one], [one, two], [two, three], [one, three], [one, one, two, three], [two, one, three]):
        with pytest.raises(PeerFault, match="labor"):
            opened(wrong)
    with pytest.raises(PeerFault):
        opened([one, two, three, three])


@pytest.mark.parametrize(
    "awaited",
    [
        replace(NAME, job=bytes(32)),
        replace(NAME, attempt=2),
        replace(NAME, ref=Ref("points", "labor", "housing", "housing")),
        replace(NAME, ref=Ref("columns", "labor", "housing")),
        replace(NAME, ref=Ref("points", "housing", "labor", "labor")),
    ],
)
def test_s32_what_came_for_another_place_is_refused(awaited: MessageName) -> None:
    with pytest.raises(PeerFault):
        opened(sealed([b"x"]), awaited)


def test_s32_the_last_mark_is_signed() -> None:
    one, two = sealed([b"1", b"2"])
    one.last, two.last = True, False
    with pytest.raises(PeerFault):
        opened([one])


def test_what_is_not_sealed_or_not_signed_has_no_shape() -> None:
    [envelope] = sealed([b"x"])
    for changed in (
        Envelope(sealed=b"plain", signature=bytes(64)),
        Envelope(sealed=envelope.sealed, signature=bytes(63)),
        Envelope(),
    ):
        with pytest.raises(Broken, match="protocol-broken"):
            check_shape(changed)


def test_the_same_envelope_is_the_same_and_a_second_sealing_is_not() -> None:
    [one], [other] = sealed([b"x"]), sealed([b"x"])
    assert same(one, Envelope.FromString(one.SerializeToString()))
    assert not same(one, other)


def test_a_name_travels_and_comes_back() -> None:
    assert MessageName.read(NAME.wire()) == NAME


@pytest.mark.parametrize(
    "wire",
    [
        MessageRef(),
        MessageRef(job=bytes(31), attempt=1, round="seed", sender="a", receiver="b"),
        MessageRef(job=bytes(32), attempt=0, round="seed", sender="a", receiver="b"),
        MessageRef(job=bytes(32), attempt=4, round="seed", sender="a", receiver="b"),
        MessageRef(job=bytes(32), attempt=1, round="", sender="a", receiver="b"),
        MessageRef(job=bytes(32), attempt=1, round=":a", sender="a", receiver="b"),
        MessageRef(job=bytes(32), attempt=1, round="x" * 81, sender="a", receiver="b"),
        MessageRef(job=bytes(32), attempt=1, round="seed", sender="", receiver="b"),
        MessageRef(job=bytes(32), attempt=1, round="seed", sender="a", receiver="b" * 65),
    ],
)
def test_a_name_that_is_none_is_refused(wire: MessageRef) -> None:
    with pytest.raises(Invalid, match="protocol-broken"):
        MessageName.read(wire)
