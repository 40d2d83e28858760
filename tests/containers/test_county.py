"""A network of real containers, made with compose/ alone: it answers a question, and runs as S-39 wants it.

Needs podman (or another engine named by CONTAINER_ENGINE), its compose command, and TALLY_IMAGE: the image of compose/Dockerfile.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import pytest

from tallystick.client.sdk import Client
from tallystick.core.agreement.model import Agreement, CoordinatorParty
from tallystick.core.files import write_private
from tallystick.lab.network import build
from tallystick.lab.network.model import Lab
from tests.e2e.party import free_port
from tests.e2e.records import AGREEMENT, Records, question, sorted_rows

ENGINE: Final = os.environ.get("CONTAINER_ENGINE", "podman")
IMAGE: Final = os.environ.get("TALLY_IMAGE", "")
COMPOSE: Final = Path(__file__).resolve().parents[2] / "compose"
OWNER: Final = 10001
LIMITS: Final = ("--ulimit", "nofile=1024:2048", "--ulimit", "nproc=1024:2048")
READY_S: Final = 60.0

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not IMAGE or shutil.which(ENGINE) is None, reason="needs a container engine and TALLY_IMAGE"),
]


@dataclass
class Town:
    """Folders as an operator and two agencies' IT would have them, and the projects that run over them."""

    folder: Path
    network: str
    port: int
    started: list[str] = field(default_factory=list)

    def engine(self, *arguments: str) -> str:
        """Run a command of the engine; give what it prints."""
        made = subprocess.run([ENGINE, *arguments], capture_output=True, text=True, timeout=300, check=False)
        assert made.returncode == 0, (arguments, made.stderr)
        return made.stdout

    def tally(self, folder: Path, *arguments: str, mounts: Sequence[str] = ()) -> str:
        """Run one command of `tally` over a party's folder, as the image's own user."""
        volumes = [part for mount in (f"{folder}:/data", *mounts) for part in ("-v", mount)]
        return self.engine("run", "--rm", "--read-only", *LIMITS, "--network", self.network, *volumes, IMAGE, *arguments)

    def up(self, party: str, file: str) -> None:
        """Start a party with its compose file, copied into the party's folder unchanged."""
        project = self.folder / party
        shutil.copy(COMPOSE / file, project / "compose.yaml")
        self.started.append(party)
        self.compose(party, "up", "-d")

    def compose(self, party: str, *arguments: str) -> None:
        """Run a compose command in a party's folder."""
        names = {"TALLY_IMAGE": IMAGE, "TALLY_NETWORK": self.network, "TALLY_PORT": str(self.port)}
        command = [f"{ENGINE}-compose", "-p", f"{self.network}-{party}", *arguments]
        made = subprocess.run(
            command,
            cwd=self.folder / party,
            env={**os.environ, **names},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert made.returncode == 0, (command, made.stderr)

    def told(self) -> str:
        """Give the end of every log."""
        logs = {
            party: subprocess.run([ENGINE, "logs", self.container(party)], capture_output=True, text=True, check=False).stderr
            for party in self.started
        }
        return "\n".join(f"--- {party}\n{log[-2500:]}" for party, log in logs.items())

    def container(self, party: str) -> str:
        """Give the id of a party's container."""
        return self.engine("ps", "-q", "--filter", f"label=com.docker.compose.project={self.network}-{party}").strip()


@pytest.fixture(name="town", scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Town, Records, Client]]:
    """A coordinator and two nodes in containers, an analyst on this machine."""
    folder = tmp_path_factory.mktemp("county")
    town = Town(folder, f"tally{os.getpid()}", free_port())
    town.engine("network", "create", town.network)
    try:
        yield _started(town)
    finally:
        for party in reversed(town.started):
            town.compose(party, "down", "-t", "5")
        town.engine("network", "rm", "-f", town.network)


