"""One process of a network that a test can break, and what lies in its folder."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import socket
import sqlite3
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from tallystick.core.failpoint import VARIABLE
from tallystick.lab.network.processes import COMMAND

START_S: Final = 180.0


class Party:
    """One process of the network."""

    def __init__(self, name: str, command: Sequence[str], folder: Path) -> None:
        self.name = name
        self.folder = folder
        self.deaths = 0
        self.armed = False
        self.stopped = False
        self._command = command
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        return self._process is not None and self._process.poll() is None

    @property
    def code(self) -> int | None:
        """How it ended, if it has."""
        return None if self._process is None else self._process.poll()

    @property
    def pid(self) -> int:
        """Its process id."""
        assert self._process is not None
        return self._process.pid

    @property
    def state(self) -> Path:
        """Its state folder."""
        return self.folder / "state"

    def log(self) -> str:
        """Give what it said."""
        return (self.folder / "log").read_text(encoding="utf-8", errors="replace")

    def start(self, failpoint: str | None = None) -> None:
        """Start it, to die at a labelled place where one is named."""
        assert not self.alive
        self.armed = failpoint is not None
        self.stopped = False
        environment = {name: value for name, value in os.environ.items() if not name.startswith("TALLY_")}
        if failpoint is not None:
            environment[VARIABLE] = failpoint
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                self._command,
                cwd=self.folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def kill(self) -> None:
        """Kill it alone, as the kernel would; what it started must see to itself."""
        assert self._process is not None
        self._process.kill()
        self._process.wait(timeout=30)

    def stop(self) -> None:
        """Ask it to stop, and see that it does."""
        if self._process is not None and self.alive:
            self.stopped = True
            self._process.terminate()
            self._process.wait(timeout=30)

    def close(self) -> None:
        """See that it and all it started are gone."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait(timeout=30)


def shares_of(node: Party) -> list[tuple[str, int, bytes]]:
    """Give (job, attempt, sealed share) of what a node keeps."""
    path = node.state / "node.db"
    if not path.exists():
        return []
    with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=30)) as database:
        if database.execute("SELECT 1 FROM sqlite_master WHERE name = 'share'").fetchone() is None:
            return []  # the file is there, its tables are not yet
        return [(job, attempt, bytes(share)) for job, attempt, share in database.execute("SELECT * FROM share")]


def state_at(node: Party, job: str) -> str | None:
    """Give a job's state as a node has it."""
    with contextlib.closing(sqlite3.connect(f"file:{node.state / 'node.db'}?mode=ro", uri=True, timeout=30)) as database:
        row = database.execute("SELECT json_extract(record, '$.state') FROM job WHERE job = ?", (job,)).fetchone()
    return None if row is None else str(row[0])


def left_at(node: Party, job: str) -> list[Path]:
    """Give the files that a node still holds of a job."""
    return [path for folder in ("spool", "kept") for path in (node.state / folder).glob(f"{job}*")]


def commands(folder: Path, several: Sequence[Sequence[str]]) -> list[str]:
    """Run commands that answer and end, at the same time; give what each printed."""
    started = [
        subprocess.Popen([*COMMAND, *one], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE) for one in several
    ]
    printed = []
    for process in started:
        out, err = process.communicate(timeout=START_S)
        assert process.returncode == 0, err.decode(errors="replace")
        printed.append(out.decode())
    return printed


def free_port() -> int:
    """Give a port that nobody has, below those that the system gives away by itself."""
    for port in random.Random(os.urandom(8)).sample(range(20_000, 32_000), 100):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise AssertionError("no free port")
