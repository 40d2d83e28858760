"""A node's work on the agency's cluster: a real scheduler and two workers on loopback, over mutual TLS (S-50)."""

from __future__ import annotations

import socket
import ssl
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

import numpy as np
import pytest

from tallystick.core.errors import NotReady, Refused
from tallystick.crypto import tags
from tallystick.crypto.errors import PeerFault
from tallystick.crypto.flooding import RING
from tallystick.crypto.kernel import Points
from tallystick.crypto.point_work import hash_points, mask_arrived
from tallystick.crypto.points import random_points
from tallystick.crypto.products import encrypt_columns, open_products, products
from tallystick.crypto.randomness import SeededRandomness
from tallystick.crypto.workers import SERIAL, Workers
from tallystick.node.cluster import ClusterPlace, ClusterWorkers
from tallystick.node.cluster_work import count_held, count_known, find_release
from tallystick.node.courier import Dropped
from tests import governance
from tests.clusters import Cluster, kill, wait_for, wait_ms
from tests.integration.nodes import CANARY, expected, found, in_loop, released, signed_terms, stored, terms, write_sources
from tests.integration.served import serving
from tests.integration.test_node_jobs import ENDED, attending, both, failures, until
from tests.passes import ladder_of
from tests.products import KEY, keys, layout_of
from tests.tlsproxy import Authority
from tests.town import Town, member

JOB: Final = b"j" * 32
SCALAR: Final = bytes(range(64, 96))


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    made = Cluster(tmp_path_factory.mktemp("cluster"))
    try:
        made.scheduler()
        made.worker()
        made.worker()
        yield made
    finally:
        made.stop()


@pytest.fixture
def workers(cluster: Cluster) -> Iterator[ClusterWorkers]:
    made = ClusterWorkers(cluster.place, patience_seconds=60)
    connect(made)
    wait_for(2, made.count_threads)
    yield made
    made.close()


def connect(workers: ClusterWorkers, seconds: float = 60) -> None:
    """Connect as soon as the scheduler is there."""
    until = time.monotonic() + seconds
    while True:
        try:
            workers.connect()
        except NotReady:
            if time.monotonic() > until:
                raise
            time.sleep(0.2)
        else:
            return


def own(workers: Workers) -> list[Points]:
    """Give the points of a list of two passes."""
    many = 150_000  # more than a block
    data = np.arange(many, dtype="<u8").view(np.uint8)
    column = tags.TokenColumn(data.tobytes(), np.arange(many + 1, dtype=np.int64) * 8, np.ones(many, dtype=np.bool_))
    made = tags.own_list(
        {"first": column, "second": column}, many, ladder=ladder_of(["first", "second"]), secret=b"s" * 32, job_digest=JOB,
        coin_key=b"c" * 32, decoys=8, scalar=SCALAR, randomness=SeededRandomness(b"r" * 32), workers=workers,
    )  # fmt: skip
    return list(made.blocks)


def test_s50_lists_are_those_of_local_work_bit_for_bit(workers: ClusterWorkers) -> None:
    attempt = workers.for_attempt(JOB, 1)
    here, there = own(SERIAL), own(attempt)
    assert len(here) == len(there)
    assert all(np.array_equal(a, b) for a, b in zip(here, there, strict=True))
    attempt.forget()


def test_s50_arrived_points_are_checked_and_masked_alike(workers: ClusterWorkers) -> None:
    attempt = workers.for_attempt(JOB, 1)
    points = random_points(SeededRandomness(b"p" * 32), 500)
    room = np.empty((100, 32), dtype=np.uint8)

    def arrived(given: Points) -> Iterator[tuple[int, int, Points]]:
        for start in range(0, 500, 100):
            room[:] = given[start : start + 100]  # as `arriving_list`: the array is used again
            yield 0, start, room

    def masked(given: Points, by: Workers) -> list[tuple[int, int, bytes]]:
        made = mask_arrived(SCALAR, arrived(given), by, sender="north")
        return [(at, start, block.tobytes()) for at, start, block in made]

    assert masked(points, attempt) == masked(points, SERIAL)
    bad = points.copy()
    bad[333] = 0
    for by in (attempt, SERIAL):
        with pytest.raises(PeerFault, match="point 333") as caught:
            masked(bad, by)
        assert (caught.value.rule, caught.value.sender) == ("point-invalid", "north")
    attempt.forget()