def _started(town: Town) -> tuple[Town, Records, Client]:
    records = Records()
    (town.folder / "files").mkdir()
    lab = records.written(town.folder / "files")
    keys = build.throw_away_keys(lab)
    home = town.folder / "coordinator" / "coordinator"
    build.write_coordinator(home, network="county")
    settings = {"network": "county", "listen": "0.0.0.0:7700", "address": "coordinator:7700"}
    write_private(home / "coordinator.yaml", json.dumps(settings).encode())
    _owned(home)
    shown = json.loads(town.tally(home, "coordinator", "init", "--format", "json"))["coordinator"]
    party = CoordinatorParty(key=shown["key"], sealing_key=shown["sealing_key"])
    agreements = build.lab_agreements(lab, build.Named((AGREEMENT,)), keys, party, datetime.now(UTC))
    document = agreements[AGREEMENT]
    write_private(home / "agreements" / f"{AGREEMENT}.json", document.text().encode())
    _owned(home)
    town.up("coordinator", "coordinator.yaml")
    _until(lambda: (home / "state" / "address").exists(), READY_S)
    analyst = build.analyst_of(lab)
    for role, name in [("agency", name) for name in lab.file.agencies] + [("analyst", analyst)]:
        town.tally(home, "coordinator", "invite", f"--{role}", name, "--out", f"{name}.invite")
    for agency in lab.file.agencies:
        node = town.folder / agency / "node"
        build.write_node(node, _inside(lab), agency, keys.agencies[agency], agreements, address="coordinator:7700", workers=1)
        shutil.copytree(lab.folder, town.folder / agency / "records")
        shutil.copy(home / f"{agency}.invite", node / "invite")
        _owned(node)
        town.tally(node, "node", "join", "invite", mounts=[f"{town.folder / agency / 'records'}:/records:ro"])
        town.up(agency, "node.yaml")
    # what an invitation says is the name inside the network; from this machine the published port leads there
    invitation = json.loads((home / f"{analyst}.invite").read_bytes()) | {"address": f"127.0.0.1:{town.port}"}
    (town.folder / "analyst.invite").write_text(json.dumps(invitation))
    profile = build.join_analyst(town.folder / "analyst", keys.analyst, town.folder / "analyst.invite", [document])
    return town, records, Client(profile)


def _inside(lab: Lab) -> Lab:
    """Give the lab as a container sees it: files under /records."""
    return replace(lab, folder=Path("/records"))


def _owned(folder: Path) -> None:
    for path in [folder, *folder.rglob("*")]:
        os.chown(path, OWNER, OWNER)


def _until(holds: Any, within: float) -> None:
    end = time.monotonic() + within
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.2)


def test_containers_answer_a_question(town: tuple[Town, Records, Client]) -> None:
    at, records, client = town
    asked = question()
    view = client.wait(client.submit(asked))
    assert view.state == "released", (view.reasons, at.told())
    result = client.result(view.job)
    agreement = client.profile.agreement(AGREEMENT).read(Agreement)
    assert sorted_rows(result.rows) == sorted_rows(records.expected(asked, agreement))


def test_s39_containers_hold_no_privilege(town: tuple[Town, Records, Client]) -> None:
    at = town[0]
    for party in at.started:
        name = at.container(party)
        status = dict(
            line.split(":\t", 1) for line in at.engine("exec", name, "cat", "/proc/1/status").splitlines() if ":\t" in line
        )
        assert set(status["Uid"].split()) == {str(OWNER)}
        assert {int(status[which], 16) for which in ("CapEff", "CapPrm", "CapBnd", "CapInh", "CapAmb")} == {0}
        assert status["NoNewPrivs"].strip() == "1"
        mounts = at.engine("exec", name, "cat", "/proc/1/mounts").splitlines()
        root = next(line.split() for line in mounts if line.split()[1] == "/")
        assert "ro" in root[3].split(",")
        told = json.loads(at.engine("inspect", name))[0]
        assert told["HostConfig"]["Privileged"] is False


def test_s39_no_secret_is_in_the_environment_or_the_image(town: tuple[Town, Records, Client]) -> None:
    at = town[0]
    for party in at.started:
        told = json.loads(at.engine("inspect", at.container(party)))[0]
        names = {entry.partition("=")[0] for entry in told["Config"]["Env"]}
        assert not {name for name in names if any(word in name.upper() for word in ("KEY", "SECRET", "PASSWORD", "TOKEN"))}
    where = ["--entrypoint", "find", IMAGE, "/opt/tallystick", "/data"]
    secrets = ["-name", "*.key", "-o", "-name", "*.invite", "-o", "-name", "*private*.pem"]
    assert at.engine("run", "--rm", *LIMITS, "--network", "none", *where, *secrets) == ""


def test_a_node_listens_nowhere(town: tuple[Town, Records, Client]) -> None:
    at = town[0]
    for party in set(at.started) - {"coordinator"}:
        for table in ("tcp", "tcp6"):
            lines = at.engine("exec", at.container(party), "cat", f"/proc/net/{table}").splitlines()[1:]
            assert not [line for line in lines if line.split()[3] == "0A"]  # 0A: listening


def test_the_health_checks_of_running_parties_pass(town: tuple[Town, Records, Client]) -> None:
    at = town[0]
    for party in at.started:
        kind = "coordinator" if party == "coordinator" else "node"
        assert json.loads(at.engine("exec", at.container(party), "tally", kind, "status", "--format", "json"))
