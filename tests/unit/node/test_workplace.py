"""Where heavy work is done: what node.yaml may say of it, and the files of a cluster."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tallystick.core.errors import Invalid, Refused
from tallystick.node.config import read_config
from tallystick.node.workers import ProcessWorkers
from tallystick.node.workplace import find_place, start_workers
from tests.tlsproxy import Authority


def write(folder: Path, **keys: object) -> Path:
    """Write a node.yaml."""
    path = folder / "node.yaml"
    path.write_text(json.dumps({"agency": "labor", "coordinator": {"address": "localhost:7700"}, **keys}))
    return path


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A folder with the cluster's files, and the network's authority beside it."""
    folder, authority = tmp_path / "cluster", Authority()
    folder.mkdir()
    (folder / "authority.pem").write_bytes(authority.certificate)
    (folder / "node.pem").write_bytes(authority.signed("node"))
    (folder / "node.key").write_bytes(authority.signed("node"))
    (folder / "node.key").chmod(0o600)
    (tmp_path / "network.pem").write_bytes(Authority().certificate)
    return tmp_path


@pytest.mark.parametrize(
    ("workers", "message"),
    [
        ("tcp://scheduler:8786", "over TLS alone"),
        ("scheduler:8786", "a number, or tls://HOST:PORT"),
        ("tls://scheduler", "a number, or tls://HOST:PORT"),
        ("tls://a:1,tcp://b:2", "a number, or tls://HOST:PORT"),
    ],
)
def test_s50_an_address_without_tls_is_refused(tmp_path: Path, workers: str, message: str) -> None:
    with pytest.raises(Invalid, match=message) as caught:
        read_config(write(tmp_path, workers=workers))
    assert caught.value.code == "cluster-address"


def test_files_without_a_scheduler_are_refused(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="names no scheduler"):
        read_config(write(tmp_path, workers=2, cluster={}))


def test_a_number_is_processes(tmp_path: Path) -> None:
    workers = start_workers(read_config(write(tmp_path, workers=3)), tmp_path / "none")
    assert isinstance(workers, ProcessWorkers)
    assert (workers.count, workers.far) == (3, False)


@pytest.mark.parametrize("address", ["tls://scheduler:8786", "tls://10.0.0.7:1", "tls://[fd00::1]:8786"])
def test_a_cluster_is_named_with_its_files(files: Path, address: str) -> None:
    place = find_place(read_config(write(files, workers=address)), address, files / "network.pem")
    assert place.address == address
    assert (place.authority, place.key) == (str(files / "cluster/authority.pem"), str(files / "cluster/node.key"))


def test_s50_the_networks_authority_is_refused_as_the_clusters(files: Path) -> None:
    config = read_config(write(files, workers="tls://scheduler:8786"))
    network = files / "network.pem"
    network.write_bytes((files / "cluster/authority.pem").read_bytes())
    with pytest.raises(Refused, match="other agencies' certificates would open the cluster"):
        find_place(config, "tls://scheduler:8786", network)


@pytest.mark.parametrize("name", ["authority.pem", "node.pem", "node.key"])
def test_files_that_are_missing_or_open_are_refused(files: Path, name: str) -> None:
    config = read_config(write(files, workers="tls://scheduler:8786"))
    if name == "node.key":
        (files / "cluster" / name).chmod(0o644)
        with pytest.raises(Invalid, match="readable by others"):
            start_workers(config, files / "network.pem")
    else:
        (files / "cluster" / name).write_text("no certificate")
        with pytest.raises(Invalid, match="not a certificate in PEM"):
            start_workers(config, files / "network.pem")
    (files / "cluster" / name).unlink()
    with pytest.raises(Invalid) as caught:
        start_workers(config, files / "network.pem")
    assert caught.value.code == "file-missing"
