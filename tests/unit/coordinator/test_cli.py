"""`tally coordinator`, command by command."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from tallystick.coordinator.cli import coordinator
from tallystick.coordinator.config import read_settings
from tallystick.core.errors import Invalid
from tallystick.core.net.joining import read_invitation
from tests.town import Town

CONFIG = "network: county\nlisten: 127.0.0.1:0\naddress: coordinator.example:7700\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "c.yaml").write_text(CONFIG)
    return tmp_path


def tally(folder: Path, *arguments: str) -> Result:
    command, *rest = arguments
    return CliRunner().invoke(coordinator, [command, "--config", str(folder / "c.yaml"), *rest])


def test_init_says_what_agreements_pin_and_never_overwrites(folder: Path) -> None:
    made = tally(folder, "init", "--format", "json")
    assert made.exit_code == 0, made.output
    entry = json.loads(made.stdout)["coordinator"]
    assert (len(entry["key"]), len(entry["sealing_key"])) == (64, 2432)
    assert (folder / "state").stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in (folder / "state").iterdir()} == {0o600}
    again = tally(folder, "init")
    assert again.exit_code == 1
    assert again.stderr.startswith("error: ")
    assert "hint: " in again.stderr


def test_init_prints_an_entry_that_is_yaml(folder: Path) -> None:
    from tallystick.core.yaml import load_yaml

    value: Any = load_yaml(tally(folder, "init").stdout, what="entry")
    assert set(value["coordinator"]) == {"key", "sealing_key"}


def test_invite_and_revoke(folder: Path) -> None:
    tally(folder, "init")
    invited = tally(folder, "invite", "--agency", "labor", "--out", str(folder / "labor.invite"))
    assert invited.exit_code == 0, invited.output
    invitation = read_invitation(folder / "labor.invite")
    assert (invitation.role, invitation.name, invitation.address) == ("agency", "labor", "coordinator.example:7700")
    revoked = tally(folder, "revoke", "--agency", "labor")
    assert (revoked.exit_code, revoked.stdout) == (0, "agency labor: 1 revoked\n")
    none = tally(folder, "revoke", "--agency", "labor")
    assert (none.exit_code, "not-enrolled" in none.stderr) == (1, True)


def test_somebody_must_be_named(folder: Path) -> None:
    tally(folder, "init")
    for command in (["invite", "--out", str(folder / "x")], ["revoke"]):
        result = tally(folder, *command)
        assert (result.exit_code, "name one member" in result.stderr) == (1, True)
    assert not (folder / "x").exists()


def test_several_are_invited_and_revoked_at_once(folder: Path) -> None:
    tally(folder, "init")
    named = ["--agency", "labor", "--agency", "health", "--analyst", "ana"]
    nowhere = tally(folder, "invite", *named, "--out", str(folder / "all"))
    assert (nowhere.exit_code, "is no folder" in nowhere.stderr) == (1, True)
    (folder / "all").mkdir()
    invited = tally(folder, "invite", *named, "--out", str(folder / "all"))
    assert invited.exit_code == 0, invited.output
    read = {path.name: read_invitation(path) for path in (folder / "all").iterdir()}
    assert set(read) == {"agency-labor.invite", "agency-health.invite", "analyst-ana.invite"}
    assert all(f"{one.role}-{one.name}.invite" == name for name, one in read.items())
    revoked = tally(folder, "revoke", "--agency", "labor", "--analyst", "ana")
    assert (revoked.exit_code, revoked.stdout) == (0, "agency labor: 1 revoked\nanalyst ana: 1 revoked\n")


def test_without_init_nothing_works_and_the_hint_says_why(folder: Path) -> None:
    for command in (["status"], ["serve"], ["invite", "--agency", "labor", "--out", str(folder / "x")]):
        result = tally(folder, *command)
        assert result.exit_code == 1, command
        assert "error: " in result.stderr


def test_a_port_that_is_not_known_yet_cannot_be_invited_to(folder: Path) -> None:
    (folder / "c.yaml").write_text("network: county\nlisten: 127.0.0.1:0\n")
    tally(folder, "init")
    result = tally(folder, "invite", "--agency", "labor", "--out", str(folder / "x"))
    assert (result.exit_code, "start it first" in result.stderr) == (1, True)


def test_status_says_who_is_silent(tmp_path: Path) -> None:
    town = Town(tmp_path)
    (tmp_path / "c.yaml").write_text(CONFIG)
    town.running()
    town.at.storage.note_connected(["labor"], town.clock.now())
    shown = json.loads(tally(tmp_path, "status", "--format", "json").stdout)
    [job] = shown["jobs"]
    assert (job["job"], job["state"], job["phase"], job["attempt"]) == (town.digest.hex(), "running", "derive", 1)
    assert {(w["party"], w["for"], w["connected"]) for w in job["waiting"]} == {
        ("labor", "seed", True),
        ("human-services", "seed", False),
    }
    table = tally(tmp_path, "status").stdout
    assert "human-services (seed, not connected)" in table
    assert town.digest.hex()[:12] in table
    (tmp_path / "agreements" / "county.json").unlink()
    [job] = json.loads(tally(tmp_path, "status", "--format", "json").stdout)["jobs"]
    assert job["waiting"][0]["for"] == "agreement-unknown"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "document-invalid"),
        ("listen: 127.0.0.1:0", "document-invalid"),
        ("network: County", "document-invalid"),
        ("network: county\nport: 7700", "document-invalid"),
        ("network: county\nlisten: nowhere", "document-invalid"),
        ("network: county\nlimits: {message_mib: 0}", "document-invalid"),
        ("network: [county", "yaml-invalid"),
    ],
)
def test_a_configuration_that_does_not_fit_is_refused(tmp_path: Path, text: str, code: str) -> None:
    (tmp_path / "c.yaml").write_text(text)
    with pytest.raises(Invalid) as caught:
        read_settings(tmp_path / "c.yaml")
    assert caught.value.code == code


def test_paths_are_relative_to_the_file(tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text("network: county\nstate: there\nagreements: [a, b/c.json]")
    settings = read_settings(tmp_path / "c.yaml")
    assert settings.state == tmp_path / "there"
    assert settings.agreements == (tmp_path / "a", tmp_path / "b" / "c.json")
    assert settings.address == "127.0.0.1:7700"
