"""A coordinator moves to another address: one command at each member, and a node that runs takes it without a restart."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from tallystick.core.errors import TallyError
from tallystick.lab.network.processes import COMMAND
from tests.e2e.linked import ANALYST, LinkedNetwork
from tests.e2e.links import Link
from tests.e2e.network import check_released
from tests.e2e.party import START_S
from tests.e2e.records import EXITS, WAGES


def dial(folder: Path, address: str, *options: str) -> subprocess.CompletedProcess[str]:
    """Type the command of a node's IT."""
    words = [*COMMAND, "node", "dial", address, *options, "--config", str(folder / "node.yaml")]
    return subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False)


def test_members_of_a_coordinator_that_moved_type_one_command_each(tmp_path: Path) -> None:
    with LinkedNetwork(tmp_path) as network:
        for name in (EXITS, WAGES):  # as an agency's IT writes it, not as a machine does
            path = network.folder / name / "node.yaml"
            value = json.loads(path.read_text())
            coordinator = value.pop("coordinator")
            text = json.dumps(value)[1:-1]
            assert coordinator["address"] == network.links[name].address
            path.write_text(f"{{{text},\n coordinator: {{address: '{coordinator['address']}'}}  # the county's\n}}\n")
        moved = Link([int(network.address.rpartition(":")[2])])
        wrong = dial(network.folder / EXITS, "127.0.0.1:1")
        assert wrong.returncode == 1
        assert "[port-closed]" in wrong.stderr
        network.links[ANALYST].close()
        with pytest.raises(TallyError, match=r"closed|unreachable"):
            network.client.jobs()
        for name in (EXITS, WAGES):
            before = (network.folder / name / "node.yaml").read_text()
            told = dial(network.folder / name, moved.address)
            assert told.returncode == 0, told.stderr
            assert told.stdout == f"{name} dials {moved.address} from now on; was {network.links[name].address}\n"
            assert (network.folder / name / "node.yaml").read_text() == before.replace(
                network.links[name].address, moved.address
            )
            network.links[name].close()
        assert network.client.profile.dial(moved.address).address == network.links[ANALYST].address
        network.open_client()
        network.until(
            lambda: all("address taken" in node.log() for node in network.nodes),
            START_S,
            "a node does not take the new address",
        )
        check_released(network, network.wait(network.submit()))
        moved.close()


def test_an_address_that_is_written_in_another_way_is_left_to_its_owner(tmp_path: Path) -> None:
    text = "agency: labor\ncoordinator:\n  address: old.example:7700\n# address: old.example:7700\n"
    (tmp_path / "node.yaml").write_text(text)
    told = dial(tmp_path, "new.example:7700", "--unchecked")
    assert told.returncode == 1
    assert "[document-invalid]" in told.stderr
    assert (tmp_path / "node.yaml").read_text() == text
    assert [path.name for path in tmp_path.iterdir()] == ["node.yaml"]
    (tmp_path / "node.yaml").write_text(text.rpartition("#")[0])
    assert dial(tmp_path, "new.example:7700", "--unchecked").returncode == 0
    assert "  address: new.example:7700\n" in (tmp_path / "node.yaml").read_text()
