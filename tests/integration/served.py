"""A town whose coordinator serves on loopback, in this process or in one of its own."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import grpc.aio

from tallystick.coordinator.authority import Member
from tallystick.core.net import tls
from tallystick.core.net.channel import channel
from tallystick.core.net.tls import Credentials
from tests.town import Town

MAIN = "from tallystick.coordinator.cli import coordinator; coordinator()"


def credentials(town: Town, role: Member, name: str) -> Credentials:
    """Join as a member, without the network."""
    invitation = town.at.authority.invite(role, name, "127.0.0.1:0")
    certificate = tls.load_certificate(invitation["certificate"].encode())
    assert certificate is not None
    invited = tls.certificate_identity(invitation["certificate"].encode())
    key = tls.new_key()
    joined = town.at.authority.join(invited.name, tls.signing_request(key))
    return Credentials(invitation["authority"].encode(), joined.chain, key)


@contextlib.asynccontextmanager
async def serving(town: Town) -> AsyncIterator[str]:
    """Serve in this process; give the address."""
    address = await town.at.server.start("127.0.0.1:0")
    try:
        yield address
    finally:
        await town.at.server.stop()


@contextlib.asynccontextmanager
async def connected(town: Town, address: str, name: str, role: Member = "agency") -> AsyncIterator[grpc.aio.Channel]:
    """Open a member's channel."""
    async with channel(address, credentials(town, role, name)) as opened:
        yield opened


class Process:
    """A coordinator in a process of its own."""

    def __init__(self, folder: Path, failpoint: str | None = None) -> None:
        config = folder / "coordinator.yaml"
        if not config.exists():
            config.write_text("network: county\nlisten: 127.0.0.1:0\n")
        note = folder / "state" / "address"
        note.unlink(missing_ok=True)
        environment = {name: value for name, value in os.environ.items() if not name.startswith("TALLY_")}
        if failpoint is not None:
            environment["TALLY_FAILPOINT"] = failpoint
        self.log = (folder / "log").open("ab")
        self._process = subprocess.Popen(
            [sys.executable, "-c", MAIN, "serve", "--config", str(config)], env=environment, stderr=self.log
        )
        deadline = time.monotonic() + 30
        while not note.exists():
            assert self._process.poll() is None, (folder / "log").read_text()
            assert time.monotonic() < deadline, "the coordinator did not start"
            time.sleep(0.05)
        self.address = note.read_text()

    @property
    def pid(self) -> int:
        """Its number."""
        return self._process.pid

    def wait(self) -> int:
        """Wait until it ends; give its exit code."""
        return self._process.wait(timeout=30)

    def kill(self) -> None:
        """Kill it as a power cut would."""
        self._process.kill()
        self._process.wait(timeout=30)

    def stop(self) -> int:
        """Ask it to stop."""
        self._process.terminate()
        return self.wait()

    def close(self) -> None:
        """See that it is gone."""
        if self._process.poll() is None:
            self.kill()
        self.log.close()


@contextlib.contextmanager
def process(folder: Path, failpoint: str | None = None) -> Iterator[Process]:
    """Run a coordinator for a while."""
    started = Process(folder, failpoint)
    try:
        yield started
    finally:
        started.close()
