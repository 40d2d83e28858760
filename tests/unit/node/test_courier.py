"""The courier: sealed files out and in, links that fail, messages that were moved (S-18, S-32), and what stays when it is dropped."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from tallystick.core.errors import NotReady, Refused, TallyError
from tallystick.core.net.chunks import MessageName, seal_envelopes
from tallystick.core.net.spoolfile import read_spool, write_spool
from tallystick.crypto.errors import PeerFault
from tallystick.crypto.machine import Ref
from tallystick.node.courier import Courier, Dropped, call_until_answered
from tallystick.node.ports import EnvelopeSource, Sink
from tallystick.v1.types_pb2 import Envelope
from tests.governance import identity, sealing_key

JOB = bytes(range(32))
SEED = Ref("seed", "labor", "housing")


class Mailbox:
    """A link that holds spool files, and can be down for a while."""

    def __init__(self, folder: Path, down: int = 0) -> None:
        self.folder, self.down, self.calls = folder, down, 0

    def _try(self) -> None:
        self.calls += 1
        if self.calls <= self.down:
            raise NotReady("unavailable", "down")

    async def put(self, name: MessageName, source: EnvelopeSource) -> None:
        self._try()
        envelopes = [envelope async for envelope in source(0)]
        write_spool(self._file(name), iter(envelopes))

    async def get(self, name: MessageName, sink: Sink) -> None:
        self._try()
        if sink.ended:
            return
        for envelope in read_spool(self._file(name), sink.count):
            sink.append(envelope)

    def _file(self, name: MessageName) -> Path:
        return self.folder / name.ref.round.replace(":", "-")


async def received(at: Courier, ref: Ref, pushed: Iterable[Envelope] = ()) -> list[bytes]:
    """Give a message's chunks, read in a thread while they come."""
    passage = at.incoming(ref)
    download = asyncio.create_task(at.fetch(ref, passage, pushed))
    try:
        return await asyncio.to_thread(lambda: list(at.open_message(ref, passage).chunks))
    finally:
        await asyncio.gather(download, return_exceptions=True)
        passage.close()


def courier(folder: Path, me: str, link: Any, attempt: int = 1) -> Courier:
    place = folder / me
    place.mkdir(exist_ok=True)
    return Courier(
        coordinator=link,
        job=JOB,
        attempt=attempt,
        sealing_keys={name: sealing_key(name).public for name in ("labor", "housing")},
        identity_keys={name: identity(name).public for name in ("labor", "housing")},
        key=sealing_key(me),
        private=identity(me).private,
        folder=place,
    )


def test_a_message_goes_there_in_sealed_files_that_are_removed(tmp_path: Path) -> None:
    link = Mailbox(tmp_path)
    sender, receiver = courier(tmp_path, "labor", link), courier(tmp_path, "housing", link)

    async def carry() -> list[bytes]:
        passage = sender.outgoing(SEED)
        delivery = asyncio.create_task(sender.deliver(SEED, passage.follow))
        await asyncio.to_thread(sender.fill, SEED, passage, [b"secret one", b"secret two"])
        assert all(b"secret" not in path.read_bytes() for path in (tmp_path / "labor").iterdir())
        await delivery
        passage.close()
        return await received(receiver, SEED)

    assert asyncio.run(carry()) == [b"secret one", b"secret two"]
    assert [*(tmp_path / "labor").iterdir(), *(tmp_path / "housing").iterdir()] == []


@pytest.mark.parametrize(
    ("attempt", "sender", "ref"),
    [(2, "labor", SEED), (1, "housing", SEED), (1, "labor", Ref("seed", "labor", "housing", "labor"))],
)
def test_s32_what_was_made_for_another_place_does_not_open(tmp_path: Path, attempt: int, sender: str, ref: Ref) -> None:
    link = Mailbox(tmp_path)
    name = MessageName(JOB, attempt, ref)
    envelopes = seal_envelopes(
        name, [b"x"], receiver_public=sealing_key("housing").public, sender_private=identity(sender).private
    )
    write_spool(tmp_path / "seed", envelopes)

    async def fetch() -> None:
        await received(courier(tmp_path, "housing", link), SEED)

    with pytest.raises(PeerFault):
        asyncio.run(fetch())


