"""One suite for every spool of the coordinator: a folder, and a bucket of a real S3 server on loopback."""

from __future__ import annotations

import socket
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from moto.server import ThreadedMotoServer

from tallystick.coordinator.config import Config, Settings
from tallystick.coordinator.ports import Spool
from tallystick.coordinator.records import MessageRecord
from tallystick.coordinator.s3 import open_spool
from tallystick.core.errors import Broken, Invalid, NotReady
from tallystick.core.net.chunks import MessageName
from tallystick.crypto.machine import Ref
from tallystick.v1.types_pb2 import Envelope
from tests.town import OTHER, Town, tags_chunks, tags_refs

JOB = bytes([7]) * 32
KEYS = "access-5531\nsecret-5531\n"
Open = Callable[[str], Spool]


@pytest.fixture(name="endpoint", scope="module")
def s3_server() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    try:
        yield f"http://{host}:{port}"
    finally:
        server.stop()


def bucket(endpoint: str, folder: Path) -> dict[str, str]:
    """Make a bucket; give the keys of coordinator.yaml."""
    name = f"county-{abs(hash(folder)):x}"
    urllib.request.urlopen(urllib.request.Request(f"{endpoint}/{name}", method="PUT")).close()
    keys = folder / "s3.keys"
    keys.write_text(KEYS)
    keys.chmod(0o600)
    return {"spool": f"s3://{name}/tallystick", "spool_endpoint": endpoint, "spool_keys_file": str(keys)}


def settings(folder: Path, **config: str) -> Settings:
    return Settings(Config.read({"network": "county", **config}, what="config"), folder)


@pytest.fixture(name="open_", params=["folder", "s3"])
def spools(request: pytest.FixtureRequest, tmp_path: Path) -> Open:
    """Give what opens the spool as one of the replicas that share it."""
    shared = {"spool": str(tmp_path / "spool")}
    if request.param == "s3":
        shared = bucket(request.getfixturevalue("endpoint"), tmp_path)

    def open_as(store: str) -> Spool:
        folder = tmp_path / f"replica{store}"
        (folder / "state").mkdir(parents=True, exist_ok=True)
        spool = open_spool(settings(folder, **shared))
        spool.store = store
        return spool

    return open_as


def a_name(attempt: int = 1, job: bytes = JOB, round_: str = "points", about: str = "labor") -> MessageName:
    return MessageName(job, attempt, Ref(round_, "labor", "housing", about))


def envelopes(count: int = 3, size: int = 70_000) -> list[Envelope]:
    return [Envelope(sequence=n, last=n == count - 1, sealed=bytes([n]) * size) for n in range(count)]


def receive(spool: Spool, name: MessageName, sent: list[Envelope]) -> MessageRecord:
    upload = spool.upload(name)
    for envelope in sent:
        upload.append(envelope)
    upload.sync()
    record = MessageRecord(name, upload.count, upload.bytes, spool.store)
    upload.close()
    return record


@pytest.mark.parametrize("store", ["", "3"])
def test_a_message_is_received_read_from_any_place_and_dropped(open_: Open, store: str) -> None:
    spool, sent = open_(store), envelopes()
    assert not spool.has(a_name())
    record = receive(spool, a_name(), sent)
    assert (record.envelopes, record.bytes > 210_000) == (3, True)
    assert list(spool.read(record)) == sent
    assert list(spool.read(record, 2)) == sent[2:]
    assert list(open_("another").read(record)) == sent
    assert spool.list_jobs() == {JOB}
    spool.drop(JOB)
    assert spool.list_jobs() == frozenset()
    with pytest.raises(Broken, match="state-corrupt"):
        list(spool.read(record))
    spool.drop(JOB)  # again: nothing


def test_what_was_cut_off_goes_on_where_it_was(open_: Open) -> None:
    sent = envelopes(4)
    upload = open_("1").upload(a_name())
    for envelope in sent[:2]:
        upload.append(envelope)
    upload.sync()
    upload.close()
    spool = open_("1")
    assert spool.has(a_name())
    again = spool.upload(a_name())
    assert (again.count, again.ended) == (2, False)
    assert again.read_envelope(1) == sent[1]
    for envelope in sent[2:]:
        again.append(envelope)
    again.sync()
    record = MessageRecord(a_name(), again.count, again.bytes, spool.store)
    again.close()
    assert list(spool.read(record)) == sent


