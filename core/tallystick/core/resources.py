"""What this process may use: processors, and memory as the container or the machine bounds it; and how many jobs that is enough for."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

GIB: Final = 1 << 30
JOB_BYTES: Final = GIB
"""Memory that one running job is reckoned with: lists of a million people take as much at a node (docs/benchmarks.md)."""
JOBS_PER_CORE: Final = 3
"""One computes while another waits for the other agency's message."""
MOST_JOBS: Final = 64
_CGROUP: Final = Path("/sys/fs/cgroup")
_LIMITS: Final = ("memory.max", "memory/memory.limit_in_bytes")


def count_cores() -> int:
    """Count the processors that this process may run on."""
    return len(os.sched_getaffinity(0))


def find_memory(cgroup: Path = _CGROUP) -> int:
    """Find how many bytes of memory this process may have: the container's limit, or the machine's memory where that is less."""
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    for name in _LIMITS:
        try:
            written = (cgroup / name).read_text(encoding="ascii").strip()
        except OSError:
            continue
        if written.isdigit():
            return min(machine, int(written))
    return machine


def choose_jobs(
    configured: int,
    *,
    per_core: int = JOBS_PER_CORE,
    each: int = JOB_BYTES,
    memory: int | None = None,
    cores: int | None = None,
) -> int:
    """Choose how many jobs run at once.

    Args:
        configured: what the configuration says; 0 lets memory and processors decide.
        per_core: jobs for each processor.
        each: bytes that one is reckoned with.
        memory: bytes; of this process where it is left out.
        cores: likewise.
    """
    if configured:
        return configured
    memory = find_memory() if memory is None else memory
    cores = count_cores() if cores is None else cores
    return max(1, min(MOST_JOBS, per_core * cores, memory // each))