def test_s32_what_came_along_with_a_notice_is_checked_as_what_was_fetched(tmp_path: Path) -> None:
    """The first envelopes of a message are here already: the rest is fetched; one that was altered, moved or repeated does not pass."""
    link = Mailbox(tmp_path)
    receiver = sealing_key("housing").public
    made = list(
        seal_envelopes(
            MessageName(JOB, 1, SEED), [b"one", b"two"], receiver_public=receiver, sender_private=identity("labor").private
        )
    )
    write_spool(tmp_path / "seed", iter(made))

    def opened(*pushed: Envelope) -> list[bytes]:
        return asyncio.run(received(courier(tmp_path, "housing", link), SEED, pushed))

    for count in range(len(made) + 1):
        assert opened(*made[:count]) == [b"one", b"two"]
    altered, other = Envelope(), Envelope()
    altered.CopyFrom(made[0])
    altered.sealed = bytes([altered.sealed[0] ^ 1]) + altered.sealed[1:]
    other.CopyFrom(made[0])
    other.ref.attempt = 2
    with pytest.raises(PeerFault):
        opened(altered)
    for pushed in ([made[0], made[0]], [made[1]], [other], [Envelope(ref=made[0].ref)]):
        with pytest.raises((TallyError, PeerFault)):
            opened(*pushed)


def test_a_link_that_is_down_is_tried_again(tmp_path: Path) -> None:
    link = Mailbox(tmp_path, down=3)

    async def call() -> None:
        link._try()

    asyncio.run(call_until_answered(call, first_wait=0.001))
    assert link.calls == 4


def test_an_answer_that_is_no_is_not_tried_again() -> None:
    calls = 0

    async def call() -> None:
        nonlocal calls
        calls += 1
        raise Refused("job-state", "over")

    made: Callable[[], Awaitable[None]] = call
    with pytest.raises(Refused):
        asyncio.run(call_until_answered(made))
    assert calls == 1


def test_what_keeps_a_message_from_coming_is_told_to_who_reads_it(tmp_path: Path) -> None:
    class Over(Mailbox):
        async def get(self, name: MessageName, sink: Sink) -> None:
            raise Refused("job-state", "over")

    with pytest.raises(Refused, match="over"):
        asyncio.run(received(courier(tmp_path, "housing", Over(tmp_path)), SEED))


def test_a_cut_download_goes_on_where_it_was(tmp_path: Path) -> None:
    class Cut(Mailbox):
        asked: list[int] = []  # of this one test

        async def get(self, name: MessageName, sink: Sink) -> None:
            self.asked.append(sink.count)
            for envelope in read_spool(self._file(name), sink.count):
                sink.append(envelope)
                if len(self.asked) < 3:
                    raise NotReady("unavailable", "cut")

    link = Cut(tmp_path)
    sender = courier(tmp_path, "labor", link)
    sender.spool(SEED, [b"a", b"b", b"c", b"d"], tmp_path / "seed")
    assert asyncio.run(received(courier(tmp_path, "housing", link), SEED)) == [b"a", b"b", b"c", b"d"]
    assert link.asked == [0, 1, 2]


def test_what_keeps_a_message_from_being_made_is_told_to_who_sends_it(tmp_path: Path) -> None:
    one = courier(tmp_path, "labor", Mailbox(tmp_path))

    def chunks() -> Any:
        yield b"a"
        yield b"b"
        raise PeerFault("point-invalid", "a bad point", sender="housing")

    async def send() -> None:
        passage = one.outgoing(SEED)
        delivery = asyncio.create_task(one.deliver(SEED, passage.follow))
        with pytest.raises(PeerFault):
            await asyncio.to_thread(one.fill, SEED, passage, chunks())
        await delivery

    with pytest.raises(PeerFault):
        asyncio.run(send())
    assert not (tmp_path / "seed").exists()


def test_a_dropped_courier_wakes_who_waits_and_leaves_no_file(tmp_path: Path) -> None:
    one = courier(tmp_path, "housing", Mailbox(tmp_path))
    passage = one.incoming(SEED)

    async def wait() -> None:
        reading = asyncio.create_task(asyncio.to_thread(lambda: list(one.open_message(SEED, passage).chunks)))
        sending = asyncio.create_task(one.deliver(SEED, passage.follow))
        await asyncio.sleep(0.05)
        one.drop()
        for task in (reading, sending):
            with pytest.raises(Dropped):
                await asyncio.wait_for(task, 5)

    asyncio.run(wait())
    assert not (tmp_path / "housing").exists()


def test_a_dropped_courier_stops_threads_and_leaves_no_file(tmp_path: Path) -> None:
    one = courier(tmp_path, "labor", Mailbox(tmp_path))

    def chunks() -> Any:
        yield b"a"
        one.drop()
        yield b"b"

    with pytest.raises((Dropped, FileNotFoundError)):
        one.fill(SEED, one.outgoing(SEED), chunks())
    assert not (tmp_path / "labor").exists()
