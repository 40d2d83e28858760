"""systemd/: units that systemd takes, with the limits that the containers have (S-39)."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tallystick.core.yaml import load_yaml

ROOT = Path(__file__).resolve().parents[2]
PARTIES = ("coordinator", "node")


def settings_of(party: str) -> dict[str, list[str]]:
    """Give the keys of a party's unit, with all their values."""
    found: dict[str, list[str]] = {}
    for line in (ROOT / "systemd" / f"tallystick-{party}.service").read_text().splitlines():
        if line and line[0] not in "#[":
            key, _, value = line.partition("=")
            found.setdefault(key, []).append(value)
    return found


@pytest.mark.parametrize("party", PARTIES)
def test_s39_a_unit_holds_no_privilege(party: str) -> None:
    found = settings_of(party)
    for key, value in {
        "NoNewPrivileges": "yes", "CapabilityBoundingSet": "", "AmbientCapabilities": "", "ProtectSystem": "strict", "ProtectHome": "yes",
        "PrivateTmp": "yes", "PrivateDevices": "yes", "LimitCORE": "0", "UMask": "0077", "StateDirectoryMode": "0700",
    }.items():  # fmt: skip
        assert found[key] == [value], key
    assert found["User"] == found["Group"] == [f"tallystick-{party}"]
    assert not {"Environment", "EnvironmentFile", "ReadWritePaths"} & found.keys()  # no secret, and no other folder
    assert found["ExecStart"] == [f"/opt/tallystick/bin/tally {party} serve --config /etc/tallystick/{party}.yaml"]


@pytest.mark.parametrize("party", PARTIES)
def test_s39_a_unit_has_the_limits_of_the_container(party: str) -> None:
    text = re.sub(r"\$\{[A-Z_]+:-([^}]*)\}", r"\1", (ROOT / "compose" / f"{party}.yaml").read_text())
    service: Any = load_yaml(text, what="compose")
    service = service["services"][party]
    found = settings_of(party)
    assert found["MemoryMax"] == [service["mem_limit"].upper()]
    assert found["LimitNOFILE"] == [str(service["ulimits"]["nofile"]["hard"])]
    assert found["TasksMax"] == [str(service["ulimits"]["nproc"]["hard"])]
    assert found["TimeoutStopSec"] == [service["stop_grace_period"].removesuffix("s")]


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd-analyze")
@pytest.mark.parametrize("party", PARTIES)
def test_systemd_takes_the_unit(party: str, tmp_path: Path) -> None:
    unit = tmp_path / f"tallystick-{party}.service"
    text = (ROOT / "systemd" / unit.name).read_text()
    unit.write_text(text.replace("/opt/tallystick/bin/tally", "/bin/true"))
    told = subprocess.run(["systemd-analyze", "verify", "--man=no", str(unit)], capture_output=True, text=True, check=False)
    assert [line for line in told.stderr.splitlines() if unit.name in line] == []
