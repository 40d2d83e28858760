"""A lab's processes: started, watched and always stopped.

Each is a real `tally` command of its own, in a session of its own, so that a Ctrl-C at the terminal reaches the lab alone, which
then stops them in order. What a process says goes to a log file beside its state.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import IO, Final

from tallystick.core.errors import NotReady

COMMAND: Final = (sys.executable, "-m", "tallystick.client.cli")
LOOK_S: Final = 0.02
"""How often a file that a process will write is looked for."""
STOP_S: Final = 10.0
"""How long a process may take to stop before it is killed."""
ONCE_S: Final = 60.0
"""How long a command that answers and ends may take."""
_TAIL: Final = 8192


@dataclass(frozen=True)
class _Running:
    name: str
    process: subprocess.Popen[bytes]
    log: Path


class Processes:
    """The processes of one lab."""

    def __init__(self) -> None:
        self._running: list[_Running] = []

    def once(self, name: str, arguments: Sequence[str], folder: Path) -> str:
        """Run a command that answers and ends; give what it printed.

        Raises:
            NotReady: `unavailable`: it failed; says its last error.
        """
        (printed,) = self.several(name, [arguments], folder)
        return printed

    def several(self, name: str, commands: Sequence[Sequence[str]], folder: Path) -> list[str]:
        """Run commands at the same time; give what each printed.

        Raises:
            NotReady: `unavailable`: one failed; says its last error.
        """
        started: list[subprocess.Popen[bytes]] = []
        printed = []
        try:
            for arguments in commands:  # not at once as a list: those started before one that fails must be known
                started += [_start(arguments, folder, subprocess.PIPE, subprocess.PIPE)]
            for process in started:
                out, err = process.communicate(timeout=ONCE_S)
                if process.returncode != 0:
                    raise _describe_failure(name, process.returncode, err)
                printed.append(out.decode(errors="replace"))
        except subprocess.TimeoutExpired as error:
            raise NotReady("unavailable", f"{name} did not answer in {ONCE_S:.0f} s") from error
        finally:
            for process in started:
                if process.poll() is None:
                    process.kill()
                    process.communicate()
        return printed

    def start(self, name: str, arguments: Sequence[str], folder: Path) -> None:
        """Start a process that serves until it is stopped; its output goes to `folder/log`."""
        log = folder / "log"
        with log.open("ab") as file:
            process = _start(arguments, folder, file, subprocess.STDOUT)
        self._running.append(_Running(name, process, log))

    @property
    def ids(self) -> dict[str, int]:
        """Give the process id of each process, by name."""
        return {running.name: running.process.pid for running in self._running}

    def check(self) -> None:
        """Check that every process is alive.

        Raises:
            NotReady: `unavailable`: names the one that died, and its last error.
        """
        for running in self._running:
            code = running.process.poll()
            if code is not None:
                raise _describe_failure(running.name, code, _tail(running.log))

    def text_of(self, path: Path, *, within: float) -> str:
        """Wait for a file that a process will write; give its text.

        Raises:
            NotReady: `unavailable`: a process died, or the file did not come in time.
        """
        self.until_there([path], within=within)
        return path.read_text(encoding="utf-8")

    def until_there(self, paths: Sequence[Path], *, within: float) -> None:
        """Wait for files or sockets that processes will make.

        Raises:
            NotReady: `unavailable`: a process died, or one of them did not come in time.
        """
        end = time.monotonic() + within
        while missing := [path for path in paths if not path.exists()]:
            self.check()
            if time.monotonic() > end:
                raise NotReady(
                    "unavailable",
                    f"{missing[0].name} did not appear within {within:.0f} s",
                    hint="try again, or with --keep",
                )
            time.sleep(LOOK_S)

    def stop(self) -> None:
        """Stop every process, the last started first; one that does not stop in time is killed."""
        try:
            for running in reversed(self._running):
                if running.process.poll() is None:
                    running.process.terminate()
            end = time.monotonic() + STOP_S
            for running in self._running:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    running.process.wait(timeout=max(0.0, end - time.monotonic()))
        finally:  # also when we are interrupted again
            for running in self._running:
                # its helpers too: they are in its session
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(running.process.pid, signal.SIGKILL)
                running.process.wait()
            self._running.clear()


@contextlib.contextmanager
def stoppable() -> Iterator[None]:
    """Let SIGTERM and SIGHUP end this program as Ctrl-C does: by an exception, so that everything is cleaned up."""

    def stop(number: int, _: FrameType | None) -> None:
        raise SystemExit(128 + number)

    numbers = (signal.SIGTERM, signal.SIGHUP)
    before = [signal.signal(number, stop) for number in numbers]
    try:
        yield
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)


def _start(arguments: Sequence[str], folder: Path, out: IO[bytes] | int, err: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen(  # noqa: S603  # our own command, with arguments that we made
        [*COMMAND, *arguments],
        cwd=folder,
        env=_environment(),
        stdin=subprocess.DEVNULL,
        stdout=out,
        stderr=err,
        start_new_session=True,
    )


def _environment() -> dict[str, str]:
    """Our own environment, without a profile: each process knows its own folder only."""
    return {**{key: value for key, value in os.environ.items() if key != "TALLY_HOME"}, "PYTHONUNBUFFERED": "1"}


def _describe_failure(name: str, code: int, said: bytes) -> NotReady:
    lines = [line.strip() for line in said.decode(errors="replace").splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("error: ")]
    hints = [line.removeprefix("hint: ") for line in lines if line.startswith("hint: ")]
    how = f"was ended by signal {-code}" if code < 0 else f"ended with code {code}"
    told = errors[-1].removeprefix("error: ") if errors else lines[-1][:500] if lines else "it said nothing"
    return NotReady("unavailable", f"{name} {how}: {told}", hint=hints[-1] if errors and hints else "--keep DIR keeps its log")


def _tail(path: Path) -> bytes:
    with contextlib.suppress(OSError), path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - _TAIL))
        return file.read()
    return b""