def test_s50_hashes_are_alike_with_tokens_of_any_length(workers: ClusterWorkers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tallystick.crypto.point_work.BLOCK", 10)
    attempt = workers.for_attempt(JOB, 1)
    offsets = np.cumsum([3, *(one % 5 for one in range(95))]).astype(np.int64)
    data = bytes(one % 251 for one in range(int(offsets[-1]) + 7))
    here, there = (hash_points(b"TS1-test", b"prefix", data, offsets, by) for by in (SERIAL, attempt))
    assert np.array_equal(here, there)
    attempt.forget()


def test_s50_encryption_and_products_are_alike(workers: ClusterWorkers) -> None:
    attempt = workers.for_attempt(JOB, 1)
    layout = layout_of(2, 2, 3 * RING)
    a = np.arange(2 * 3 * RING, dtype=np.int64).reshape(2, -1) % 1000

    class Two:
        """Works here; cuts as two workers do."""

        count, far, map, make_ready = 2, False, SERIAL.map, SERIAL.make_ready

    def exchange(by: Workers) -> tuple[list[bytes], list[bytes], list[int], list[int]]:
        randomness = SeededRandomness(b"x" * 32)
        sent = list(encrypt_columns(keys(), a, layout, randomness, by, key=KEY))
        back, mine = products(iter(sent), a, layout, randomness, by, key=KEY, sender="labor")
        return sent, back, mine, open_products(keys(), iter(back), layout, by, key=KEY, sender="housing")

    assert exchange(attempt) == exchange(Two())
    attempt.forget()


def test_s50_a_killed_worker_changes_nothing_but_time(cluster: Cluster, workers: ClusterWorkers) -> None:
    attempt = workers.for_attempt(JOB, 2)
    killed = threading.Timer(0.8, lambda: kill(cluster.processes[1]))
    killed.start()
    made = list(attempt.map(wait_ms, [200 + one for one in range(12)]))
    killed.join()
    assert made == [200 + one for one in range(12)]
    assert cluster.processes[1].poll() is not None
    cluster.worker()
    wait_for(2, workers.count_threads)
    attempt.forget()


def test_s50_blocks_and_keys_are_gone_when_an_attempt_is_over(cluster: Cluster, workers: ClusterWorkers) -> None:
    attempt, other = workers.for_attempt(JOB, 3), workers.for_attempt(JOB, 4)
    results = attempt.map(wait_ms, [300] * 8)
    kept = other.map(wait_ms, [1500])
    assert next(results) == 300
    began: list[int] = []
    runs = threading.Thread(target=lambda: began.extend(kept))
    runs.start()
    time.sleep(0.3)
    client = workers.client()
    assert client.run_on_scheduler(count_known, attempt.prefix) > 0
    results.close()  # type: ignore[attr-defined]  # a generator
    attempt.forget()
    assert sum(client.run(count_held, attempt.prefix).values()) == 0
    assert client.run_on_scheduler(count_known, attempt.prefix) == 0
    runs.join(timeout=30)
    assert began == [1500]  # another attempt's work goes on
    other.forget()
    with pytest.raises(Dropped):
        list(attempt.map(wait_ms, [1]))


def test_s50_neither_logs_nor_disks_of_the_cluster_hold_what_is_worked_on(cluster: Cluster, workers: ClusterWorkers) -> None:
    attempt = workers.for_attempt(JOB, 5)
    points = random_points(SeededRandomness(b"q" * 32), 100)
    bad = points.copy()
    bad[7] = 0
    for given in (points, bad):
        with suppress(PeerFault):
            list(mask_arrived(SCALAR, iter([(0, 0, given)]), attempt, sender="north"))
    attempt.forget()
    told = cluster.log()
    assert "Registered to" in told
    for secret in (SCALAR, points[0].tobytes()):
        assert repr(secret)[2:-1] not in told
        assert secret.hex() not in told
        for path in (cluster.folder / "scratch").rglob("*"):
            assert not path.is_file() or secret not in path.read_bytes()


def test_s50_without_a_certificate_of_the_clusters_authority_nobody_comes_in(
    cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither a node nor a plain TLS client; and a node does not work with a scheduler of another authority."""
    monkeypatch.setattr("tallystick.node.cluster.CONNECT_SECONDS", 3.0)
    stranger = Authority()
    (tmp_path / "authority.pem").write_bytes(stranger.certificate)
    (tmp_path / "node.pem").write_bytes(stranger.signed("node"))
    theirs, ours = str(tmp_path / "authority.pem"), cluster.place
    mine = str(tmp_path / "node.pem")
    for place in (
        ClusterPlace(ours.address, theirs, ours.certificate, ours.key),
        ClusterPlace(ours.address, ours.authority, mine, mine),
        ClusterPlace(ours.address.replace("tls://", "tcp://"), ours.authority, ours.certificate, ours.key),
    ):
        with pytest.raises((NotReady, RuntimeError), match=r"cluster-lost|encryption required"):
            ClusterWorkers(place).connect()
    context = ssl.create_default_context(cafile=ours.authority)
    context.check_hostname = False
    with pytest.raises((ssl.SSLError, ConnectionError)):  # noqa: PT012, SIM117 - TLS 1.3 tells at the first read
        with socket.create_connection(("127.0.0.1", cluster.port)) as plain, context.wrap_socket(plain) as link:
            link.settimeout(10)
            while link.recv(1000):
                pass
            raise ConnectionError


@pytest.mark.slow
def test_s50_a_worker_that_may_write_to_its_disk_or_is_of_another_release_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spilling = Cluster(tmp_path)
    text = (tmp_path / "cluster.yaml").read_text()
    (tmp_path / "spilling.yaml").write_text(text.replace("spill: false", "spill: 0.7"))
    workers = ClusterWorkers(spilling.place, patience_seconds=60)
    try:
        spilling.scheduler()
        connect(workers)
        spilling.worker("spilling.yaml")
        wait_for(1, workers.count_threads)
        attempt = workers.for_attempt(JOB, 1)
        with pytest.raises(Refused, match=r"memory\.spill must be false") as caught:  # one that came later: by block
            list(attempt.map(wait_ms, [1]))
        assert caught.value.code == "cluster-unfit"
        late = ClusterWorkers(spilling.place)
        with pytest.raises(Refused, match=r"memory\.spill must be false"):  # one that is there: before any block goes
            late.connect()
        monkeypatch.setattr("tallystick.node.cluster.find_release", lambda: "0.0.1")
        with pytest.raises(Refused, match=rf"release {find_release()} of Tallystick, and the node has 0\.0\.1"):
            late.connect()
    finally:
        workers.close()
        spilling.stop()


@pytest.mark.slow
def test_s50_work_waits_for_a_scheduler_that_restarts_and_says_so_when_none_comes(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tallystick.node.cluster.CONNECT_SECONDS", 3.0)
    cluster = Cluster(tmp_path)
    workers = ClusterWorkers(cluster.place, patience_seconds=45)
    made: list[int] = []
    try:
        cluster.scheduler()
        cluster.worker()
        connect(workers)
        wait_for(1, workers.count_threads)
        attempt = workers.for_attempt(JOB, 1)
        results = attempt.map(wait_ms, [100 + one for one in range(6)])
        made.append(next(results))
        cluster.stop()
        cluster.scheduler()
        cluster.worker()
        made.extend(results)
        assert made == [100 + one for one in range(6)]
        cluster.stop()
        short = ClusterWorkers(cluster.place, patience_seconds=1)
        with pytest.raises(NotReady, match="has no worker, or does not answer") as caught:
            list(short.for_attempt(JOB, 2).map(wait_ms, [1]))
        assert caught.value.code == "cluster-lost"
        assert "work waits" in "".join(capfd.readouterr())
    finally:
        workers.close()
        cluster.stop()


@in_loop
async def test_s50_a_job_gives_what_it_gives_locally_and_nothing_of_it_stays(
    cluster: Cluster, workers: ClusterWorkers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(governance, "signed_agreement", signed_terms)
    write_sources(tmp_path)
    town = Town(tmp_path, terms=terms())
    async with serving(town) as address:
        agencies = both(town, address)
        nodes = [one.node(workers=workers) for one in (agencies.desk, agencies.other)]
        async with attending(*nodes):
            town.at.jobs.submit(member("ana"), town.document())
            await until(lambda: town.state in ENDED)
            await until(lambda: all(stored(node).jobs()[0].state == "released" for node in nodes))
    assert town.state == "released", failures(town)
    assert found(released(town)[0]) == expected()
    client = workers.client()
    assert client.run_on_scheduler(count_known, workers.run) == 0
    assert sum(client.run(count_held, workers.run).values()) == 0
    assert CANARY not in cluster.log()


def test_without_the_extra_it_says_what_to_install(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [one for one in sys.modules if one.split(".")[0] == "distributed"]:
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(NotReady, match=r"pip install 'tallystick\[cluster\]'"):
        ClusterWorkers(cluster.place).connect()
