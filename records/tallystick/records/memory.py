"""How much memory this process may take: the machine's, or less where a container or a service has a limit (Linux control groups)."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

MIB: Final = 1 << 20
ROOT: Final = Path("/")
SHARE: Final = 0.8
"""The part that reading may take; the rest is Python's and what others of the container need."""


def memory_limit_mib(root: Path = ROOT) -> int:
    """Give how many MiB this process and its children may take together.

    Args:
        root: the folder that stands for `/`: `proc/self/cgroup` and `sys/fs/cgroup` are read in it.
    """
    found = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")]
    found += [limit for path in _limits(root) if (limit := _read(path)) is not None]
    return max(1, min(found) // MIB)


def reading_limit_mib(wanted: int | None, root: Path = ROOT) -> int:
    """Give how many MiB reading a source may take: what is wanted, and never more than `SHARE` of what there is."""
    most = max(1, int(SHARE * memory_limit_mib(root)))
    return most if wanted is None else min(wanted, most)


def _limits(root: Path) -> list[Path]:
    """List the files that may hold a limit: of each control group of this process, and of those above it."""
    try:
        lines = (root / "proc/self/cgroup").read_text("utf-8", "replace").splitlines()
    except OSError:
        return []
    paths = []
    for line in lines:
        _, controllers, place = (*line.split(":", 2), "", "")[:3]
        if controllers == "":
            folder, name = root / "sys/fs/cgroup", "memory.max"
        elif "memory" in controllers.split(","):
            folder, name = root / "sys/fs/cgroup/memory", "memory.limit_in_bytes"
        else:
            continue
        group = Path(place.lstrip("/"))
        paths += [folder / one / name for one in (group, *group.parents)]
    return paths


def _read(path: Path) -> int | None:
    """Read a limit in bytes; None where there is none."""
    try:
        return int(path.read_text("ascii"))
    except (OSError, ValueError):  # no such group here, or `max`
        return None
