"""What reading may take: the least of what is configured, of the machine's memory and of the container's."""

from __future__ import annotations

from pathlib import Path

import pytest

from tallystick.records.locked import connect
from tallystick.records.memory import memory_limit_mib, reading_limit_mib


def machine(root: Path, groups: str, limits: dict[str, str]) -> Path:
    for name, text in {"proc/self/cgroup": groups, **limits}.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


@pytest.mark.parametrize(
    ("groups", "limits", "mib"),
    [
        ("0::/\n", {"sys/fs/cgroup/memory.max": "268435456\n"}, 256),
        ("0::/pod/node\n", {"sys/fs/cgroup/pod/node/memory.max": "max\n", "sys/fs/cgroup/pod/memory.max": "134217728\n"}, 128),
        ("0::/pod/node\n", {"sys/fs/cgroup/pod/node/memory.max": "67108864\n", "sys/fs/cgroup/memory.max": "134217728\n"}, 64),
        ("9:pids:/\n4:cpu,memory:/a\n", {"sys/fs/cgroup/memory/a/memory.limit_in_bytes": "209715200\n"}, 200),
        ("4:memory:/outside\n", {"sys/fs/cgroup/memory/memory.limit_in_bytes": "209715200\n"}, 200),
    ],
)  # fmt: skip
def test_the_least_limit_of_the_control_groups_holds(tmp_path: Path, groups: str, limits: dict[str, str], mib: int) -> None:
    root = machine(tmp_path, groups, limits)
    assert memory_limit_mib(root) == mib
    assert reading_limit_mib(None, root) == int(mib * 0.8)
    assert reading_limit_mib(4096, root) == int(mib * 0.8)
    assert reading_limit_mib(16, root) == 16


@pytest.mark.parametrize("groups", ["", "0::/\n", "nonsense\n", "4:memory:/a\n"])
def test_without_a_limit_it_is_the_machines(tmp_path: Path, groups: str) -> None:
    whole = memory_limit_mib(tmp_path / "nowhere")
    assert whole > 64
    assert memory_limit_mib(machine(tmp_path, groups, {"sys/fs/cgroup/memory.max": "max\n"})) == whole


def test_a_connection_takes_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tallystick.records.memory.memory_limit_mib", lambda root: 100)
    with connect(4096) as connection:
        assert connection.execute("SELECT current_setting('memory_limit')").fetchone() == ("80.0 MiB",)
    with connect(64) as connection:
        assert connection.execute("SELECT current_setting('memory_limit')").fetchone() == ("64.0 MiB",)
