"""How much a process may use, and how many jobs that is enough for."""

from __future__ import annotations

from pathlib import Path

import pytest

from tallystick.core.resources import GIB, MOST_JOBS, choose_jobs, count_cores, find_memory


@pytest.mark.parametrize("name", ["memory.max", "memory/memory.limit_in_bytes"])
def test_memory_is_the_container_s_where_that_is_less(tmp_path: Path, name: str) -> None:
    machine = find_memory(tmp_path)
    (tmp_path / name).parent.mkdir(exist_ok=True)
    for written, found in ((str(GIB), GIB), ("max", machine), (str(1 << 62), machine), ("", machine)):
        (tmp_path / name).write_text(f"{written}\n")
        assert find_memory(tmp_path) == found


@pytest.mark.parametrize(
    ("memory", "cores", "jobs"), [(64 * GIB, 2, 6), (4 * GIB, 16, 4), (GIB // 2, 1, 1), (1 << 50, 1000, MOST_JOBS)]
)
def test_memory_and_processors_bound_the_jobs(memory: int, cores: int, jobs: int) -> None:
    assert choose_jobs(0, memory=memory, cores=cores) == jobs
    assert choose_jobs(7, memory=memory, cores=cores) == 7


def test_what_is_not_given_is_this_process_s() -> None:
    assert choose_jobs(0) == choose_jobs(0, memory=find_memory(), cores=count_cores())
