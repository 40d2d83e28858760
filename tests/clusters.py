"""A cluster on loopback: Dask's own scheduler and workers, as docs/cluster.md starts them, with certificates of a test's authority."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tallystick.node.cluster import ClusterPlace
from tests.tlsproxy import Authority

SHIPPED: Final = Path(__file__).parent.parent / "compose" / "cluster.yaml"
_DASK: Final = str(Path(sys.executable).with_name("dask"))


def free_port() -> int:
    """Give a port that nobody listens at."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@dataclass
class Cluster:
    """A scheduler and workers, each a process of its own, with what stands in `compose/cluster.yaml`."""

    folder: Path
    port: int = field(default_factory=free_port)
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def __post_init__(self) -> None:
        authority = Authority()
        (self.folder / "authority.pem").write_bytes(authority.certificate)
        for name in ("machine", "node"):
            self.write(name, authority.signed(name))
        (self.folder / "cluster.yaml").write_text(SHIPPED.read_text().replace("/cluster/", f"{self.folder}/"))

    def write(self, name: str, pem: bytes) -> None:
        """Write a certificate and its key."""
        (self.folder / f"{name}.pem").write_bytes(pem)
        key = self.folder / f"{name}.key"
        key.write_bytes(pem)
        key.chmod(0o600)

    @property
    def place(self) -> ClusterPlace:
        """Where it is, for a node."""
        files = (str(self.folder / name) for name in ("authority.pem", "node.pem", "node.key"))
        return ClusterPlace(f"tls://127.0.0.1:{self.port}", *files)

    def scheduler(self) -> subprocess.Popen[bytes]:
        """Start the scheduler."""
        words = [
            "scheduler",
            "--host",
            f"tls://127.0.0.1:{self.port}",
            "--no-dashboard",
            "--no-show",
            "--dashboard-address",
            "127.0.0.1:0",
        ]
        return self._start("scheduler", words)

    def worker(self, config: str = "cluster.yaml") -> subprocess.Popen[bytes]:
        """Start a worker of one thread."""
        words = [
            "worker",
            f"tls://127.0.0.1:{self.port}",
            "--host",
            "127.0.0.1",
            "--nworkers",
            "1",
            "--nthreads",
            "1",
            "--no-dashboard",
            "--memory-limit",
            "2GiB",
            "--local-directory",
            str(self.folder / "scratch"),
        ]
        return self._start("worker", words, config)

    def log(self) -> str:
        """Give what all of them logged."""
        return "".join(path.read_text(errors="replace") for path in sorted(self.folder.glob("*.log")))

    def stop(self) -> None:
        """See that all its processes are gone."""
        for process in reversed(self.processes):
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.wait(timeout=30)

    def _start(self, name: str, words: list[str], config: str = "cluster.yaml") -> subprocess.Popen[bytes]:
        environment = {**os.environ, "DASK_CONFIG": str(self.folder / config), "PYTHONPATH": str(SHIPPED.parent.parent)}
        with (self.folder / f"{name}-{len(self.processes)}.log").open("ab") as log:
            process = subprocess.Popen(
                [_DASK, *words], env=environment, stdout=log, stderr=log, cwd=self.folder, start_new_session=True
            )
        self.processes.append(process)
        return process


def kill(process: subprocess.Popen[bytes]) -> None:
    """End a process and its children as a power cut would."""
    os.killpg(process.pid, signal.SIGKILL)
    process.wait(timeout=30)


def wait_for(count: int, threads: object, seconds: float = 60) -> None:
    """Wait until a cluster has so many threads."""
    until = time.monotonic() + seconds
    while threads() != count:  # type: ignore[operator]
        if time.monotonic() > until:
            raise AssertionError(f"the cluster has not {count} threads")
        time.sleep(0.1)


def wait_ms(milliseconds: int) -> int:
    """Take some time. It stands here, where little else is imported, for workers."""
    time.sleep(milliseconds / 1000)
    return milliseconds