def test_two_replicas_receive_one_message_each_in_a_place_of_its_own(open_: Open) -> None:
    first, second = open_("1"), open_("2")
    mine, theirs = receive(first, a_name(), envelopes(2)), receive(second, a_name(), envelopes(3))
    assert (mine.envelopes, theirs.envelopes) == (2, 3)
    assert len(list(second.read(mine))) == 2
    assert len(list(first.read(theirs))) == 3


def test_a_message_written_whole_replaces_what_is_there(open_: Open) -> None:
    spool = open_("1")
    spool.write(a_name(), iter(envelopes(2)))
    record = spool.write(a_name(), iter(envelopes(5)))
    assert (record.envelopes, record.store) == (5, "1")
    assert list(spool.read(record)) == envelopes(5)


def test_attempts_that_are_over_are_dropped_alone(open_: Open) -> None:
    spool = open_("")
    records = [receive(spool, a_name(attempt), envelopes()) for attempt in (1, 2, 3)]
    other = receive(spool, a_name(job=bytes([8]) * 32), envelopes())
    spool.drop(JOB, before=3)
    for record in records[:2]:
        with pytest.raises(Broken, match="state-corrupt"):
            list(spool.read(record))
    assert list(spool.read(records[2])) == envelopes()
    assert list(spool.read(other)) == envelopes()
    assert spool.list_jobs() == {JOB, bytes([8]) * 32}


def test_a_result_is_there_whole_or_not_at_all(open_: Open) -> None:
    spool = open_("1")
    with pytest.raises(Broken, match="state-corrupt"):
        list(spool.result(JOB))
    spool.drop_result(JOB)
    assert spool.store_result(JOB, [b"x" * 600_000, b"y"]) == 600_001
    pieces = list(open_("2").result(JOB))
    assert b"".join(pieces) == b"x" * 600_000 + b"y"
    assert max(map(len, pieces)) <= 512 * 1024
    assert spool.store_result(JOB, [b"z"]) == 1
    spool.drop(JOB)
    assert b"".join(spool.result(JOB)) == b"z"
    spool.drop_result(JOB)
    with pytest.raises(Broken, match="state-corrupt"):
        list(spool.result(JOB))


def test_a_message_that_is_not_whole_is_not_read(open_: Open) -> None:
    spool = open_("1")
    record = receive(spool, a_name(), envelopes())
    for torn in (replace(record, store="9"), replace(record, name=a_name(2))):
        with pytest.raises(Broken, match="state-corrupt"):
            list(spool.read(torn))


def test_a_job_is_matched_over_a_bucket(endpoint: str, tmp_path: Path) -> None:
    town = Town(tmp_path, config=bucket(endpoint, tmp_path))
    town.running()
    for number, ref in enumerate(tags_refs().values()):
        assert town.put(ref, tags_chunks(number)).complete
    town.advance()
    slots = town.fetched(Ref("slots", "coordinator", OTHER))
    assert len(slots) > 8
    assert [path for path in (town.folder / "state" / "spool").rglob("*") if path.is_file()] == []


def test_a_bucket_that_is_away_is_waited_for_and_keys_are_not_told(tmp_path: Path) -> None:
    keys = tmp_path / "s3.keys"
    keys.write_text(KEYS)
    keys.chmod(0o600)
    (tmp_path / "state").mkdir()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    away = {"spool": "s3://b/p", "spool_endpoint": f"http://127.0.0.1:{port}", "spool_keys_file": "s3.keys"}
    spool = open_spool(settings(tmp_path, **away))
    with pytest.raises(NotReady, match="unavailable") as told:
        spool.list_jobs()
    spool.drop(JOB)  # left to the next sweep
    assert "5531" not in repr(told.value) + told.value.detail


@pytest.mark.parametrize(
    ("config", "problem"),
    [
        ({"spool": "s3://bucket"}, "spool_keys_file"),
        ({"spool": "s3://", "spool_keys_file": "s3.keys"}, "needs a bucket"),
        ({"spool": "s3://b", "spool_keys_file": "s3.keys", "spool_endpoint": "http://s3.example"}, "this machine alone"),
        ({"spool": "s3://b", "spool_keys_file": "one"}, "two keys"),
        ({"spool": "s3://b", "spool_keys_file": "open"}, "readable by others"),
    ],
)
def test_a_bucket_that_is_not_configured_is_refused(tmp_path: Path, config: dict[str, str], problem: str) -> None:
    for name, text, mode in (("s3.keys", KEYS, 0o600), ("one", "x\n", 0o600), ("open", KEYS, 0o644)):
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(mode)
    with pytest.raises(Invalid, match=problem):
        open_spool(settings(tmp_path, **config))
