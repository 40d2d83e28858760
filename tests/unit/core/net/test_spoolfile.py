"""Messages on disk: torn tails are cut, what was synced stays."""

from __future__ import annotations

from pathlib import Path

import pytest

from tallystick.core.errors import Broken
from tallystick.core.net.spoolfile import SpoolFile, read_spool, write_spool
from tallystick.v1.types_pb2 import Envelope


def an_envelope(sequence: int, *, last: bool = False) -> Envelope:
    return Envelope(sequence=sequence, last=last, sealed=bytes([sequence]) * 100, signature=bytes(64))


def written(path: Path, count: int) -> list[Envelope]:
    envelopes = [an_envelope(n, last=n == count - 1) for n in range(count)]
    with SpoolFile(path) as spool:
        for envelope in envelopes:
            spool.append(envelope)
        spool.sync()
    return envelopes


def test_a_message_is_read_as_it_was_written_from_any_place(tmp_path: Path) -> None:
    envelopes = written(tmp_path / "m", 5)
    for start in range(5):
        assert list(read_spool(tmp_path / "m", start)) == envelopes[start:]
    assert (tmp_path / "m").stat().st_mode & 0o777 == 0o600


def test_a_torn_tail_is_cut_at_every_length(tmp_path: Path) -> None:
    """Cut anywhere, the whole envelopes before the cut are kept, and the message can be finished."""
    path = tmp_path / "m"
    envelopes = written(path, 3)
    whole = path.read_bytes()
    ends = [0]
    for envelope in envelopes:
        ends.append(ends[-1] + 8 + envelope.ByteSize())
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        kept = max(n for n, end in enumerate(ends) if end <= length)
        with SpoolFile(path) as spool:
            assert (spool.count, spool.bytes, spool.ended) == (kept, ends[kept], False)
            for envelope in envelopes[kept:]:
                spool.append(envelope)
            assert spool.ended
        assert path.read_bytes() == whole


@pytest.mark.parametrize("place", [0, 4, 8, 20, 130])
def test_a_tail_of_wrong_bytes_is_cut(tmp_path: Path, place: int) -> None:
    path = tmp_path / "m"
    written(path, 1)
    first = path.stat().st_size
    written(tmp_path / "other", 2)
    data = bytearray((tmp_path / "other").read_bytes())
    data[first + place if place < 100 else len(data) - 1] ^= 0x41
    path.write_bytes(data)
    with SpoolFile(path) as spool:
        assert spool.count == 1


def test_zeros_that_a_crash_left_are_no_envelopes(tmp_path: Path) -> None:
    with SpoolFile(tmp_path / "m") as spool:
        spool.append(an_envelope(0))
    with (tmp_path / "m").open("ab") as file:
        file.write(bytes(4096))
    with SpoolFile(tmp_path / "m") as spool:
        assert (spool.count, spool.ended) == (1, False)


def test_envelopes_come_in_order_and_end_with_the_last(tmp_path: Path) -> None:
    with SpoolFile(tmp_path / "m") as spool:
        spool.append(an_envelope(0))
        for wrong in (0, 2):
            with pytest.raises(Broken, match="protocol-broken"):
                spool.append(an_envelope(wrong))
        spool.append(an_envelope(1, last=True))
        with pytest.raises(Broken, match="protocol-broken"):
            spool.append(an_envelope(2))
        assert spool.read_envelope(0) == an_envelope(0)
        assert spool.read_envelope(1) == an_envelope(1, last=True)
        assert spool.count == 2


def test_a_message_that_is_not_whole_is_not_read(tmp_path: Path) -> None:
    envelopes = written(tmp_path / "m", 3)
    data = (tmp_path / "m").read_bytes()
    (tmp_path / "m").write_bytes(data[:-1])
    reading = read_spool(tmp_path / "m")
    assert [next(reading), next(reading)] == envelopes[:2]
    with pytest.raises(Broken, match="state-corrupt"):
        next(reading)
    with pytest.raises(Broken, match="state-corrupt"):
        next(read_spool(tmp_path / "none"))


def test_writing_whole_replaces_what_was_there(tmp_path: Path) -> None:
    written(tmp_path / "m", 5)
    replacement = [an_envelope(0), an_envelope(1, last=True)]
    count, length = write_spool(tmp_path / "m", iter(replacement))
    assert (count, length) == (2, (tmp_path / "m").stat().st_size)
    assert list(read_spool(tmp_path / "m")) == replacement
    assert [path.name for path in tmp_path.iterdir()] == ["m"]
