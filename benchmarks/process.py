"""Running a command with all its descendants under watch: wall time, processor time, memory, and when it said what."""

from __future__ import annotations

import os
import re
import subprocess
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

SAMPLE_S: Final = 0.1
_TICKS: Final = os.sysconf("SC_CLK_TCK")
_PAGE: Final = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True)
class Watched:
    """What was seen of a command that succeeded.

    Attributes:
        seconds: wall time from start to end.
        processor: seconds of processor time of it and all its descendants, up to the last sample.
        peak: bytes resident in all of them together at the worst moment; pages that they share count in each.
        largest: the greatest peak of one of them, in bytes.
        said: (seconds since the start, line) of both outputs.
        samples: (seconds since the start, processor time so far, bytes resident in all), a few a second.
        peaks: for each process, its command line and the most bytes that were ever resident in it, as the kernel counted them.
    """

    seconds: float
    processor: float
    peak: int
    largest: int
    said: tuple[tuple[float, str], ...]
    samples: tuple[tuple[float, float, int], ...] = ()
    peaks: tuple[tuple[str, int], ...] = ()

    @property
    def text(self) -> str:
        """All that it said."""
        return "\n".join(line for _, line in self.said)


def watched(command: Sequence[str], *, folder: Path | None = None) -> Watched:
    """Run a command to its end.

    Raises:
        SystemExit: it failed; with what it said.
    """
    said: list[tuple[float, str]] = []
    processor: dict[int, float] = {}
    samples: list[tuple[float, float, int]] = []
    peaks: dict[int, tuple[str, int]] = {}
    peak = largest = 0
    start = time.perf_counter()
    # where Python may not keep what it compiles, each process would compile everything anew: not what is measured here
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    process = subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def listen(stream: IO[str]) -> None:
        said.extend((time.perf_counter() - start, line.rstrip()) for line in stream)

    assert process.stdout is not None
    assert process.stderr is not None
    ears = [threading.Thread(target=listen, args=(stream,)) for stream in (process.stdout, process.stderr)]
    for ear in ears:
        ear.start()
    while process.poll() is None:
        resident = {}
        for pid, (seconds, size) in family_of(process.pid).items():
            processor[pid], resident[pid] = seconds, size
            peaks[pid] = _peak(pid) or peaks.get(pid, ("", 0))
        samples.append((time.perf_counter() - start, sum(processor.values()), sum(resident.values())))
        peak = max(peak, samples[-1][2])
        largest = max([largest, *resident.values()])
        time.sleep(SAMPLE_S)
    seconds = time.perf_counter() - start
    for ear in ears:
        ear.join()
    if process.returncode != 0:
        raise SystemExit("\n".join(line for _, line in said))
    return Watched(seconds, sum(processor.values()), peak, largest, tuple(said), tuple(samples), tuple(peaks.values()))


def _peak(pid: int) -> tuple[str, int] | None:
    """Give a process's command line and the most bytes that were resident in it; None where it has ended."""
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
        found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    except OSError:
        return None
    return None if found is None else (command, int(found[1]) * 1024)


def family_of(root: int) -> dict[int, tuple[float, int]]:
    """Give (processor seconds, resident bytes) of a process and all its descendants."""
    fields: dict[int, list[str]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields[int(entry.name)] = (entry / "stat").read_text().rsplit(")", 1)[1].split()
            except (OSError, IndexError):
                continue
    found = {}
    for pid, mine in fields.items():
        above = pid
        while above != root and above in fields:
            above = int(fields[above][1])
        if above == root:
            found[pid] = ((int(mine[11]) + int(mine[12])) / _TICKS, int(mine[21]) * _PAGE)
    return found
